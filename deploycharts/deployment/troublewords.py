"""Words of Kubernetes for what is wrong, and the fields that they speak of.

The words are those of the kubelet (pkg/kubelet/images, pkg/kubelet/kuberuntime), of the scheduler's
plugins (pkg/scheduler/framework/plugins), of the quota, LimitRange and PodSecurity admission
plugins, and of API validation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Weights: TypeAlias = Mapping[str, float]
"""What fields are worth as a suspect, by the last names of their paths, up to about 120."""

# Where nothing else is known: what makes a program behave differently, and what hardly can.
PROGRAM: Weights = {
    "command": 80, "args": 78, "image": 70, "data": 62, "stringData": 62, "env": 60,
    "workingDir": 60, "readOnlyRootFilesystem": 60, "envFrom": 55, "volumes": 50,
    "volumeMounts": 50, "securityContext": 50, "limits.memory": 40, "livenessProbe": 40,
    "startupProbe": 40, "serviceAccountName": 35, "containerPort": 30, "ports": 30,
    "initContainers": 30, "containers": 30, "lifecycle": 25, "limits.cpu": 20, "hostAliases": 20,
    "egress": 20, "dnsConfig": 20, "dnsPolicy": 20, "containers.resources": 15,
    "template.metadata.annotations": 10, "template": 6, "template.metadata.labels": 4,
    "livenessProbe.periodSeconds": 15, "startupProbe.periodSeconds": 20,
}  # fmt: skip
_READINESS: Weights = {
    **PROGRAM, "readinessProbe": 95, "startupProbe": 90, "containerPort": 82, "ports": 75,
    "readinessGates": 90, "command": 66, "args": 64, "image": 60, "env": 50, "data": 52,
    "livenessProbe": 35, "limits.cpu": 30, "minReadySeconds": 30,
    "readinessProbe.periodSeconds": 25,
}  # fmt: skip
_IMAGE: Weights = {"image": 100, "imagePullSecrets": 70, "imagePullPolicy": 40,
                    "serviceAccountName": 20, ".dockerconfigjson": 60}  # fmt: skip
_CONFIG: Weights = {"env": 60, "envFrom": 60, "volumes": 60, "volumeMounts": 55, "data": 50,
                     "stringData": 50, "securityContext": 30, "image": 10}  # fmt: skip
_SCHEDULING: Weights = {
    "nodeSelector": 60, "affinity": 60, "tolerations": 60, "nodeName": 60, "resources.requests": 70,
    "topologySpreadConstraints": 50, "resources.limits": 40, "replicas": 40, "hostPort": 40,
    "volumeClaimTemplates": 40, "volumes": 30, "priorityClassName": 40, "schedulerName": 90,
    "runtimeClassName": 40, "resources": 60, "minReplicas": 35,
}  # fmt: skip
_AMOUNTS: Weights = {"replicas": 80, "minReplicas": 70, "maxReplicas": 40, "resources": 60,
                      "volumeClaimTemplates": 30, "storage": 50, "completions": 30,
                      "parallelism": 50}  # fmt: skip
_SECURITY: Weights = {
    "securityContext": 90, "hostNetwork": 60, "hostPID": 60, "hostIPC": 60, "hostPort": 60,
    "hostPath": 60, "volumes": 40, "procMount": 50, "capabilities": 50, "seccompProfile": 50,
    "annotations": 5,
}  # fmt: skip
_MEMORY: Weights = {**PROGRAM, "limits.memory": 120, "resources": 60, "requests.memory": 20,
                     "image": 60, "args": 58, "command": 55, "sizeLimit": 60,
                     "emptyDir": 40}  # fmt: skip

# Reason and message → weights; the highest of all that match counts for a field.
RULES: tuple[tuple[str, Weights], ...] = (
    (r"ErrImage|ImagePull|InvalidImage|ImageInspect|RegistryUnavailable|pull image", _IMAGE),
    (r"(ImagePull|pull).*(unauthorized|authentication|credential|no basic auth)",
     {"imagePullSecrets": 110, "serviceAccountName": 40}),
    (r"CreateContainer(Config)?Error|FailedMount|MountVolume", _CONFIG),
    (r"runAsNonRoot|run as root|non-numeric user",
     {"securityContext": 105, "runAsUser": 110, "runAsNonRoot": 110, "image": 80}),
    (r"RunContainerError|StartError|ContainerCannotRun|executable file not found|exec format error"
     r"|exec: \"",
     {"command": 110, "args": 90, "image": 70, "workingDir": 100, "volumeMounts": 50}),
    (r"Unschedulable|nodes are available", _SCHEDULING),
    (r"Insufficient cpu", {"requests.cpu": 120, "limits.cpu": 100, "replicas": 90}),
    (r"Insufficient memory", {"requests.memory": 120, "limits.memory": 100, "replicas": 90}),
    (r"Insufficient ephemeral-storage", {"requests.ephemeral-storage": 120,
                                         "limits.ephemeral-storage": 100}),
    (r"Insufficient \S+[./]\S+", {"resources": 110}),
    (r"node affinity/selector", {"nodeSelector": 120, "nodeAffinity": 120, "affinity": 115}),
    (r"untolerated taint", {"tolerations": 120, "nodeSelector": 90}),
    (r"topology spread", {"topologySpreadConstraints": 120}),
    (r"pod anti-affinity", {"podAntiAffinity": 125, "affinity": 118}),
    (r"pod affinity", {"podAffinity": 125, "affinity": 118}),
    (r"free ports", {"hostPort": 120, "hostNetwork": 115, "ports": 90}),
    (r"volume node affinity|PersistentVolumeClaim|persistentvolumeclaim",
     {"volumes": 115, "volumeClaimTemplates": 115, "storageClassName": 120, "accessModes": 80,
      "storage": 80}),
    (r"OOMKilled", _MEMORY),
    (r"NotReady|TimedOut|ProgressDeadlineExceeded|Unhealthy|containers with unready", _READINESS),
    (r"Readiness probe failed", {"readinessProbe": 110}),
    (r"Startup probe failed", {"startupProbe": 110}),
    (r"Liveness probe failed", {"livenessProbe": 120}),
    (r"(probe failed|dial tcp).*connection refused", {"containerPort": 180, "port": 178}),
    (r"CrashLoopBackOff|^Error|Completed|BackoffLimitExceeded|DeadlineExceeded|^Failed |Evicted"
     r"|PodFailurePolicy|post-\w+ hooks? failed|pre-\w+ hooks? failed", PROGRAM),
    (r"exceeded quota|failed quota", _AMOUNTS),
    (r"usage per (Container|Pod)|limit to request ratio|must be less than or equal to",
     {"resources": 90, "storage": 60}),
    (r"must specify", {"resources": 100}),
    (r"PodSecurity|security context constraint", _SECURITY),
    (r"service account .*(not found|error)|error looking up service account",
     {"serviceAccountName": 120}),
    (r"PriorityClass", {"priorityClassName": 120}),
    (r"RuntimeClass", {"runtimeClassName": 120}),
)  # fmt: skip
EXITS: Mapping[int, Weights] = {
    126: {"command": 110, "args": 80, "image": 85, "securityContext": 70, "volumeMounts": 60},
    127: {"command": 110, "args": 80, "image": 85},
    137: {"livenessProbe": 85, "startupProbe": 85, "limits.memory": 82},
    143: {"livenessProbe": 90, "startupProbe": 90},
}
