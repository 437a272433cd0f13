"""What a reviewer should know besides the changes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from deploycharts.changes.model import count
from deploycharts.errors import UserError
from deploycharts.registry import secretpaths
from deploycharts.rendering.remembered import EXAMPLE
from deploycharts.review.affected import Scope
from deploycharts.review.compared import Compared
from deploycharts.review.idle import told
from deploycharts.review.model import Idle, Unit

_FEW = 5
_MOST_LINES = 10


def remarks(
    scope: Scope, released: Sequence[Unit], compared: Compared, idle: Sequence[Idle]
) -> Iterator[str]:
    """Remarks, a sentence each, without a full stop."""
    yield from _out_of_reach(scope)
    yield from _without_private(released, scope.sides.head.root)
    yield from (told(each, released, scope.environments) for each in idle[:_MOST_LINES])
    if len(idle) > _MOST_LINES:
        yield f"{count(len(idle) - _MOST_LINES, 'more edited line')} without effect somewhere"
    yield from _without_effect(scope, compared, idle)
    yield from _unsteady(compared)
    for service, why in scope.why_always().items():
        yield f"{service} is always rendered: {why}"


def _out_of_reach(scope: Scope) -> Iterator[str]:
    """Charts that change here, of services that take them from elsewhere in a fixed version."""
    touched = {posixpath.basename(chart) for chart in scope.touched_charts}
    found: dict[tuple[str, str], dict[str, None]] = {}
    for pair in scope.evaluated:
        for release in () if isinstance(pair.head, UserError) else pair.head:
            chart = release.chart
            name = chart.reference.rpartition("/")[2]
            if (chart.path is None or chart.is_copy) and name in touched:
                pinned = f"{chart.reference} {chart.version or 'in its newest version'}"
                found.setdefault((pinned, name), {})[pair.service] = None
    for (pinned, name), services in found.items():
        verb = "uses" if len(services) == 1 else "use"
        yield (
            f"{_names(services)} {verb} {pinned} from elsewhere: the change of charts/{name} "
            "does not reach them until they ask for a version that has it"
        )


def _without_private(released: Iterable[Unit], root: Path) -> Iterator[str]:
    found: dict[str, dict[str, None]] = {}
    for unit in released:
        for path in unit.head.missing if unit.head else ():
            if _is_private(Path(path), root):
                found.setdefault(path, {})[unit.target.service] = None
    services = dict.fromkeys(name for names in found.values() for name in names)
    if services:
        yield (
            f"{_names(services)} rendered without private layer: there are no dummy values "
            f"({next(iter(found))} is absent)"
        )


def _is_private(path: Path, root: Path) -> bool:
    """Whether a missing layer is a secret one; a service without secrets has no dummy values."""
    return path.name != EXAMPLE and secretpaths.is_secret(root / path, root)


def _without_effect(scope: Scope, compared: Compared, idle: Iterable[Idle]) -> Iterator[str]:
    """Services whose own files change and which render the same, though nothing is overridden."""
    steady = scope.touched_services - set(scope.why_always())
    changed = {each.unit.target.service for each in compared.differences}
    failed = {word for each in compared.failures for word in each.who.replace("/", " ").split()}
    explained = {target.service for each in idle for target in each.targets}
    same = {pair.service for pair in scope.pairs} & steady - changed - failed - explained
    base, head = scope.sides
    own = [
        service
        for service in sorted(same)
        if base.digest(base.below(f"helmfile.d/services/{service}"))
        != head.digest(head.below(f"helmfile.d/services/{service}"))
    ]
    if own:
        yield f"no effect on what is deployed: the edits of {_names(dict.fromkeys(own))}"


def _unsteady(compared: Compared) -> Iterator[str]:
    services = dict.fromkeys(unit.target.service for unit in compared.unsteady)
    if services:
        yield (
            f"{_names(services)} rendered with random or time functions: fields that differ on "
            "each render are left out"
        )


def _names(services: Iterable[str]) -> str:
    names = [*services]
    shown = ", ".join(names[:_FEW])
    more = len(names) - _FEW
    return f"{shown} and {count(more, 'more service')}" if more > 0 else shown
