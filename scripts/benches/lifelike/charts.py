"""The charts of the repository: templates that include shared helpers, and their fixtures."""

from __future__ import annotations

import random
import textwrap

TIMEOUT_LINE = "connect_timeout: {{ $listener.timeout | default SECONDS }}s"


def chart_files(name: str, *, is_meshed: bool, seed: int) -> dict[str, str]:
    """The files of one chart; meshed ones carry a copy of the long shared helper."""
    dice = random.Random(seed)  # noqa: S311 (no secret is made of it)
    has = {feature: dice.random() < 0.5 for feature in ("cronjobs", "metrics", "ingress")}
    files = {
        "Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 0.{seed}.0\ntype: application\n",
        "values.yaml": _values(name, dice, is_meshed=is_meshed),
        "templates/_base.tpl": _BASE,
        "templates/deployment.yaml": _deployment(is_meshed=is_meshed, has_metrics=has["metrics"]),
        "templates/service.yaml": _SERVICE,
        "templates/configmap.yaml": _CONFIGMAP,
        "templates/secret.yaml": _SECRET,
        "templates/networkpolicy.yaml": _NETWORKPOLICY,
        ".helmignore": "fixtures/\n",
    }
    if is_meshed:
        files["templates/vendor/_mesh.tpl"] = mesh_helper()
        files["templates/mesh.yaml"] = '{{ include "mesh.configmap" . }}\n'
    if has["cronjobs"]:
        files["templates/cronjob.yaml"] = _CRONJOB
    if has["ingress"]:
        files["templates/ingress.yaml"] = _INGRESS
    return files | _fixtures(dice)


def mesh_helper(timeout: int = 5) -> str:
    """A helper as long as real ones are: the proxy's configuration, listener by listener."""
    filters = "".join(_FILTER.replace("KIND", f"{number:02d}") for number in range(60))
    return _MESH.replace("FILTERS", filters).replace(
        "TIMEOUT_LINE", TIMEOUT_LINE.replace("SECONDS", str(timeout))
    )


def _timeout(dice: random.Random) -> str:
    return ", timeout: 9" if dice.random() < 0.1 else ""


def _values(name: str, dice: random.Random, *, is_meshed: bool) -> str:
    variables = "".join(f"    SETTING_{n}: value-{dice.randrange(99)}\n" for n in range(12))
    listeners = "".join(
        f"    - {{name: peer-{n}, port: {6000 + n}{_timeout(dice)}}}\n"
        for n in range(dice.randrange(3, 9))
    )
    mesh = f"mesh:\n  enabled: true\n  port: 4000\n  listeners:\n{listeners}" if is_meshed else ""
    return (
        f"name: {name}\nimage: registry.example/{name}\ntag: 1.0.{dice.randrange(99)}\n"
        f"replicas: 2\nport: {8000 + dice.randrange(999)}\nconfig:\n  public:\n{variables}"
        f"  private: {{}}\negress:\n  enabled: false\n  nets: []\nmetrics: true\n"
        f"cronjobs: {{}}\ningress:\n  host: ''\n{mesh}"
    )


def _fixtures(dice: random.Random) -> dict[str, str]:
    return {
        "fixtures/egress.yaml": "egress:\n  enabled: true\n  nets:\n"
        + "".join(f"    - 10.{n}.{dice.randrange(99)}.0/24\n" for n in range(12)),
        "fixtures/cronjobs.yaml": "cronjobs:\n  purge: {schedule: '5 4 * * *', args: [purge]}\n"
        "  index: {schedule: '*/10 * * * *', args: [index, --all]}\n",
        "fixtures/ingress.yaml": "ingress:\n  host: example.org\nreplicas: 5\n",
        "fixtures/secrets.yaml": "config:\n  private:\n    password: correct-horse\n",
    }


def _deployment(*, is_meshed: bool, has_metrics: bool) -> str:
    sidecar = '\n{{ include "mesh.container" . | indent 8 }}' if is_meshed else ""
    volume = '\n{{ include "mesh.volume" . | indent 8 }}' if is_meshed else " []"
    checksum = '\n{{ include "mesh.checksum" . | indent 8 }}' if is_meshed else ""
    metrics = _METRICS if has_metrics else ""
    return (
        _DEPLOYMENT.replace("SIDECAR", sidecar)
        .replace("VOLUMES", volume)
        .replace("CHECKSUM", checksum)
        .replace("METRICS", metrics)
    )


