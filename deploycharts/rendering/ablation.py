"""Which lines made a change: found by leaving hunks out and by applying them alone.

What a hunk changes alone, and what is undone without it, is its doing. What is only undone without
it needed others as well; what several do alone, each of them suffices for. Hunks that do not render
alone are tried together. Everything else is unknown.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from deploycharts.changes.codec import change_to_json
from deploycharts.changes.fold import change_of, with_positions
from deploycharts.changes.model import Cause, Certainty, Change, Fold, Item, Op
from deploycharts.changes.texts import read_hunks
from deploycharts.rendering.hunks import Hunk, hunks
from deploycharts.rendering.trials import (
    BothSides,
    Changes,
    Choice,
    Render,
    Spent,
    Trials,
    Workshop,
    workshop,
)
from deploycharts.target import Target

UNKNOWN = Cause((), Certainty.UNKNOWN)

_SINGLY = 6
_MOST_SOURCES = 8
_MOST_TO_MINIMISE = 16

_Place: TypeAlias = "tuple[object, ...]"


def causes(
    base: Path,
    head: Path,
    changed: Iterable[str],
    render: Render,
    folds: Sequence[Fold],
    *,
    concerns: Callable[[Target, str], bool] | None = None,
    known: Callable[[Target], BothSides | None] | None = None,
    workers: int = 2,
    budget: int = 200,
) -> tuple[Fold, ...]:
    """The folds, each with the lines that caused it; folded facts stay without.

    Args:
        base: the tree before.
        head: the tree after.
        changed: the files that differ, from the top of the trees.
        render: the documents of a target in a tree, as they were compared for `folds`; it must
            not remember results, or fields that differ in each render are not recognised.
        folds: what changed; one target of each is tried.
        concerns: whether a file can matter to a target; all do if None.
        known: the documents of both sides, where they were rendered before; of a target that is
            known fields that differ in each render must not be among the folds.
        workers: how many renders run at a time.
        budget: how many renders at most; what is not found with them is unknown.
    """
    paths = sorted(set(changed))
    cut: dict[str, tuple[Hunk, ...]] = {}
    wanted = [each for each in folds if each.fact is None and each.targets]
    found: dict[int, Cause] = {}

    def own(target: Target) -> list[Hunk]:
        chosen = [path for path in paths if concerns is None or concerns(target, path)]
        for path in chosen:
            if path not in cut:
                cut[path] = hunks(base, head, [path])
        return [hunk for path in chosen for hunk in cut[path]]

    with workshop(base, head, render, workers=workers, budget=budget) as made:
        for target, mine, its in _representatives(wanted, own):
            sides = known(target) if known else None
            found |= _causes_in(made, target, mine, its, sides)
    return tuple(
        replace(each, cause=found.get(id(each), UNKNOWN)) if each.fact is None else each
        for each in folds
    )


def _representatives(
    folds: Sequence[Fold], own: Callable[[Target], list[Hunk]]
) -> Iterator[tuple[Target, list[Hunk], list[Fold]]]:
    """Few targets that have all folds among them, each with the hunks that concern it."""
    left = list(folds)
    counts = Counter(target for each in left for target in each.targets)
    while left and counts:
        best = max(sorted(counts), key=lambda target: counts[target])
        mine = own(best)
        if not mine:  # new, or changed by something that is no file
            del counts[best]
            continue
        yield best, mine, [each for each in left if best in each.targets]
        for each in left:
            if best in each.targets:
                counts.subtract(each.targets)
        left = [each for each in left if best not in each.targets]
        counts = +counts


def _causes_in(
    made: Workshop,
    target: Target,
    cut: Sequence[Hunk],
    folds: Sequence[Fold],
    known: BothSides | None,
) -> dict[int, Cause]:
    try:
        trials = Trials(made, target, cut, known)
        if trials.is_new:
            return {id(each): _all_together(cut) for each in folds}
        return _Search(trials, cut).causes(_sought(trials, target, folds))
    except Spent:
        return {}


def _sought(trials: Trials, target: Target, folds: Sequence[Fold]) -> list[_Sought]:
    """The changes that the head has indeed, but for those that differ in each render."""
    unstable = [_place(change) for change in trials.unstable]
    head = trials.changes(trials.all)
    found = []
    for each in folds:
        change = change_of(each, target)
        sought = _Sought(id(each), _bare(change), _place(change))
        if sought.is_in(head) and not any(_overlap(sought.place, place) for place in unstable):
            found.append(sought)
    return found


@dataclass(frozen=True, slots=True)
class _Sought:
    """A change whose cause is sought, without positions in lists: other hunks move them."""

    id: int
    bare: str
    place: _Place

    def is_in(self, changes: Changes | None) -> bool:
        """Whether the change is among them exactly."""
        return any(_bare(change) == self.bare for change in changes or ())

    def is_touched(self, changes: Changes | None) -> bool:
        """Whether there is any change at its place."""
        return any(_overlap(_place(change), self.place) for change in changes or ())


@dataclass(slots=True)
class _Effects:
    """Which changes each hunk has to do with, and the hunks whose trial does not render."""

    of: dict[_Sought, set[Hunk]] = field(default_factory=lambda: defaultdict(set))
    broken: set[Hunk] = field(default_factory=set)


class _Search:
    def __init__(self, trials: Trials, cut: Sequence[Hunk]) -> None:
        self._trials = trials
        self._cut = list(cut)

    def causes(self, sought: Sequence[_Sought]) -> dict[int, Cause]:
        """The cause of each change."""
        if len(self._cut) == 1:
            return {each.id: _cause(self._cut, Certainty.ALONE) for each in sought}
        everything = self._trials.all
        needed = self._sift(
            sought, lambda group: everything - group, lambda each, left: not each.is_in(left)
        )
        self._prefetch(needed, sought)
        unneeded = [each for each in sought if not needed.of[each]]
        alone = self._sift(unneeded, lambda group: group, lambda each, made: each.is_touched(made))
        return {each.id: self._verdict(each, needed, alone) for each in sought}

    def _verdict(self, each: _Sought, needed: _Effects, alone: _Effects) -> Cause:
        own = needed.of[each]
        if own:
            if self._suffice(each, own):
                return _cause(own, Certainty.ALONE if len(own) == 1 else Certainty.TOGETHER)
            more = self._least(each, own | needed.broken, keep=own)
            return _cause(more or own, Certainty.TOGETHER)
        suffice = {hunk for hunk in alone.of[each] if self._suffice(each, {hunk})}
        if suffice:
            is_only = len(suffice) == 1 and suffice <= needed.broken
            return _cause(suffice, Certainty.ALONE if is_only else Certainty.EACH)
        joint = self._least(each, alone.of[each] | alone.broken | needed.broken)
        return _cause(joint, Certainty.TOGETHER) if joint else UNKNOWN

    def _suffice(self, each: _Sought, chosen: Iterable[Hunk]) -> bool:
        return each.is_in(self._try([frozenset(chosen)])[0])

    def _least(self, each: _Sought, chosen: set[Hunk], keep: Iterable[Hunk] = ()) -> set[Hunk]:
        """As few of the chosen hunks as make the change together; none if all do not."""
        if not self._suffice(each, chosen):
            return set()
        least = set(chosen)
        if len(least) <= _MOST_TO_MINIMISE:
            for hunk in [each for each in self._cut if each in chosen - set(keep)]:
                if self._suffice(each, least - {hunk}):
                    least.remove(hunk)
        return least

    def _prefetch(self, needed: _Effects, sought: Sequence[_Sought]) -> None:
        """Try at once what the verdicts will ask for one by one."""
        self._try([frozenset(needed.of[each]) for each in sought if needed.of[each]])

    def _sift(
        self,
        sought: Sequence[_Sought],
        choose: Callable[[Choice], Choice],
        has_effect: Callable[[_Sought, Changes], bool],
    ) -> _Effects:
        """The hunks with an effect: one by one, or by halves where only few can have any."""
        found = _Effects()
        whole = tuple(self._cut)
        by_halves = len(whole) > max(_SINGLY, 2 * len(sought))
        groups = _halves(whole) if by_halves else [(hunk,) for hunk in whole]
        waiting = [(group, list(sought)) for group in groups]
        while waiting:
            tried = self._try([choose(frozenset(group)) for group, _ in waiting])
            hits = [
                (group, wanted if changes is None else
                 [each for each in wanted if has_effect(each, changes)], changes is None)
                for (group, wanted), changes in zip(waiting, tried, strict=True)
            ]  # fmt: skip
            waiting = []
            for group, hit, is_broken in hits:
                if len(group) > 1:
                    waiting += [(half, hit) for half in _halves(group) if hit]
                elif is_broken:
                    found.broken.update(group)
                else:
                    for each in hit:
                        found.of[each].update(group)
        return found

    def _try(self, choices: Sequence[Choice]) -> list[Changes | None]:
        return self._trials.several(choices)


def _halves(group: tuple[Hunk, ...]) -> list[tuple[Hunk, ...]]:
    middle = len(group) // 2
    return [group[:middle], group[middle:]]


def _cause(found: Iterable[Hunk], certainty: Certainty) -> Cause:
    sources = sorted({each.source for each in found}, key=str)
    return Cause(tuple(sources[:_MOST_SOURCES]), certainty)


def _all_together(cut: Sequence[Hunk]) -> Cause:
    """Of a target that is new: the files that make it."""
    first = {each.path: each for each in reversed(cut)}
    return _cause(first.values(), Certainty.ALONE if len(first) == 1 else Certainty.TOGETHER)


def _bare(change: Change) -> str:
    """The change as text, without positions in lists and texts."""
    positions = sum(isinstance(each, Item) and not each.by for each in change.path)
    if change.op is Op.PATCH:
        positions += len(list(read_hunks(change.new)))
    bare = with_positions(change, (0,) * positions) if positions else change
    return json.dumps(change_to_json(bare), sort_keys=True)


def _place(change: Change) -> _Place:
    path = (
        Item(index=0) if isinstance(each, Item) and not each.by else each for each in change.path
    )
    return (change.object, *path)


def _overlap(one: _Place, other: _Place) -> bool:
    """Whether one place is the other, or in it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
