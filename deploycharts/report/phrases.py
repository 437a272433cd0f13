"""Targets in compressed form: `all 12 services · codfw, eqiad · not staging`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deploycharts.changes.model import Fold
from deploycharts.changes.names import substitute
from deploycharts.target import Target

_FEW = 3
_USUAL_ORDER = ("staging", "codfw", "eqiad")


@dataclass(frozen=True, slots=True)
class Universe:
    """All targets that a report is about, and the order of their environments."""

    targets: frozenset[Target]
    environments: tuple[str, ...]

    @classmethod
    def of(cls, targets: Iterable[Target], environments: Sequence[str] = ()) -> Universe:
        """The universe of `targets`; environments in the given order, unknown ones last."""
        known = frozenset(targets)
        order = [*environments, *_USUAL_ORDER]
        found = {target.environment for target in known}
        ranked = sorted(found, key=lambda each: (_index(each, order), each))
        return cls(known, tuple(ranked))

    @property
    def services(self) -> tuple[str, ...]:
        """The names of all services."""
        return tuple(sorted({target.service for target in self.targets}))

    @property
    def releases(self) -> tuple[str, ...]:
        """The names of all releases, `main` first."""
        return tuple(sorted({target.release for target in self.targets}, key=_main_first))


def universe_of(folds: Iterable[Fold], environments: Sequence[str] = ()) -> Universe:
    """The targets that the folds know of."""
    found = frozenset[Target]().union(
        *(each.targets | each.absent | each.different for each in folds)
    )
    return Universe.of(found, environments)


def _index(name: str, order: Sequence[str]) -> int:
    return order.index(name) if name in order else len(order)


def _main_first(release: str) -> tuple[bool, str]:
    return release not in ("main", "production"), release


def target_phrase(
    targets: frozenset[Target], universe: Universe, absent: frozenset[Target] = frozenset()
) -> str:
    """Who, in few words; parts that are the same for the whole universe are left out."""
    parts = [_services(targets, universe), _environments(targets, universe)]
    parts.append(_releases(targets, universe))
    parts += _exceptions(targets, universe, absent)
    return " · ".join(part for part in parts if part) or "everywhere"


def _services(targets: frozenset[Target], universe: Universe) -> str:
    found = sorted({target.service for target in targets})
    total = len(universe.services)
    if total == 1:
        return ""
    if len(found) <= _FEW:
        return ", ".join(found)
    if len(found) == total:
        return f"all {total} services"
    return f"{len(found)} of {total} services"


def _environments(targets: frozenset[Target], universe: Universe) -> str:
    found = {target.environment for target in targets}
    if len(universe.environments) == 1:
        return ""
    named = [each for each in universe.environments if each in found]
    if len(named) == len(universe.environments) and len(named) > _FEW:
        return f"all {len(named)} environments"
    if len(named) > 2 * _FEW:
        return f"{len(named)} of {len(universe.environments)} environments"
    return ", ".join(named)


def _releases(targets: frozenset[Target], universe: Universe) -> str:
    found = {target.release for target in targets}
    others = {target.release for target in _siblings(targets, universe)}
    if found == others or len(universe.releases) == 1:
        return ""
    return ", ".join(sorted(found, key=_main_first))


def _siblings(targets: frozenset[Target], universe: Universe) -> frozenset[Target]:
    places = {(target.service, target.environment) for target in targets}
    return frozenset(
        each for each in universe.targets if (each.service, each.environment) in places
    )


def _exceptions(
    targets: frozenset[Target], universe: Universe, absent: frozenset[Target]
) -> list[str]:
    """Environments without it, then single targets that the phrase so far seems to include."""
    missing = absent or _claimed(targets, universe) - targets
    here = {target.environment for target in targets}
    found = []
    nowhere = [
        each
        for each in universe.environments
        if each not in here and any(target.environment == each for target in absent)
    ]
    if nowhere:
        found.append(f"not {', '.join(nowhere)}")
    single = sorted(each for each in missing if each.environment in here)
    single = [each for each in single if each in _claimed(targets, universe)]
    if 0 < len(single) <= _FEW:
        found.append(f"not {', '.join(_short(each, universe) for each in single)}")
    elif single:
        found.append(f"{len(targets)} of {len(targets) + len(single)} targets")
    return found


def _claimed(targets: frozenset[Target], universe: Universe) -> frozenset[Target]:
    services = {target.service for target in targets}
    environments = {target.environment for target in targets}
    releases = {target.release for target in targets}
    return frozenset(
        each
        for each in universe.targets
        if each.service in services
        and each.environment in environments
        and each.release in releases
    )


def _short(target: Target, universe: Universe) -> str:
    name = target.service if len(universe.services) > 1 else ""
    release = target.release if len(universe.releases) > 1 else ""
    what = "/".join(part for part in (name, release) if part)
    return f"{what} in {target.environment}" if what else target.environment


def named(text: str, targets: frozenset[Target]) -> str:
    """A text with placeholders, in the names of these targets: `echo-{canary,main}`."""
    return substitute(
        text,
        service=_names({target.service for target in targets}, "service"),
        environment=_names({target.environment for target in targets}, "environment"),
        release=_names({target.release for target in targets}, "release"),
    )


def _names(found: set[str], what: str) -> str:
    if len(found) == 1:
        return next(iter(found))
    if len(found) <= _FEW:
        return "{" + ",".join(sorted(found, key=_main_first)) + "}"
    return "{" + what + "}"
