"""Units: what is compared, and which of them render the same without rendering."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deploycharts.errors import UserError
from deploycharts.rendering import circumstances
from deploycharts.rendering.release import Release
from deploycharts.review import fixtures
from deploycharts.review.affected import Pair
from deploycharts.review.model import FIXTURES, Failure, Unit, When
from deploycharts.review.ranges import Sides
from deploycharts.target import Target


def of_services(pairs: Iterable[Pair]) -> tuple[list[Unit], list[Failure]]:
    """The releases of both sides, and the services that do not evaluate."""
    units: list[Unit] = []
    failures: list[Failure] = []
    for pair in pairs:
        if isinstance(pair.base, UserError) or isinstance(pair.head, UserError):
            failures.append(_failure(pair))
        else:
            units += _paired(pair.base, pair.head)
    return units, failures


def of_charts(sides: Sides, charts: Iterable[str]) -> list[Unit]:
    """The charts with their fixtures on both sides."""
    return [
        unit
        for chart in sorted(charts)
        for unit in _paired(
            *(tuple(fixtures.fixture_releases(tree, chart)) if tree.has(chart) else ()
              for tree in sides)
        )
    ]  # fmt: skip


def is_same(unit: Unit) -> bool:
    """Whether helm gets the same on both sides, so that it renders the same."""
    base, head = unit.base, unit.head
    if base is None or head is None:
        return False
    return (
        base.fingerprint == head.fingerprint
        and base.argv == head.argv
        and base.installed == head.installed
    )


def _paired(base: Iterable[Release], head: Iterable[Release]) -> Iterator[Unit]:
    before = {each.target: each for each in base}
    after = {each.target: each for each in head}
    for target in dict.fromkeys((*after, *before)):
        old, new = before.get(target), after.get(target)
        if old is not None and new is not None:
            old, new = circumstances.as_upgrade(old), circumstances.as_upgrade(new)
        yield Unit(target, old, new)


def _failure(pair: Pair) -> Failure:
    who = f"{pair.environment} {pair.service}"
    if isinstance(pair.head, UserError):
        when = When.BOTH if isinstance(pair.base, UserError) else When.NOW
        return Failure(who, when, pair.head)
    assert isinstance(pair.base, UserError)
    return Failure(who, When.BEFORE, pair.base)


def failure_of(target: Target, base: UserError | None, head: UserError | None) -> Failure | None:
    """The failure of a unit that does not render on one side or on both."""
    who = _who(target)
    if head is not None:
        return Failure(who, When.NOW if base is None else When.BOTH, head)
    return None if base is None else Failure(who, When.BEFORE, base)


def _who(target: Target) -> str:
    if target.environment == FIXTURES:
        return f"chart {target.service} with {target.release}"
    return str(target)
