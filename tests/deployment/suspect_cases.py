"""Failing edits of a service: what is edited, and what Kubernetes then says."""

from __future__ import annotations

from dataclasses import dataclass

from deploycharts.deployment.symptoms import Trouble
from deploycharts.documents import ObjectKey
from deploycharts.target import Target

VALUES, STAGING, MAIN, BOTH = (
    "values.yaml", "values-staging.yaml", "values-main.yaml", "values-main-staging.yaml"
)  # fmt: skip
TEMPLATE = "chart:templates/deployment.yaml"
HELPER = "chart:templates/_base.tpl"


@dataclass(frozen=True)
class Edit:
    """Replaces a text in a file, or appends to it; the line that then holds `guilty` did it."""

    file: str
    old: str
    new: str
    guilty: str


@dataclass(frozen=True)
class Said:
    """What Kubernetes says: of a pod, of the workload (no container), or of a hook's Job."""

    reason: str
    message: str = ""
    exit_code: int | None = None
    log: tuple[str, ...] = ()
    container: str = "app"
    hook: bool = False

    def trouble(self, service: str) -> Trouble:
        """The trouble in the service's main release in staging."""
        kind, group = ("Job", "batch") if self.hook else ("Deployment", "apps")
        name = f"{service}-main-migrate" if self.hook else f"{service}-main"
        workload = ObjectKey(group, kind, service, name)
        pod = ObjectKey("", "Pod", service, f"{name}-7d9f-x2x") if self.container else workload
        container = "migrate" if self.hook else self.container
        return Trouble(
            Target(service, "staging", "main"), workload, pod, container, self.reason,
            self.message.replace("SERVICE", service), exit_code=self.exit_code,
        )  # fmt: skip


_UNREADY = "containers with unready status: [app]"

TOLD: dict[str, tuple[Edit, Said]] = {
    "arguments of a release": (
        Edit(MAIN, "", 'args: ["--quick", "--listen-all"]\n', "--listen-all"),
        Said("CrashLoopBackOff", "back-off 10s restarting failed container", 2,
             ("usage: server [--quick]", "server: unknown flag --listen-all")),
    ),
    "a program that is not in the image": (
        Edit(VALUES, "replicas:", "command: [/srv/app/start]\nreplicas:", "command:"),
        Said("RunContainerError", 'failed to create containerd task: exec: "/srv/app/start": stat '
             "/srv/app/start: no such file or directory: unknown", 127),
    ),
    "an environment variable of an environment": (
        Edit(STAGING, "", "config:\n  env:\n    CACHE_SIZE: '20'\n    DATABASE_HOST: db7.example\n",
             "DATABASE_HOST"),
        Said("CrashLoopBackOff", "back-off 20s restarting failed container", 1,
             ("starting", "fatal: cannot reach the database at db7.example:5432")),
    ),
    "a variable that is gone": (
        Edit(VALUES, "    UPSTREAM: https://upstream.example\n", "", "UPSTREAM"),
        Said("CrashLoopBackOff", "back-off 10s restarting failed container", 1,
             ("KeyError: 'UPSTREAM'",)),
    ),
    "a lower memory limit": (
        Edit(VALUES, "replicas:", "resources:\n  limits:\n    memory: 16Mi\n"
             "  requests:\n    memory: 16Mi\nreplicas:", "    memory: 16Mi"),
        Said("OOMKilled", "", 137),
    ),
    "the path of a probe": (
        Edit(STAGING, "", "probes:\n  path: /helthz\n", "path: /helthz"),
        Said("NotReady", _UNREADY, log=(
            "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404",)),
    ),
    "the port": (
        Edit(VALUES, "port: 8080", "port: 8081", "port: 8081"),
        Said("NotReady", _UNREADY, log=(
            'Unhealthy: Readiness probe failed: Get "http://10.0.0.9:8081/healthz": dial tcp '
            "10.0.0.9:8081: connect: connection refused",)),
    ),
    "a secret that is not there": (
        Edit(BOTH, "", "secrets:\n  existing: greeter-tokens\n", "existing:"),
        Said("CreateContainerConfigError", 'secret "greeter-tokens" not found'),
    ),
    "a key that is not there": (
        Edit(TEMPLATE, "key: rate", "key: rates", "key: rates"),
        Said("CreateContainerConfigError",
             "couldn't find key rates in ConfigMap SERVICE/SERVICE-main-limits"),
    ),
    "a configuration file in the values": (
        Edit(VALUES, "      workers: 4", "      wrokers: 8", "wrokers"),
        Said("CrashLoopBackOff", "back-off 10s restarting failed container", 1,
             ("/etc/service/app.yaml: unknown key wrokers",)),
    ),
    "a configuration file in the chart": (
        Edit("chart:files/limits.conf", "rate = 10", "rate = many", "rate = many"),
        Said("CrashLoopBackOff", "back-off 10s restarting failed container", 1,
             ("panic: invalid limits: rate: not a number: many",)),
    ),
    "a start that is given no time": (
        Edit(STAGING, "", "probes:\n  startSeconds: 3\n", "startSeconds: 3"),
        Said("CrashLoopBackOff", "back-off 10s restarting failed container", 137,
             ("Unhealthy: Startup probe failed: Get http://10.0.0.9:8080/healthz: EOF",
              "Killing: Container app failed startup probe, will be restarted")),
    ),
    "the image, made by a helper": (
        Edit(HELPER, "{{ $image.repository }}:{{", "{{ $image.repository }}-ng:{{", "-ng"),
        Said("ImagePullBackOff", "Back-off pulling image: failed to resolve reference: not found"),
    ),
    "a hook's arguments": (
        Edit(VALUES, "replicas:", "migrate:\n  steps: [check, dorp-all]\nreplicas:", "dorp-all"),
        Said("BackoffLimitExceeded", "Job has reached the specified backoff limit", hook=True),
    ),
    "a selector": (
        Edit(HELPER, "component: {{ index . 1 }}", "component: web-{{ index . 1 }}", "web-"),
        Said("Refused", 'cannot patch "greeter-main" with kind Deployment: Deployment.apps '
             '"SERVICE-main" is invalid: spec.selector: Invalid value: '
             '{"matchLabels":{"a":"b"}}: field is immutable', container=""),
    ),
}  # fmt: skip

