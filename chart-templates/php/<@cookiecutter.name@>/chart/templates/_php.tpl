{{- /* php-fpm in the container app, behind httpd, by a socket that only this pod can reach. */ -}}
{{- define "php.annotations" -}}
checksum/php: {{ include "php.config" . | sha256sum | trunc 16 | quote }}
{{- end }}

{{- define "php.mounts" -}}
- name: php-config
  mountPath: /etc/php
  readOnly: true
- name: php-socket
  mountPath: /run/php
{{- end }}

{{- define "php.volumes" -}}
- name: php-config
  configMap:
    name: {{ include "base.fullname" . }}-php
- name: php-socket
  emptyDir: {}
{{- end }}
