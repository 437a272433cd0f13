"""Show a change once, with all the targets that have it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from deploycharts.changes.codec import change_to_json
from deploycharts.changes.model import (
    Change,
    ChangeSet,
    Fact,
    FactKind,
    FieldPath,
    Fold,
    Inside,
    Item,
    Op,
)
from deploycharts.changes.names import Marked, hide_names, show_names
from deploycharts.changes.texts import read_hunks
from deploycharts.documents import Json, ObjectKey
from deploycharts.target import Target

_Place: TypeAlias = "tuple[ObjectKey, FieldPath]"
# What people look for first.
_KINDS = tuple(
    """Deployment StatefulSet DaemonSet CronJob Job HorizontalPodAutoscaler ConfigMap Secret
    Service Ingress NetworkPolicy""".split()
)
_MOST = 2 / 3
_SHARED_BY = 0.5


@dataclass(slots=True)
class _Group:
    """A change that is the same in several targets."""

    change: Change
    fact: FactKind | None
    literal: bool
    members: dict[Target, tuple[int, ...]] = field(default_factory=dict)


def fold(sets: Sequence[ChangeSet]) -> tuple[Fold, ...]:
    """The changes and facts of all targets, each once, outliers first.

    A target without changes belongs in `sets` too: it may be the one that was expected to change.
    """
    groups = _grouped(sets)
    places: dict[_Place, list[_Group]] = defaultdict(list)
    for group in groups:
        places[_place(group.change)].append(group)
    targets = frozenset(each.target for each in sets)
    folds = [each for rivals in places.values() for each in _folds(rivals, targets)]
    return tuple(sorted(folds, key=_rank))


def unfold(folds: Iterable[Fold], targets: Iterable[Target] = ()) -> tuple[ChangeSet, ...]:
    """The change sets that were folded; `targets` names those without changes too."""
    changes: dict[Target, list[Change]] = {target: [] for target in targets}
    facts: dict[Target, list[Fact]] = {}
    for each in folds:
        for target in each.targets:
            changes.setdefault(target, [])
            change = change_of(each, target)
            if each.fact is None:
                changes[target].append(change)
            else:
                facts.setdefault(target, []).append(Fact(each.fact, change.object, change))
    return tuple(
        ChangeSet(target, tuple(changes[target]), tuple(facts.get(target, ())))
        for target in sorted(changes)
    )


def change_of(each: Fold, target: Target) -> Change:
    """A fold's change exactly as `target` has it."""
    own = dict(each.positions).get(target)
    change = each.change if own is None else with_positions(each.change, own)
    return change if each.literal else show_names(change, target)


def _grouped(sets: Sequence[ChangeSet]) -> list[_Group]:
    groups: dict[tuple[str, int], _Group] = {}
    for each in sets:
        for kind, change in _all(each):
            literal, shown = _abstract(change, each.target)
            positions, bare = _without_positions(shown)
            text = f"{kind}{literal}{json.dumps(change_to_json(bare), sort_keys=True)}"
            # The same target may add two equal items to a list.
            ordinal = 0
            while (text, ordinal) in groups and each.target in groups[text, ordinal].members:
                ordinal += 1
            group = groups.setdefault((text, ordinal), _Group(shown, kind, literal))
            group.members[each.target] = positions
    return list(groups.values())


def _all(each: ChangeSet) -> Iterator[tuple[FactKind | None, Change]]:
    yield from ((None, change) for change in each.changes)
    yield from ((fact.kind, fact.change) for fact in each.facts if fact.change is not None)


def _abstract(change: Change, target: Target) -> tuple[bool, Change]:
    try:
        return False, hide_names(change, target)
    except Marked:
        return True, change


def _without_positions(change: Change) -> tuple[tuple[int, ...], Change]:
    """Where a change is in lists and texts, and the change without it."""
    found = [each.index for each in change.path if isinstance(each, Item) and not each.by]
    lines = [first for first, _, _ in read_hunks(change.new)] if change.op is Op.PATCH else []
    positions = (*(index or 0 for index in found), *lines)
    return positions, with_positions(change, (0,) * len(positions)) if positions else change


def with_positions(change: Change, positions: Sequence[int]) -> Change:
    """The change at other positions in lists and texts."""
    left = iter(positions)
    path = tuple(
        Item(index=next(left)) if isinstance(each, Item) and not each.by else each
        for each in change.path
    )
    if change.op is not Op.PATCH:
        return replace(change, path=path)
    hunks: list[Json] = [
        [next(left), list(removed), list(inserted)]
        for _, removed, inserted in read_hunks(change.new)
    ]
    return replace(change, path=path, new=hunks)


def _place(change: Change) -> _Place:
    path: list[str | Item | Inside] = [
        Item(index=0) if isinstance(each, Item) and not each.by else each for each in change.path
    ]
    return change.object, tuple(path)


def _folds(rivals: list[_Group], targets: frozenset[Target]) -> Iterator[Fold]:
    """The folds of one place."""
    elsewhere: dict[FactKind | None, frozenset[Target]] = {}
    for rival in rivals:
        elsewhere[rival.fact] = elsewhere.get(rival.fact, frozenset()).union(rival.members)
    for group in rivals:
        yield _fold(group, rivals, elsewhere[group.fact], targets)


def _fold(
    group: _Group, rivals: list[_Group], elsewhere: frozenset[Target], targets: frozenset[Target]
) -> Fold:
    members = frozenset(group.members)
    different = elsewhere - members
    representative = _without_positions(group.change)[0]
    positions = {each: at for each, at in group.members.items() if at != representative}
    return Fold(
        group.change,
        members,
        absent=frozenset() if group.fact else _expected(members, targets) - elsewhere,
        different=different,
        fact=group.fact,
        literal=group.literal,
        positions=tuple(sorted(positions.items())),
        outlier=group.fact is None and _is_outlier(group, rivals, len(elsewhere)),
    )


def _expected(members: frozenset[Target], targets: frozenset[Target]) -> frozenset[Target]:
    """Who should change when `members` do: their siblings, or all when most services do."""
    services = {target.service for target in members}
    if len(services) > 1 and len(services) > _SHARED_BY * len({each.service for each in targets}):
        return targets
    return frozenset(target for target in targets if target.service in services)


def _is_outlier(group: _Group, rivals: list[_Group], in_all: int) -> bool:
    most = max(len(rival.members) for rival in rivals)
    return len(group.members) < most and most >= _MOST * in_all


def _rank(each: Fold) -> tuple[bool, bool, int, int, ObjectKey, str]:
    key = each.change.object
    rank = _KINDS.index(key.kind) if key.kind in _KINDS else len(_KINDS)
    outlier, most = not each.outlier, -len(each.targets)
    return each.fact is not None, outlier, most, rank, key, str(each.change.path)
