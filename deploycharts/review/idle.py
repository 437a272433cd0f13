"""Edited lines that releases do not heed, because another line sets the same."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence

from deploycharts.errors import UserError
from deploycharts.rendering.overridden import overridden
from deploycharts.rendering.provenance import Override
from deploycharts.review.affected import Scope
from deploycharts.review.compared import Compared
from deploycharts.review.model import Idle, Unit
from deploycharts.source import Source
from deploycharts.target import Target

_MOST_RELEASES = 60


def idle_lines(scope: Scope, released: Sequence[Unit], compared: Compared) -> tuple[Idle, ...]:
    """The edited lines without effect in some releases, each with what overrides it there.

    Of a change of very many services only the first releases are looked at.
    """
    found: dict[Source, dict[Target, Source]] = {}
    for unit in _considered(scope, released, compared)[:_MOST_RELEASES]:
        for each in _overridden(scope, unit, compared):
            found.setdefault(each.line, {})[unit.target] = each.by.source
    return tuple(
        Idle(line, tuple(sorted(set(by.values()))), tuple(by)) for line, by in sorted(found.items())
    )


def told(idle: Idle, released: Iterable[Unit], environments: Sequence[str]) -> str:
    """`values.yaml:9 has no effect in codfw, eqiad: values-codfw.yaml:14 overrides it`."""
    known = {unit.target for unit in released if unit.head is not None}
    where = ", ".join(_where(idle.targets, known, environments))
    services = dict.fromkeys(target.service for target in idle.targets)
    of = "" if len(services) == 1 else f" for {len(services)} services"
    folder = posixpath.dirname(idle.line.path)
    by = ", ".join(str(each).removeprefix(f"{folder}/") for each in idle.by)
    verb = "overrides" if len(idle.by) == 1 else "override"
    return f"{idle.line} has no effect in {where}{of}: {by} {verb} it"


def _considered(scope: Scope, released: Iterable[Unit], compared: Compared) -> list[Unit]:
    """The releases that were rendered on both sides."""
    rendered = {id(unit) for unit in compared.unchanged}
    rendered |= {id(each.unit) for each in compared.differences}
    return [
        unit
        for unit in released
        if unit.base is not None and unit.head is not None and unit.head.installed
        if unit.target.service in scope.touched_services and id(unit) in rendered
    ]


def _overridden(scope: Scope, unit: Unit, compared: Compared) -> Iterable[Override]:
    assert unit.head is not None
    base, head = scope.sides
    is_same = any(each is unit for each in compared.unchanged)
    paths = {layer.source.path for layer in unit.head.layers} & scope.changed
    for tree in (base, head):
        tree.require(paths)
    try:
        return overridden(base.root, head.root, scope.changed, unit.head, is_same=is_same)
    except UserError:
        return ()  # what cannot be told is left out: it rendered


def _where(
    targets: Iterable[Target], known: Iterable[Target], environments: Sequence[str]
) -> Iterator[str]:
    """The environments in their order, with the releases where not all of them are meant."""
    mine = set(targets)
    services = {target.service for target in mine}
    for environment in environments:
        here = {each for each in mine if each.environment == environment}
        could = {
            each for each in known if each.environment == environment and each.service in services
        }
        releases = "/".join(sorted({each.release for each in here}))
        if here:
            yield environment if here == could else f"{environment} ({releases})"
