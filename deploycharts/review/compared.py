"""Rendering the units of both sides and comparing what comes out."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from deploycharts.changes.compare import compare
from deploycharts.changes.consequences import consequences
from deploycharts.changes.masking import Masker
from deploycharts.changes.unsteady import Place, places, without
from deploycharts.documents import Document
from deploycharts.errors import UserError
from deploycharts.rendering.batch import Output, render_each, render_many
from deploycharts.rendering.cache import Cache
from deploycharts.rendering.release import Release
from deploycharts.rendering.remembered import is_unsteady, pack, unpack
from deploycharts.rendering.render import secrets_of
from deploycharts.review.model import Difference, Failure, Unit
from deploycharts.review.units import failure_of

_NOTHING = pack(())


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of rendering units.

    Attributes:
        differences: the units that change.
        unchanged: the units that do not.
        failures: the units that do not render on one side or on both.
        unsteady: units of which fields differ on each render; those fields are left out.
        rendered: how many renders there were on both sides.
    """

    differences: tuple[Difference, ...]
    unchanged: tuple[Unit, ...]
    failures: tuple[Failure, ...]
    unsteady: tuple[Unit, ...]
    rendered: int


def compare_units(units: Sequence[Unit], *, cache: Cache, fresh: bool = False) -> Compared:
    """Render both sides of each unit and compare them, the first while others are rendered."""
    found = _Found(cache, secrets.token_bytes(32))
    for unit, base, head in _rendered(units, cache=cache, fresh=fresh):
        found.add(unit, base, head)
        found.rendered += (unit.base is not None) + (unit.head is not None)
    # What is done first changes from run to run; what is shown must not.
    order = {id(unit): number for number, unit in enumerate(units)}
    return Compared(
        tuple(sorted(found.differences, key=lambda each: order[id(each.unit)])),
        tuple(sorted(found.unchanged, key=lambda each: order[id(each)])),
        tuple(found.failures),
        tuple(sorted(found.unsteady, key=lambda each: order[id(each)])),
        found.rendered,
    )


@dataclass(slots=True)
class _Found:
    """What was found so far."""

    cache: Cache
    key: bytes
    differences: list[Difference] = field(default_factory=list)
    unchanged: list[Unit] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unsteady: list[Unit] = field(default_factory=list)
    rendered: int = 0

    def add(self, unit: Unit, base: Output, head: Output) -> None:
        failure = failure_of(unit.target, base.error, head.error)
        if failure is None:
            try:
                self._compare(unit, base, head)
            except UserError as error:
                failure = failure_of(unit.target, None, error)
        if failure is not None:
            self.failures.append(failure)

    def _compare(self, unit: Unit, base: Output, head: Output) -> None:
        found = _difference(unit, base, head, self.key)
        if found is not None and _is_unsteady(unit):
            self.unsteady.append(unit)
            found = _steady(found, self.key, self.cache)
        if found is None or found.changes.is_empty:
            self.unchanged.append(unit)
        else:
            self.differences.append(_with_consequences(found))


def _with_consequences(found: Difference) -> Difference:
    if found.unit.is_fixture:
        return found
    told = consequences(found.changes, found.base, found.head, left=found.left)
    return replace(found, consequences=told)


def together(one: Compared, other: Compared) -> Compared:
    """What came of both."""
    return Compared(
        (*one.differences, *other.differences),
        (*one.unchanged, *other.unchanged),
        (*one.failures, *other.failures),
        (*one.unsteady, *other.unsteady),
        one.rendered + other.rendered,
    )


def _rendered(
    units: Sequence[Unit], *, cache: Cache, fresh: bool
) -> Iterator[tuple[Unit, Output, Output]]:
    """The units with what their sides render to, as both are there."""
    asked = [
        (number, side, release)
        for number, unit in enumerate(units)
        for side, release in enumerate((unit.base, unit.head))
        if release is not None
    ]
    waiting = [[*map(_nothing, (unit.base, unit.head))] for unit in units]
    for index, output in render_each([each for _, _, each in asked], cache=cache, fresh=fresh):
        number, side, _ = asked[index]
        waiting[number][side] = output
        base, head = waiting[number]
        if base is not None and head is not None:
            waiting[number].clear()
            yield units[number], base, head


def _nothing(release: Release | None) -> Output | None:
    """What a side without a release renders to; the others are waited for."""
    return Output(_NOTHING) if release is None else None


def _difference(unit: Unit, base: Output, head: Output, key: bytes) -> Difference | None:
    moves = _moves(unit)
    if base.content == head.content and not moves:
        return None
    before, after = _documents(unit.base, base), _documents(unit.head, head)
    releases = [each for each in (unit.base, unit.head) if each is not None]
    hidden = (value for each in releases for value in secrets_of(each))
    mask = Masker(hidden, key).knowing(before, after)
    before, after = mask.known(before), mask.known(after)
    left, before = (before, ()) if moves else ((), before)
    changes = compare(unit.target, before, after)
    return None if changes.is_empty else Difference(unit, changes, before, after, mask, left=left)


def _moves(unit: Unit) -> bool:
    """Whether a release moves to another namespace, where it is a new one to helm."""
    return (
        unit.base is not None
        and unit.head is not None
        and unit.base.installed
        and unit.base.namespace != unit.head.namespace
    )


def _documents(release: Release | None, output: Output) -> tuple[Document, ...]:
    if release is None:
        return ()
    return unpack(output.content, namespace=release.namespace)


def _is_unsteady(unit: Unit) -> bool:
    return any(
        each is not None and each.chart.path is not None and is_unsteady(each.chart.path)
        for each in (unit.base, unit.head)
    )


def _steady(found: Difference, key: bytes, cache: Cache) -> Difference:
    """The difference without the fields that differ between two renders of the same."""
    noise: set[Place] = set()
    for release in (found.unit.base, found.unit.head):
        if release is None:
            continue
        one, other = render_many([release, release], cache=cache)
        again = Unit(release.target, release, release)
        differs = _difference(again, one, other, key)
        if differs is not None:
            noise |= places(differs.changes)
    return replace(found, changes=without(found.changes, noise))
