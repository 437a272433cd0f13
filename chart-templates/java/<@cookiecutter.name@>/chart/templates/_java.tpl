{{- /* The virtual machine reads the limits of its container; it leaves by itself when memory is out. */ -}}
{{- define "java.env" -}}
- name: JAVA_TOOL_OPTIONS
  value: {{ prepend .Values.java.options (printf "-XX:MaxRAMPercentage=%d -XX:InitialRAMPercentage=%d -XX:+ExitOnOutOfMemoryError" (int .Values.java.heapPercent) (div .Values.java.heapPercent 2)) | join " " | quote }}
{{- end }}
