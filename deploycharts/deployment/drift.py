"""What runs otherwise than it was released: manual edits, autoscalers, other controllers.

A field counts if it was released, its live value means something else, and helm is not (any more)
among those who set it: what the API server rewrites in its own way stays helm's. Fields that nobody
released count only where a person set them within what was released, such as one more environment
variable; status and bookkeeping never do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from deploycharts.changes.fields import FieldDiff
from deploycharts.changes.identity import flatten
from deploycharts.changes.masking import Masker
from deploycharts.changes.model import Change, FieldPath, Op, show_path
from deploycharts.changes.workloads import is_hook
from deploycharts.cluster import live
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.live import Live, State
from deploycharts.deployment import merging
from deploycharts.deployment.likeness import comparable, with_plain_data
from deploycharts.deployment.owners import Hand, Manager, managers, value_at, without
from deploycharts.documents import Document, Json, ObjectKey, document

_LONGEST_SHOWN = 60


class DriftKind(Enum):
    """Whose doing it is."""

    MANUAL = "by hand"
    AUTOSCALER = "by an autoscaler"
    CONTROLLER = "by a controller"
    GONE = "deleted"
    LOST = "lost when helm merged it client-side"


_KINDS = {
    Hand.PERSON: DriftKind.MANUAL,
    Hand.AUTOSCALER: DriftKind.AUTOSCALER,
    Hand.CONTROLLER: DriftKind.CONTROLLER,
}


@dataclass(frozen=True, slots=True)
class Drift:
    """One field that is not as it was released, or an object that is gone.

    Attributes:
        path: empty for an object that is gone.
        released: None for what was added.
        live: None for what was removed.
        manager: who set it; empty where the cluster does not know, as after a removal.
        operation: Apply or Update.
        at: when, RFC 3339; empty where the cluster does not say.
    """

    object: ObjectKey
    path: FieldPath
    released: Json
    live: Json
    manager: str
    operation: str
    at: str
    kind: DriftKind

    def __str__(self) -> str:
        if self.kind is DriftKind.GONE:
            return f"{self.object} is gone: deleted since it was released"
        who = ", ".join(filter(None, (self.manager, self.at)))
        how = self.kind.value
        if self.kind is DriftKind.MANUAL and not self.manager:
            how = "removed, and the cluster does not record by whom"
        return (
            f"{self.object} {show_path(self.path)}: {_shown(self.released)} → {_shown(self.live)}, "
            f"{how}{f' ({who})' if who else ''}"
        )


def find(cluster: Cluster, base: Sequence[Document], *, mask: Masker) -> tuple[Drift, ...]:
    """What differs between the documents that helm applied and what is live.

    Args:
        cluster: where they were applied.
        base: the last good revision's documents, unmasked; hooks and tests are left out.
        mask: hides the release's secrets; those of live Secret objects are hidden as well.

    Raises:
        Unreachable: the API server does not answer.
    """
    released = [each for each in flatten(base) if each.key.name and not is_hook(each)]
    return compare(released, live.read(cluster, released), mask=mask)


def lost(cluster: Cluster, base: Sequence[Document], *, mask: Masker) -> tuple[Drift, ...]:
    """What a client-side merge has lost of the documents; only those are read that can have lost.

    Raises:
        Unreachable: the API server does not answer.
    """
    endangered = [each for each in flatten(base) if merging.is_endangered(each)]
    found = find(cluster, endangered, mask=mask) if endangered else ()
    return tuple(each for each in found if each.kind is DriftKind.LOST)


def compare(
    released: Sequence[Document], now: Mapping[ObjectKey, Live], *, mask: Masker
) -> tuple[Drift, ...]:
    """The drifts of documents whose live objects were read; what may not be read is left out."""
    bodies = {
        each.key: document(now[each.key].body, namespace=each.key.namespace)
        for each in released
        if now[each.key].state is State.THERE
    }
    masker = mask.knowing(released, tuple(bodies.values()))
    found: list[Drift] = []
    for each in released:
        if each.key in bodies:
            found += _fields(each, bodies[each.key], masker)
        elif now[each.key].state in (State.GONE, State.NOT_SERVED):
            found.append(Drift(each.key, (), None, None, "", "", "", DriftKind.GONE))
    return tuple(found)


def without_lost(documents: Sequence[Document], drifts: Sequence[Drift]) -> tuple[Document, ...]:
    """The documents without what a client-side merge has lost of them: so they are live."""
    lost_paths: dict[ObjectKey, list[FieldPath]] = {}
    for each in drifts:
        if each.kind is DriftKind.LOST:
            lost_paths.setdefault(each.object, []).append(each.path)
    if not lost_paths:
        return tuple(documents)
    return tuple(
        replace(each, body=without(each.body, lost_paths.get(each.key, ())))
        for each in flatten(documents)
    )


def _fields(released: Document, body: Document, masker: Masker) -> Iterator[Drift]:
    book = managers(body.body)
    old = _comparable(masker, released, like=released.body)
    new = _comparable(masker, body, like=released.body)
    found = FieldDiff(released.key)
    found.compare(old, new)
    for change in found.changes:
        drift = _judge(change, old, new, book)
        if drift is not None:
            yield drift


def _judge(
    change: Change, old: dict[str, Json], new: dict[str, Json], book: Sequence[Manager]
) -> Drift | None:
    where = old if change.op is Op.REMOVE else new
    owners = [each for each in book if each.owns(change.path, where)]
    if any(owner.hand is Hand.HELM for owner in owners):
        return None
    owner = max(owners, key=lambda each: (each.hand is Hand.PERSON, each.at), default=None)
    kind = DriftKind.MANUAL if owner is None else _KINDS[owner.hand]
    if owner is None and change.op is Op.REMOVE and merging.loses(change.path, old):
        kind = DriftKind.LOST
    if change.op is Op.ADD and (owner is None or not _counts_added(change.path, kind)):
        return None
    if change.op is Op.REMOVE and _is_empty(change.old):
        return None
    is_whole = change.op in (Op.PATCH, Op.MOVE)
    return Drift(
        object=change.object,
        path=change.path,
        released=value_at(old, change.path) if is_whole else change.old,
        live=value_at(new, change.path) if is_whole else change.new,
        manager=owner.name if owner else "",
        operation=owner.operation if owner else "",
        at=owner.at if owner else "",
        kind=kind,
    )


def _counts_added(path: FieldPath, kind: DriftKind) -> bool:
    return kind is DriftKind.MANUAL and "metadata" not in path


def _is_empty(value: Json) -> bool:
    """Whether the API server mostly does not store it: who removed nothing is nobody."""
    return value in ("", [], {}) or (value == 0 and not isinstance(value, bool))


def _comparable(masker: Masker, each: Document, *, like: Mapping[str, Any]) -> dict[str, Json]:
    """The fields that can have been released, secrets masked."""
    (masked,) = masker.documents([with_plain_data(each)])
    return comparable(masked, like=like)


def _shown(value: Json) -> str:
    if value is None:
        return "(nothing)"
    import json

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
