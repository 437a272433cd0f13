{{- /*
base 1.2.0: what all charts share. Do not edit it: `create-new-service --update` replaces it.
*/ -}}

{{- define "base.fullname" -}}
{{- printf "%s-%s" .Values.name .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "base.labels" -}}
app.kubernetes.io/name: {{ .Values.name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: {{ .Chart.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* What pods are found by; it never changes in the life of a release. Takes (list . COMPONENT). */ -}}
{{- define "base.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Values.name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- /* The chart's version is not among a pod's labels: a new one alone restarts nothing. */ -}}
{{- define "base.podLabels" -}}
{{- $root := index . 0 -}}
{{ include "base.selector" . }}
app.kubernetes.io/version: {{ include "base.version" $root | quote }}
app.kubernetes.io/part-of: {{ $root.Chart.Name }}
{{- end }}

{{- define "base.podAnnotations" -}}
checksum/files: {{ .Values.config.files | toJson | sha256sum | trunc 16 | quote }}
checksum/secrets: {{ .Values.secrets.env | toJson | sha256sum | trunc 16 | quote }}
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* What is switched off, and why: annotations of the workload. */ -}}
{{- define "base.switchedOff" -}}
{{- range $key, $value := dict "network-policy" .Values.networkPolicy "telemetry" .Values.telemetry "probes" .Values.probes }}
{{- if and $value (not $value.enabled) }}
deploycharts/no-{{ $key }}: {{ $value.reason | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "base.version" -}}
{{- $image := .Values.image -}}
{{- $image.tag | default (trimPrefix "sha256:" $image.digest | trunc 12) | trunc 63 | trimAll "-_." }}
{{- end }}

{{- define "base.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}
{{- else }}{{ $image.repository }}:{{ required "image.tag or image.digest must be set" $image.tag }}{{ end }}
{{- end }}

{{- define "base.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .Values.user }}
runAsGroup: {{ .Values.user }}
fsGroup: {{ .Values.user }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "base.containerSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .Values.user }}
runAsGroup: {{ .Values.user }}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* Environment variables: facts of the place, then the configuration. */ -}}
{{- define "base.env" -}}
- name: ENVIRONMENT
  value: {{ .Values.environment.name | quote }}
- name: DATACENTER
  value: {{ .Values.environment.datacenter | quote }}
- name: RELEASE
  value: {{ .Release.Name | quote }}
{{- with .Values.port }}
- name: PORT
  value: {{ . | quote }}
{{- end }}
{{- range $name, $value := .Values.config.env }}
- name: {{ $name | quote }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "base.envFrom" -}}
{{- if .Values.secrets.env }}
- secretRef:
    name: {{ include "base.fullname" . }}
{{- end }}
{{- with .Values.secrets.existing }}
- secretRef:
    name: {{ . | quote }}
{{- end }}
{{- end }}

{{- /* A writable /tmp, because the root is read-only, and the configuration files. */ -}}
{{- define "base.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.config.files }}
- name: files
  mountPath: {{ .Values.config.folder | quote }}
  readOnly: true
{{- end }}
{{- end }}

{{- define "base.volumes" -}}
- name: tmp
  emptyDir: {}
{{- if .Values.config.files }}
- name: files
  configMap:
    name: {{ include "base.fullname" . }}
{{- end }}
{{- end }}
