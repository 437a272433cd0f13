"""What a way back does to live objects besides its changes, and what it does not undo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from deploycharts.changes.meaning import same_meaning
from deploycharts.changes.model import Change, Op, names
from deploycharts.changes.workloads import hook
from deploycharts.deployment.drift import Drift, DriftKind
from deploycharts.deployment.owners import value_at
from deploycharts.deployment.plan import Difference
from deploycharts.documents import Document, Json, ObjectKey

_ROLLED_OUT = ("install", "upgrade")


class Fate(Enum):
    """What becomes of what somebody changed by hand, or a controller of itself."""

    OVERWRITTEN = "is overwritten"
    RESTORED = "comes back"
    KEPT = "stays"


@dataclass(frozen=True, slots=True)
class SideEffects:
    """What a person should know before going back.

    Attributes:
        drifts: what runs otherwise than it was released, and what becomes of it.
        secrets: fields of Secret objects that get a value of earlier, or appear again.
        hooks: objects that helm ran when it rolled out; what they did stays done.
        left: what only failed revisions brought, and what becomes of it.
    """

    drifts: tuple[tuple[Drift, Fate], ...] = ()
    secrets: tuple[str, ...] = ()
    hooks: tuple[ObjectKey, ...] = ()
    left: tuple[str, ...] = ()

    def sentences(self) -> Iterator[str]:
        """One sentence for each."""
        for drift, fate in self.drifts:
            yield f"{drift}; it {fate.value}"
        yield from self.left
        for field in self.secrets:
            yield f"an earlier secret value comes back: {field}"
        if self.hooks:
            yield f"not undone: what the hooks did, {', '.join(map(str, self.hooks))}"


def side_effects(
    difference: Difference, drifts: Sequence[Drift], *, server_side: bool
) -> SideEffects:
    """The side effects of going from one revision to another.

    Args:
        difference: from the documents that are deployed to those that will be.
        drifts: what is live otherwise than it was deployed, masked by the same masker.
        server_side: whether helm applies the goal server-side.
    """
    head = {each.key: each for each in difference.head}
    return SideEffects(
        drifts=tuple((each, _fate(each, head, server_side=server_side)) for each in drifts),
        secrets=tuple(dict.fromkeys(_secret_fields(difference.changes.changes))),
        hooks=tuple(
            each.key
            for each in difference.base
            if any(event.strip().endswith(_ROLLED_OUT) for event in hook(each).split(","))
        ),
    )


def _fate(drift: Drift, head: Mapping[ObjectKey, Document], *, server_side: bool) -> Fate:
    goal = head.get(drift.object)
    if goal is None:  # helm deletes the object; if it is gone already there is nothing to do
        return Fate.KEPT if drift.kind is DriftKind.GONE else Fate.OVERWRITTEN
    if drift.kind is DriftKind.GONE:
        return Fate.RESTORED
    wanted = value_at(dict(goal.body), drift.path)
    if wanted is None:
        # Who applies server-side removes his own fields only; the other way compares the releases.
        was_added = drift.released is None
        return Fate.KEPT if server_side or was_added else Fate.OVERWRITTEN
    if drift.live is None:
        return Fate.RESTORED
    return Fate.KEPT if _is_same(drift, wanted) else Fate.OVERWRITTEN


def _is_same(drift: Drift, wanted: Json) -> bool:
    path = names(drift.path)
    return wanted == drift.live or same_meaning(drift.object.group, path, wanted, drift.live)


def _secret_fields(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        if change.object.kind != "Secret" or change.object.group or change.op is Op.REMOVE:
            continue
        if not change.path:
            yield str(change.object)
        elif change.path[0] in ("data", "stringData"):
            yield " ".join((str(change.object), *names(change.path)[1:2]))
