{{- define "sidecars.containers" -}}
{{- range $name, $container := .Values.sidecars }}
- name: {{ $name }}
  {{- toYaml (merge (dict) $container (dict "imagePullPolicy" "IfNotPresent")) | nindent 2 }}
  securityContext:
    {{- include "base.containerSecurity" $ | nindent 4 }}
{{- end }}
{{- end }}
