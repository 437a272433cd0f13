{{- define "telemetry.annotations" -}}
{{- with .Values.telemetry.prometheus }}
{{- if $.Values.telemetry.enabled }}
prometheus.io/scrape: "true"
prometheus.io/port: {{ .port | quote }}
prometheus.io/path: {{ .path | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "telemetry.env" -}}
{{- with .Values.telemetry.opentelemetry }}
{{- if and $.Values.telemetry.enabled .endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .endpoint | quote }}
- name: OTEL_SERVICE_NAME
  value: {{ $.Values.name | quote }}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: deployment.environment={{ $.Values.environment.name }},service.version={{ include "base.version" $ }}
- name: OTEL_TRACES_SAMPLER
  value: parentbased_traceidratio
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ .samplePercent | int | mulf 0.01 | quote }}
{{- end }}
{{- end }}
{{- end }}