_BASE = textwrap.dedent("""\
    {{- define "base.name" -}}{{ .Values.name }}-{{ .Release.Name }}{{- end }}
    {{- define "base.selector" -}}
    app: {{ .Values.name }}
    release: {{ .Release.Name }}
    {{- end }}
    {{- define "base.labels" -}}
    {{ include "base.selector" . }}
    chart: {{ .Chart.Name }}-{{ .Chart.Version }}
    heritage: {{ .Release.Service }}
    {{- end }}
    """)
_DEPLOYMENT = textwrap.dedent("""\
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: {{ include "base.name" . }}
      labels: {{- include "base.labels" . | nindent 4 }}
    spec:
      replicas: {{ .Values.replicas }}
      selector:
        matchLabels: {{- include "base.selector" . | nindent 6 }}
      template:
        metadata:
          labels: {{- include "base.selector" . | nindent 8 }}
          annotations:
            checksum/config: {{ .Values.config | toYaml | sha256sum }}CHECKSUM
        spec:
          containers:
            - name: app
              image: "{{ .Values.image }}:{{ .Values.tag }}"
              ports:
                - name: http
                  containerPort: {{ .Values.port }}
              env:
                - name: SERVICE_IDENTIFIER
                  value: {{ include "base.name" . }}
              {{- range $key, $value := .Values.config.public }}
                - name: {{ $key }}
                  value: {{ $value | quote }}
              {{- end }}
              {{- range $key, $value := .Values.config.private }}
                - name: {{ $key | upper }}
                  valueFrom:
                    secretKeyRef: {name: {{ include "base.name" $ }}-secret, key: {{ $key }}}
              {{- end }}
              readinessProbe:
                httpGet: {path: /healthz, port: http}
              resources:
                requests: {cpu: 200m, memory: 200Mi}
                limits: {memory: 400MiMETRICS}
              securityContext:
                allowPrivilegeEscalation: false
                runAsNonRoot: true
                capabilities: {drop: [ALL]}
                seccompProfile: {type: RuntimeDefault}SIDECAR
          volumes:VOLUMES
    """)
_METRICS = "{{ if .Values.metrics }}, ephemeral-storage: 1Gi{{ end }}"
_SERVICE = textwrap.dedent("""\
    apiVersion: v1
    kind: Service
    metadata:
      name: {{ include "base.name" . }}
      labels: {{- include "base.labels" . | nindent 4 }}
    spec:
      selector: {{- include "base.selector" . | nindent 4 }}
      ports:
        - name: http
          port: {{ .Values.port }}
          targetPort: http
    """)
_CONFIGMAP = textwrap.dedent("""\
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: {{ include "base.name" . }}-config
      labels: {{- include "base.labels" . | nindent 4 }}
    data:
      config.yaml: |
        service: {{ .Values.name }}
        {{- .Values.config.public | toYaml | nindent 4 }}
    """)
_SECRET = textwrap.dedent("""\
    {{- if .Values.config.private }}
    apiVersion: v1
    kind: Secret
    metadata:
      name: {{ include "base.name" . }}-secret
      labels: {{- include "base.labels" . | nindent 4 }}
    data:
    {{- range $key, $value := .Values.config.private }}
      {{ $key }}: {{ $value | b64enc | quote }}
    {{- end }}
    {{- end }}
    """)
_NETWORKPOLICY = textwrap.dedent("""\
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: {{ include "base.name" . }}
      labels: {{- include "base.labels" . | nindent 4 }}
    spec:
      podSelector:
        matchLabels: {{- include "base.selector" . | nindent 6 }}
      policyTypes: [Ingress{{ if .Values.egress.enabled }}, Egress{{ end }}]
      ingress:
        - ports:
            - {port: {{ .Values.port }}, protocol: TCP}
      {{- if .Values.egress.enabled }}
      egress:
      {{- range .Values.egress.nets }}
        - to:
            - ipBlock: {cidr: {{ . }}}
      {{- end }}
      {{- end }}
    """)
