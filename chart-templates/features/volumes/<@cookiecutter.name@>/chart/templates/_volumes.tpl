{{- define "volumes.mounts" -}}
{{- range $name, $volume := .Values.volumes }}
- name: {{ $name }}
  mountPath: {{ $volume.path | quote }}
  readOnly: {{ $volume.readOnly | default false }}
{{- end }}
{{- end }}

{{- define "volumes.volumes" -}}
{{- range $name, $volume := .Values.volumes }}
- name: {{ $name }}
  {{- toYaml $volume.source | nindent 2 }}
{{- end }}
{{- end }}
