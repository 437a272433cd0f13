{{- define "tls.secretName" -}}
{{ .Values.tls.secret | default (printf "%s-tls" (include "base.fullname" .)) }}
{{- end }}

{{- define "tls.annotations" -}}
{{- if .Values.tls.enabled }}
checksum/tls: {{ include "tls.config" . | sha256sum | trunc 16 | quote }}
{{- end }}
{{- end }}

{{- /* A sidecar that starts before the program and stops after it. */ -}}
{{- define "tls.container" -}}
{{- if .Values.tls.enabled }}
- name: tls
  image: {{ .Values.tls.image | quote }}
  imagePullPolicy: IfNotPresent
  restartPolicy: Always
  args: [--config-path, /etc/envoy/envoy.yaml, --log-level, warn, --drain-time-s, "{{ .Values.shutdown.drainSeconds }}"]
  ports:
    - name: tls
      containerPort: {{ .Values.tls.port }}
  startupProbe:
    tcpSocket:
      port: tls
    periodSeconds: 1
    failureThreshold: 60
  resources:
    {{- toYaml .Values.tls.resources | nindent 4 }}
  securityContext:
    {{- include "base.containerSecurity" . | nindent 4 }}
  volumeMounts:
    - name: tmp
      mountPath: /tmp
    - name: tls-config
      mountPath: /etc/envoy
      readOnly: true
    - name: tls-certificate
      mountPath: /etc/tls
      readOnly: true
{{- end }}
{{- end }}

{{- define "tls.volumes" -}}
{{- if .Values.tls.enabled }}
- name: tls-config
  configMap:
    name: {{ include "base.fullname" . }}-tls
- name: tls-certificate
  secret:
    secretName: {{ include "tls.secretName" . }}
{{- end }}
{{- end }}
