"""Releases whose uninstall did not finish: who began it, whether it is over, what can be done.

Helm calls such a release uninstalling for ever. All of its objects may still be there (a hook
before the deletion failed) or some of them (helm was killed), and helm upgrades it no more, until a
rollback has made a new revision of it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploycharts.cluster.releases import PENDING, UNINSTALLING, Revision
from deploycharts.deployment import journal
from deploycharts.deployment.journal import Story
from deploycharts.deployment.plan import Place
from deploycharts.errors import Refused
from deploycharts.registry.environments import Environment
from deploycharts.target import Target
from deploycharts.tools import process

_MOST_JOURNALS = 200
_ORPHAN_S = 20.0


def require_over(target: Target, newest: Revision, environment: Environment, folder: Path) -> None:
    """Make sure that nobody is uninstalling a release any more.

    Raises:
        Refused: somebody is, or may be: it began recently, and not with a deployment of this host.
    """
    if newest.status != UNINSTALLING:
        return
    story = uninstalled_by(target, folder)
    group = story.orphan(target) if story is not None else None
    if story is not None and not story.is_running() and group is None:
        return
    waits_until = _surely_over_at(newest, environment)
    if story is None and (waits_until is None or waits_until <= journal.now()):
        return
    where, service = target.environment, target.service
    raise Refused(
        f"{target}: revision {newest.number} is being uninstalled",
        why=_who(target, story, waits_until),
        next_step=f"wait for it, then look: deploy status {where} {service}",
    )


def end_what_still_runs(place: Place, current: Revision, folder: Path) -> None:
    """End the helm that outlived its deployment: it would finish under our hands.

    Raises:
        Refused: it does not end, or its deployment itself is still running.
    """
    require_over(place.target, current, place.environment, folder)
    if current.status not in PENDING:
        return
    story = journal.read(folder, current.labels.get("deployment", ""))
    if story is None:
        return
    if story.is_running():
        raise Refused(
            f"{place.target}: its deployment is still running",
            why=journal.who_left(folder, place.target, story.deployment, ""),
            next_step="wait for it, or interrupt it (Ctrl-C there): it goes back by itself",
        )
    orphan = story.orphan(place.target)
    if orphan is not None and not process.interrupt_group(orphan, timeout_s=_ORPHAN_S):
        raise Refused(
            f"{place.target}: the helm of a killed deployment does not end",
            why=journal.who_left(folder, place.target, story.deployment, ""),
            next_step=f"kill -INT -{orphan}, then deploy rollback again",
        )


def remark(target: Target, newest: Revision, folder: Path) -> str:
    """What is to be said of a release that is left so; empty for others."""
    if newest.status != UNINSTALLING:
        return ""
    story = uninstalled_by(target, folder)
    if story is not None and (story.is_running() or story.orphan(target) is not None):
        return _who(target, story, None)
    reason = _reason(story, target)
    where, service = target.environment, target.service
    return (
        f"its uninstall did not finish{f': {reason}' if reason else ''}; what is left runs on. "
        f"Uninstall it: deploy remove {where} {service}; keep it: deploy {where} {service}"
    )


def uninstalled_by(target: Target, folder: Path) -> Story | None:
    """The newest journal of this host with an uninstall of a release as the last act on it."""
    if not folder.is_dir():
        return None
    for path in sorted(folder.glob("*.jsonl"), reverse=True)[:_MOST_JOURNALS]:
        story = journal.read(folder, path.stem)
        acts = [
            str(line.get("action"))
            for line in (story.lines if story else ())
            if line["kind"] == "intent" and line.get("target") == str(target)
        ]
        if acts:
            return story if acts[-1] == "uninstall" else None
    return None


def _surely_over_at(newest: Revision, environment: Environment) -> datetime | None:
    """When the time of each of helm's waits is over; None if helm did not say when it began."""
    try:
        began = datetime.fromisoformat(newest.deleted_at)
    except ValueError:
        return None
    return began.astimezone(UTC) + timedelta(seconds=environment.timeout_s)


def _who(target: Target, story: Story | None, waits_until: datetime | None) -> str:
    if story is None:
        until = f", which may take until {waits_until:%H:%M:%S} UTC" if waits_until else ""
        return f"somebody else is uninstalling it{until}"
    who = story.begun.get("author", "somebody")
    if story.is_running():
        return f"removal {story.deployment} of {who} is still running (pid {story.begun['pid']})"
    return (
        f"removal {story.deployment} of {who} was killed; the helm that it started still runs "
        f"(process group {story.orphan(target)})"
    )


def _reason(story: Story | None, target: Target) -> str:
    """Why the uninstall failed, as the journal has it."""
    for line in reversed(story.lines if story else ()):
        if line["kind"] == "result" and line.get("target") == str(target):
            found = line.get("evidence") or {}
            told = [*found.get("troubles", ()), found.get("lost"), found.get("helm")]
            return next((str(each).splitlines()[0] for each in told if each), "")
    return "helm was killed" if story is not None else ""