REAL: dict[str, tuple[Edit, str]] = {
    "an image that is not there": (
        Edit(VALUES, 'tag: 1.0.0', "tag: 1.0.1-fault-image-pull", "tag:"), "ImagePullBackOff"
    ),
    "an image that crashes, in one environment": (
        Edit(STAGING, "", "image:\n  tag: 1.1.0-fault-crash\n", "tag:"), "CrashLoopBackOff"
    ),
    "an image that does not get ready, in one release of one environment": (
        Edit(BOTH, "", "image:\n  tag: 1.1.0-fault-never-ready\n", "tag:"), "NotReady"
    ),
    "an image that needs more memory, by the chart's default": (
        Edit("chart:values.yaml", "  digest: \"\"", "  digest: \"\"\n  suffix: -fault-oom",
             "suffix:"), "OOMKilled"
    ),
    "more than a node has": (
        Edit(STAGING, "", "resources:\n  requests:\n    cpu: '900'\n", "cpu:"), "Unschedulable"
    ),
    "a node that does not exist": (
        Edit(TEMPLATE, "      serviceAccountName:",
             "      nodeSelector:\n        disk: fast\n      serviceAccountName:", "nodeSelector"),
        "Unschedulable",
    ),
    "more pods than the quota": (
        Edit(STAGING, "", "shutdown:\n  delaySeconds: 6\nreplicas: 40\n", "replicas:"),
        "FailedCreate"
    ),
    "more rights than the namespace gives": (
        Edit(HELPER, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true",
             "allowPrivilegeEscalation: true"), "FailedCreate"
    ),
    "the user root": (Edit(VALUES, "replicas:", "user: 0\nreplicas:", "user: 0"), "FailedCreate"),
    "an account that is not there": (
        Edit(TEMPLATE, 'serviceAccountName: {{ include "base.fullname" . }}',
             'serviceAccountName: {{ include "base.fullname" . }}-bot', "serviceAccountName"),
        "FailedCreate",
    ),
}  # fmt: skip
