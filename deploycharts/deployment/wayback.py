"""Where a release can go back to, decided from helm's history alone."""

from __future__ import annotations

import re
from collections.abc import Iterable

from deploycharts.cluster.releases import PENDING, UNINSTALLING, Revision
from deploycharts.errors import unknown

LAST_GOOD = "last-good"
UNINSTALL = 0
"""Stands for a release that never rolled out: going back means removing it."""

_ROLLBACK = re.compile(r"^Rollback to (\d+)$")


def choose(
    history: tuple[Revision, ...], to: str, last: str, *, alone: bool
) -> Revision | int | None:
    """Where a release goes: a revision, UNINSTALL, or None to leave it alone.

    Args:
        history: of the release, oldest first.
        to: "last-good", a deployment's ID, or a revision's number.
        last: the deployment that is to be undone; other releases are left alone.
        alone: the release was named, so it goes back whatever deployment it belongs to.

    Raises:
        UnknownName: there is no such revision.
    """
    newest = history[-1]
    if to.isdigit():
        numbers = {revision.number: revision for revision in history}
        if int(to) not in numbers:
            raise unknown("revision", to, [str(number) for number in numbers])
        return numbers[int(to)]
    gone = withdrawn(history)
    good = [r for r in history if r.is_good and r.number not in gone]
    if to != LAST_GOOD:
        named = [r for r in good if r.labels.get("deployment") == to]
        return named[-1] if named and named[-1].manifest != newest.manifest else None
    if newest.status == UNINSTALLING:
        return newest  # its objects are what ran until somebody began to uninstall them
    if newest.status in PENDING or newest.status == "failed":
        return good[-1] if good else UNINSTALL
    if not newest.is_good or rolled_back_to(newest) is not None:
        return None
    if not alone and newest.labels.get("deployment", "") != last:
        return None
    return earlier(history)


def rolled_back_to(revision: Revision) -> int | None:
    """The revision that a good one repeats, if a rollback made it: then it is the last good one."""
    goal = _ROLLBACK.match(revision.description)
    return int(goal[1]) if goal and revision.is_good else None


def earlier(history: tuple[Revision, ...]) -> Revision | None:
    """The good revision with other content before the newest one, which only counts if named."""
    gone = withdrawn(history)
    newest = history[-1]
    good = [r for r in history if r.is_good and r.number not in gone]
    others = [r for r in good if r.manifest != newest.manifest]
    return others[-1] if others else None


def withdrawn(history: Iterable[Revision]) -> frozenset[int]:
    """The revisions that somebody went back from: those between a rollback and its goal.

    The description is helm's own, fixed text (pkg/action/rollback.go).
    """
    found: set[int] = set()
    for revision in history:
        goal = rolled_back_to(revision)
        if goal is not None:
            found |= set(range(goal + 1, revision.number))
    return frozenset(found)


def last_deployment(histories: Iterable[tuple[Revision, ...]]) -> str:
    """The deployment that the newest revision of all releases belongs to."""
    newest = [history[-1] for history in histories if history]
    latest = max(newest, key=lambda revision: revision.deployed_at, default=None)
    return latest.labels.get("deployment", "") if latest else ""
