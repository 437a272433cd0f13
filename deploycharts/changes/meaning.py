"""When two values mean the same to Kubernetes: quantities, int-or-string, durations, defaults.

All of it is decided by path, and only for kinds whose meaning is known: the environment variable
`LIMIT=1000m` is a text, the CPU limit `1000m` is one core.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache

from deploycharts.documents import Json

KNOWN_GROUPS = frozenset(
    ("", "apps", "batch", "autoscaling", "policy", "networking.k8s.io", "rbac.authorization.k8s.io")
)
_DURATION_GROUPS = ("cert-manager.io", "monitoring.coreos.com", "networking.istio.io")
_QUANTITY = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkKMGTPE]i?)?)$")
_SUFFIXES = {
    "": Fraction(1), "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000),
    **{suffix: Fraction(1000**power) for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Fraction(1024**power) for power, suffix in enumerate("KMGTPE", 1)},
}  # fmt: skip
_QUANTITY_PARENTS = frozenset(
    """requests limits hard capacity overhead allocatable default defaultRequest max min
    maxLimitRequestRatio scaleTargetQuantity""".split()
)
_QUANTITY_FIELDS = frozenset("sizeLimit divisor averageValue storage memory cpu".split())
_INT_OR_STRING = frozenset(
    """port targetPort maxSurge maxUnavailable minAvailable number""".split()
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)")
_SECONDS = {
    "ns": Fraction(1, 10**9), "us": Fraction(1, 10**6), "µs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "h": Fraction(3600),
    "d": Fraction(86400),
}  # fmt: skip
_DURATION_FIELDS = frozenset(
    """duration renewBefore timeout interval scrapeTimeout perTryTimeout idleTimeout
    connectTimeout baseEjectionTime""".split()
)


@lru_cache(maxsize=4096)
def quantity(text: str | int | float) -> Fraction | None:
    """The number that a Kubernetes quantity means, None if it is none."""
    matched = _QUANTITY.match(str(text).strip())
    if matched is None:
        return None
    number = Fraction(matched[1])
    if matched[2]:
        return number * Fraction(10) ** int(matched[2][1:])
    suffix = matched[3] or ""
    return number * _SUFFIXES[suffix] if suffix in _SUFFIXES else None


def _duration(text: str) -> Fraction | None:
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum((Fraction(number) * _SECONDS[unit] for number, unit in parts), Fraction(0))


def same_meaning(group: str, path: tuple[str, ...], old: Json, new: Json) -> bool:
    """Whether two different scalars at `path` (field names only) mean the same."""
    if not _is_text_or_number(old) or not _is_text_or_number(new) or not path:
        return False
    if type(old) is not str and type(new) is not str and old == new:
        return True
    if group in KNOWN_GROUPS and path[0] == "spec":
        return _same_quantity(path, old, new) or _same_int_or_string(path, old, new)
    if group in _DURATION_GROUPS and path[0] == "spec" and path[-1] in _DURATION_FIELDS:
        return _same_number(_duration(str(old)), _duration(str(new)))
    return False


def _is_text_or_number(value: Json) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _same_number(old: Fraction | None, new: Fraction | None) -> bool:
    return old is not None and old == new


def _same_quantity(path: tuple[str, ...], old: Json, new: Json) -> bool:
    is_quantity = path[-1] in _QUANTITY_FIELDS or (len(path) > 1 and path[-2] in _QUANTITY_PARENTS)
    if not is_quantity or not isinstance(old, str | int | float):
        return False
    return isinstance(new, str | int | float) and _same_number(quantity(old), quantity(new))


def _same_int_or_string(path: tuple[str, ...], old: Json, new: Json) -> bool:
    return path[-1] in _INT_OR_STRING and str(old) == str(new) and str(old).isdigit()


_EMPTY_IS_ABSENT = frozenset(
    """annotations labels env envFrom args command volumes volumeMounts imagePullSecrets
    tolerations nodeSelector resources requests limits initContainers
    data binaryData stringData ports hostAliases topologySpreadConstraints finalizers
    ownerReferences from to secrets ephemeralContainers
    volumeDevices loadBalancerSourceRanges externalIPs matchLabels matchExpressions
    readinessGates sysctls supplementalGroups metrics""".split()
)

_ONLY_DEFAULTS = frozenset(("strategy", "updateStrategy", "rollingUpdate"))

# Measured: in a pod template an explicit `affinity: {}`, `optional: false`, `enableServiceLinks:
# true` or a container's `securityContext: {}` makes new pods, so they are no defaults here.
_POD: dict[str, Json] = {
    "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30,
    "schedulerName": "default-scheduler", "hostNetwork": False, "hostPID": False, "hostIPC": False,
}  # fmt: skip
_CONTAINER: dict[str, Json] = {
    "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    "stdin": False, "stdinOnce": False, "tty": False,
}  # fmt: skip
_PROBE: dict[str, Json] = {
    "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
    "initialDelaySeconds": 0,
}  # fmt: skip
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_CONTAINERS = ("containers", "initContainers")
_WORKLOADS = frozenset(("Deployment", "StatefulSet"))


def _field_defaults() -> dict[tuple[str, ...], Json]:
    """Defaults by the last names of the path."""
    found: dict[tuple[str, ...], Json] = {}
    found.update({("template", "spec", name): value for name, value in _POD.items()})
    for container in _CONTAINERS:
        found.update({(container, name): value for name, value in _CONTAINER.items()})
        found[container, "ports", "protocol"] = "TCP"
        found[container, "volumeMounts", "readOnly"] = False
        found[container, "env", "value"] = ""
    for probe in _PROBES:
        found.update({(probe, name): value for name, value in _PROBE.items()})
        found[probe, "httpGet", "scheme"] = "HTTP"
    found["preStop", "httpGet", "scheme"] = "HTTP"
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        found["volumes", source, "defaultMode"] = 420
    found["fieldRef", "apiVersion"] = "v1"
    return found


_DEFAULTS = _field_defaults()
_DEFAULTS_OF_KIND: dict[str, dict[tuple[str, ...], Json]] = {
    "Service": {
        ("spec", "ports", "protocol"): "TCP", ("spec", "type"): "ClusterIP",
        ("spec", "sessionAffinity"): "None", ("spec", "internalTrafficPolicy"): "Cluster",
        ("spec", "publishNotReadyAddresses"): False,
    },
    "NetworkPolicy": {
        ("egress", "ports", "protocol"): "TCP", ("ingress", "ports", "protocol"): "TCP",
    },
    "Deployment": {
        ("spec", "replicas"): 1, ("spec", "progressDeadlineSeconds"): 600,
        ("spec", "revisionHistoryLimit"): 10, ("spec", "minReadySeconds"): 0,
        ("spec", "strategy", "type"): "RollingUpdate", ("spec", "paused"): False,
        ("spec", "strategy", "rollingUpdate", "maxSurge"): "25%",
        ("spec", "strategy", "rollingUpdate", "maxUnavailable"): "25%",
    },
    "StatefulSet": {
        ("spec", "replicas"): 1, ("spec", "revisionHistoryLimit"): 10,
        ("spec", "podManagementPolicy"): "OrderedReady", ("spec", "minReadySeconds"): 0,
        ("spec", "updateStrategy", "type"): "RollingUpdate",
    },
    "DaemonSet": {
        ("spec", "revisionHistoryLimit"): 10, ("spec", "minReadySeconds"): 0,
        ("spec", "updateStrategy", "type"): "RollingUpdate",
    },
    "Job": {
        ("spec", "backoffLimit"): 6, ("spec", "completions"): 1, ("spec", "parallelism"): 1,
        ("spec", "suspend"): False,
    },
    "CronJob": {
        ("spec", "concurrencyPolicy"): "Allow", ("spec", "suspend"): False,
        ("spec", "successfulJobsHistoryLimit"): 3, ("spec", "failedJobsHistoryLimit"): 1,
        ("jobTemplate", "spec", "backoffLimit"): 6,
    },
    "Ingress": {},
    "HorizontalPodAutoscaler": {("spec", "minReplicas"): 1},
    "Secret": {("type",): "Opaque", ("immutable",): False},
    "ConfigMap": {("immutable",): False},
    "ServiceAccount": {},
}  # fmt: skip
_LONGEST = 4


def is_default(group: str, kind: str, path: tuple[str, ...], value: Json) -> bool:
    """Whether leaving out `path` means the same as giving it this value."""
    if value is None:
        return True
    if group not in KNOWN_GROUPS:
        return False
    if isinstance(value, dict) and value and path[-1] in _ONLY_DEFAULTS:
        return all(is_default(group, kind, (*path, name), each) for name, each in value.items())
    if isinstance(value, dict | list):
        of_pod = path[-2:] == ("spec", "securityContext")
        return not value and (path[-1] in _EMPTY_IS_ABSENT or of_pod)
    tables: tuple[Mapping[tuple[str, ...], Json], ...] = (
        _DEFAULTS,
        _DEFAULTS_OF_KIND.get(kind, {}),
    )
    for length in range(1, min(_LONGEST, len(path)) + 1):
        for table in tables:
            default = table.get(path[-length:])
            if default is not None and type(default) is type(value) and default == value:
                return True
    return False
