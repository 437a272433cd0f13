"""Which differences say nothing by themselves: decided by path, never by name alone."""

from __future__ import annotations

from deploycharts.changes.model import Change, FactKind, FieldPath, names

_VERSION_LABELS = frozenset(("chart", "helm.sh/chart", "app.kubernetes.io/version"))
_TEMPLATE = ("spec", "template")
_JOB_TEMPLATE = ("spec", "jobTemplate")
_TEMPLATES = {
    "Deployment": _TEMPLATE, "StatefulSet": _TEMPLATE, "DaemonSet": _TEMPLATE,
    "ReplicaSet": _TEMPLATE, "Job": _TEMPLATE, "ReplicationController": _TEMPLATE,
    "CronJob": (*_JOB_TEMPLATE, *_TEMPLATE), "PodTemplate": ("template",),
    "Service": _TEMPLATE,  # of Knative
    "Rollout": _TEMPLATE,
}  # fmt: skip


def template_path(kind: str) -> tuple[str, ...] | None:
    """Where the pod template lies in an object of this kind."""
    return _TEMPLATES.get(kind)


def in_pod_template(kind: str, path: FieldPath) -> bool:
    """Whether a change at `path` makes new pods."""
    prefix = template_path(kind)
    return prefix is not None and path[: len(prefix)] == prefix


def noise(change: Change) -> FactKind | None:
    """The kind of fact that a change at this place is, None if it is a change in its own right."""
    fields = names(change.path)
    if len(fields) != len(change.path) or len(fields) < 3:
        return None
    if fields[-2] == "annotations" and fields[-1].startswith("checksum/"):
        return FactKind.CHECKSUM
    if fields[-2] != "labels" or fields[-1] not in _VERSION_LABELS:
        return None
    # The label in a pod template starts new pods: there it is no noise.
    own = fields[:-1] == ("metadata", "labels")
    of_job = change.object.kind == "CronJob" and fields[:-2] == (*_JOB_TEMPLATE, "metadata")
    return FactKind.VERSION_LABEL if own or of_job else None
