{{- /* php-fpm in the container app, behind Apache, by a socket that only this pod can reach. */ -}}
{{- define "php.annotations" -}}
checksum/php: {{ include "php.config" . | sha256sum | trunc 16 | quote }}
{{- end }}

{{- define "php.mounts" -}}
- name: php-config
  mountPath: /etc/php-pod
  readOnly: true
- name: php-socket
  mountPath: /run/php
{{- end }}

{{- define "php.volumes" -}}
- name: php-config
  configMap:
    name: {{ include "base.fullname" . }}-php
- name: php-socket
  emptyDir: {sizeLimit: 1Mi}
{{- end }}

{{- /* Code of other images: copied before the pod starts. */ -}}
{{- define "php.copies" -}}
{{- range $name, $version := .Values.php.versions }}
{{- if $version.image }}
- name: code-{{ $name }}
  image: {{ $version.image | quote }}
  imagePullPolicy: IfNotPresent
  command: [cp, -R, "{{ $version.folder }}/.", /code/]
  resources:
    {{- toYaml $.Values.resources | nindent 4 }}
  securityContext:
    {{- include "base.containerSecurity" $ | nindent 4 }}
  volumeMounts:
    - name: code-{{ $name }}
      mountPath: /code
{{- end }}
{{- end }}
{{- end }}

{{- define "php.codeMounts" -}}
{{- range $name, $version := .Values.php.versions }}
{{- if $version.image }}
- name: code-{{ $name }}
  mountPath: /srv/versions/{{ $name }}
  readOnly: true
{{- end }}
{{- end }}
{{- end }}

{{- define "php.codeVolumes" -}}
{{- range $name, $version := .Values.php.versions }}
{{- if $version.image }}
- name: code-{{ $name }}
  emptyDir: {}
{{- end }}
{{- end }}
{{- end }}

{{- /* Where a site's files are. Takes (list . SITE FOLDER). */ -}}
{{- define "php.folder" -}}
{{- $root := index . 0 -}}{{- $site := index . 1 -}}{{- $folder := index . 2 -}}
{{- if or (hasPrefix "/" $folder) (not $site.version) }}
{{- if hasPrefix "/" $folder }}{{ $folder }}{{ else }}{{ printf "%s/%s" $root.Values.php.documentRoot $folder | trimSuffix "/" }}{{ end }}
{{- else }}
{{- $version := index $root.Values.php.versions $site.version | required (printf "php.versions has no %s" $site.version) -}}
{{- $top := ternary (printf "/srv/versions/%s" $site.version) $version.folder (not (empty $version.image)) -}}
{{ printf "%s/%s" $top $folder | trimSuffix "/" }}
{{- end }}
{{- end }}

{{- define "php.mebibytes" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- if hasSuffix "Ti" . }}{{ mul $number 1048576 }}{{ else if hasSuffix "Gi" . }}{{ mul $number 1024 }}
{{- else if hasSuffix "Mi" . }}{{ $number }}{{ else }}{{ div $number 1024 }}{{ end }}
{{- end }}

{{- define "php.workers" -}}
{{- if .Values.php.workers }}{{ .Values.php.workers }}
{{- else }}
{{- $limit := include "php.mebibytes" .Values.resources.limits.memory | int64 -}}
{{- $workers := div (sub $limit .Values.php.sharedMebibytes) .Values.php.workerMebibytes -}}
{{- if lt $workers 1 }}{{ fail (printf "resources.limits.memory: %dMi is too little for php.sharedMebibytes and one worker (php.workerMebibytes)" $limit) }}{{ end -}}
{{ $workers }}
{{- end }}
{{- end }}