_CRONJOB = textwrap.dedent("""\
    {{- range $name, $job := .Values.cronjobs }}
    ---
    apiVersion: batch/v1
    kind: CronJob
    metadata:
      name: {{ include "base.name" $ }}-{{ $name }}
      labels: {{- include "base.labels" $ | nindent 4 }}
    spec:
      schedule: {{ $job.schedule | quote }}
      jobTemplate:
        spec:
          template:
            spec:
              restartPolicy: Never
              containers:
                - name: {{ $name }}
                  image: "{{ $.Values.image }}:{{ $.Values.tag }}"
                  args: {{- $job.args | toYaml | nindent 18 }}
    {{- end }}
    """)
_INGRESS = textwrap.dedent("""\
    {{- if .Values.ingress.host }}
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      name: {{ include "base.name" . }}
      labels: {{- include "base.labels" . | nindent 4 }}
    spec:
      rules:
        - host: {{ .Values.ingress.host }}
          http:
            paths:
              - path: /
                pathType: Prefix
                backend:
                  service: {name: {{ include "base.name" . }}, port: {name: http}}
    {{- end }}
    """)
_FILTER = textwrap.dedent("""\
    {{- define "mesh._filterKIND" -}}
    {{- /* One of the filters that few services use; it costs time to parse all the same. */}}
    {{- if (index . "filterKIND") }}
    - name: filter-KIND
      typed_config:
        level: {{ .filterKIND.level | default "info" }}
        headers:
        {{- range $name, $value := .filterKIND.headers }}
          {{ $name }}: {{ $value | quote }}
        {{- end }}
    {{- end }}
    {{- end }}
    """)
_MESH = textwrap.dedent("""\
    {{- define "mesh.configuration" -}}
    admin:
      access_log_path: /var/log/proxy/admin.log
      port: {{ .Values.mesh.admin | default 1666 }}
    service: {{ .Values.name }}
    listeners:
    - name: tls
      port: {{ .Values.mesh.port }}
      upstream: {host: 127.0.0.1, port: {{ .Values.port }}}
    {{- range $listener := .Values.mesh.listeners }}
    {{- include "mesh._listener" (dict "listener" $listener "root" $) }}
    {{- end }}
    {{- end }}
    {{- define "mesh._listener" }}
    {{- $listener := .listener }}
    - name: {{ $listener.name }}
      port: {{ $listener.port }}
      TIMEOUT_LINE
      cluster:
        name: {{ $listener.name }}-cluster
        type: STRICT_DNS
        dns_lookup_family: V4_ONLY
        endpoints:
        - {address: {{ $listener.name }}.discovery.example, port: {{ $listener.port }}}
        circuit_breakers: {max_connections: {{ $listener.connections | default 1000 }}}
    {{- end }}
    {{- define "mesh.configmap" -}}
    {{- if .Values.mesh.enabled }}
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: {{ include "base.name" . }}-mesh
      labels: {{- include "base.labels" . | nindent 4 }}
    data:
      proxy.yaml: |- {{- include "mesh.configuration" . | nindent 4 }}
    {{- end }}
    {{- end }}
    {{- define "mesh.checksum" -}}
    checksum/mesh: {{ include "mesh.configuration" . | sha256sum }}
    {{- end }}
    {{- define "mesh.container" -}}
    - name: proxy
      image: registry.example/proxy:1.29.4
      ports:
        - {name: tls, containerPort: {{ .Values.mesh.port }}}
      volumeMounts:
        - {name: proxy, mountPath: /etc/proxy, readOnly: true}
      readinessProbe:
        httpGet: {path: /ready, port: tls}
      resources:
        requests: {cpu: 100m, memory: 100Mi}
        limits: {memory: 500Mi}
    {{- end }}
    {{- define "mesh.volume" -}}
    - name: proxy
      configMap: {name: {{ include "base.name" . }}-mesh}
    {{- end }}
    FILTERS""")
