"""Fields that Kubernetes does not let anyone change, and objects that are made anew."""

from __future__ import annotations

from collections.abc import Iterator

from deploycharts.changes.meaning import quantity
from deploycharts.changes.model import (
    Change,
    Consequence,
    ConsequenceKind,
    Risk,
    names,
    show_path,
)
from deploycharts.changes.situation import Situation
from deploycharts.changes.workloads import ROLLED, field, is_hook
from deploycharts.documents import Document, Json

_STATEFUL_SET_MAY = frozenset(
    """replicas ordinals template updateStrategy persistentVolumeClaimRetentionPolicy
    minReadySeconds revisionHistoryLimit""".split()
)
_CLAIM_MAY = frozenset(("resources", "volumeAttributesClassName"))
_JOB_MAY = frozenset(
    """activeDeadlineSeconds backoffLimit ttlSecondsAfterFinished parallelism suspend
    podReplacementPolicy""".split()
)
_FIXED: dict[str, tuple[tuple[str, ...], ...]] = {
    "Deployment": (("spec", "selector"),),
    "DaemonSet": (("spec", "selector"),),
    "ReplicaSet": (("spec", "selector"),),
    "RoleBinding": (("roleRef",),),
    "ClusterRoleBinding": (("roleRef",),),
    "Service": (("spec", "clusterIP"), ("spec", "clusterIPs")),
    "Secret": (("type",),),
    "StorageClass": (("provisioner",), ("parameters",), ("reclaimPolicy",)),
    "PriorityClass": (("value",),),
    "IngressClass": (("spec", "controller"),),
    "CustomResourceDefinition": (("spec", "scope"), ("spec", "group"), ("spec", "names", "kind")),
}


def immutable(now: Situation) -> Iterator[Consequence]:
    """Changes that the API server will refuse."""
    for old, new in now.both:
        if is_hook(old) or is_hook(new):  # Helm deletes hooks before it makes them again
            continue
        changes = [each for each in now.changes.get(new.key, ()) if _is_refused(old, each)]
        if changes:
            yield _refusal(now, new, changes)


def _refusal(now: Situation, each: Document, changes: list[Change]) -> Consequence:
    fields = ", ".join(dict.fromkeys(show_path(change.path[:2]) for change in changes))
    sentence = (
        f"the upgrade fails: {fields} of {each.key} cannot be changed; delete the object first, "
        "or give it another name"
    )
    return now.say(ConsequenceKind.IMMUTABLE, each.key, Risk.HIGH, sentence, changes)


def _is_refused(old: Document, change: Change) -> bool:
    fields = names(change.path)
    kind = old.key.kind
    if kind in ("ConfigMap", "Secret") and old.body.get("immutable") is True:
        return fields[:1] in (("data",), ("binaryData",), ("stringData",), ("immutable",))
    if kind == "PersistentVolumeClaim":
        return fields[:1] == ("spec",) and (fields[1] not in _CLAIM_MAY or _shrinks(change))
    if kind == "StatefulSet":
        return fields[:1] == ("spec",) and fields[1] not in _STATEFUL_SET_MAY
    if kind == "Job":
        return fields[:1] == ("spec",) and fields[1] not in _JOB_MAY
    if kind == "Service" and _is_unset(change.old):
        return False
    return any(fields[: len(fixed)] == fixed for fixed in _FIXED.get(kind, ()))


def _is_unset(value: Json) -> bool:
    return value in (None, "", [])


def _shrinks(change: Change) -> bool:
    old, new = change.old, change.new
    if not isinstance(old, str | int) or not isinstance(new, str | int):
        return False
    before, after = quantity(old), quantity(new)
    return before is not None and after is not None and after < before


def renames(now: Situation) -> Iterator[Consequence]:
    """Objects under another name: to Kubernetes one goes and another comes."""
    for new, change in now.renamed():
        old = field(change.old, "name")
        pods = now.head.pods(new) if new.key.kind in ROLLED else None
        sentence = f"recreates {new.key.kind}/{old} as {new.key}"
        if pods:
            sentence += ", with {pods} anew"
        risk = (
            Risk.HIGH if new.key.kind in ("PersistentVolumeClaim", "StatefulSet") else Risk.MEDIUM
        )
        yield now.say(
            ConsequenceKind.RECREATES,
            new.key,
            risk,
            sentence,
            now.changes[new.key],
            pods=pods or None,
        )
