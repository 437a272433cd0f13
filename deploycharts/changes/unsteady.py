"""Fields that differ between two renders of the same input: random values, the time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from deploycharts.changes.model import Change, ChangeSet, FieldPath
from deploycharts.documents import ObjectKey

Place: TypeAlias = tuple[ObjectKey, FieldPath]


def places(between: ChangeSet) -> frozenset[Place]:
    """The places that differ between two renders of the same."""
    return frozenset(map(_place, between.exact()))


def without(changes: ChangeSet, noise: Iterable[Place]) -> ChangeSet:
    """A change set without what differs at each render anyway."""
    known = frozenset(noise)
    return ChangeSet(
        changes.target,
        tuple(each for each in changes.changes if _place(each) not in known),
        tuple(
            each
            for each in changes.facts
            if each.change is None or _place(each.change) not in known
        ),
    )


def _place(change: Change) -> Place:
    return change.object, change.path
