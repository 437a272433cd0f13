"""Going back on a person's word: which release to which revision."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploycharts.deployment import (
    histories,
    journal,
    progress,
    returning,
    unfinished,
    wayback,
)
from deploycharts.deployment.act import Actor
from deploycharts.deployment.histories import History, Unread
from deploycharts.deployment.judge import StepFailed
from deploycharts.deployment.outcome import Outcome, commands
from deploycharts.deployment.progress import Listener
from deploycharts.deployment.returning import Return
from deploycharts.deployment.signals import Signals
from deploycharts.documents import Json
from deploycharts.errors import Exit, StalePlan, UserError
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository
from deploycharts.target import Target
from deploycharts.tools import programs


@dataclass(frozen=True, slots=True)
class Idle:
    """A release that was rolled back before: it goes further back only if that is asked for.

    Attributes:
        revision: the newest one.
        repeats: the revision that the rollback led to.
        earlier: the good revision with other content before that; None if there is none.
    """

    target: Target
    revision: int
    repeats: int
    earlier: int | None

    def sentences(self) -> tuple[str, ...]:
        """What runs, and how to go further back."""
        target = self.target
        now = f"{target}: nothing to do, revision {self.revision} is a rollback to {self.repeats}"
        told = (f"{now}, the last good one",)
        if self.earlier is None:
            return told
        way = f"deploy rollback {target.environment} {target.service} --release {target.release}"
        return (*told, f"  further back: {way} --to {self.earlier}")


@dataclass(frozen=True, slots=True)
class Rollback:
    """All ways back of one command, in the order in which they are taken.

    Attributes:
        unread: environments that cannot be asked now; the others are rolled back all the same.
        reason: why, kept in the journal and with the hold.
        idle: releases that stay, since they run their last good revision already.
    """

    id: str
    returns: tuple[Return, ...]
    unread: tuple[Unread, ...] = ()
    reason: str = ""
    idle: tuple[Idle, ...] = ()

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Those that are changed, each once."""
        return tuple(dict.fromkeys(each.place.environment for each in self.returns))


def prepare(
    repository: Repository, environments: Sequence[Environment], service: str, *,
    release: str | None, to: str, reason: str = "",
) -> Rollback:  # fmt: skip
    """Choose revisions from helm's history; nothing is rendered, so git may be broken meanwhile.

    Args:
        repository: where the service is registered.
        environments: where to go back; the last one first, as it serves most users.
        service: the service.
        release: only this release.
        to: "last-good", a deployment's ID, or a revision's number together with `release`.
        reason: why.

    Raises:
        UnknownName: there is no such release, revision or deployment.
        UserError: a number is given for several releases, there is nothing to go back to, or no
            environment can be read, or helm is none that we can drive.
    """
    programs.supported("helm")
    if to.isdigit() and release is None:
        raise UserError(
            "a revision number counts for one release only",
            next_step=f"name it with --release, or give {wayback.LAST_GOOD} or a deployment's ID",
        )
    known, unread = histories.read_all(
        repository, [*reversed(environments)], service, release, gone=True
    )
    last = wayback.last_deployment(each.revisions for each in known)
    found: list[Return] = []
    idle: list[Idle] = []
    for each in known:
        chosen = wayback.choose(each.revisions, to, last, alone=release is not None)
        if chosen is not None:
            found.append(returning.of(each, chosen))
        elif to == wayback.LAST_GOOD:
            idle += _idle(each)
    if not found and unread:
        raise unread[0].error
    if not found and not idle:
        raise UserError(
            f"there is nothing to go back to for {service}",
            why="no release has another good revision in its history",
            next_step=f"deploy status {environments[0].name} {service}",
        )
    return Rollback(_id(found, unread), tuple(found), unread, reason, tuple(idle))


def run(rollback: Rollback, *, listen: Listener, folder: Path | None = None) -> Outcome:
    """Roll back every release, even if one fails or its cluster does not answer.

    Raises:
        StalePlan: nothing was rolled back, since the first release moved since it was looked at.
    """
    folder = folder or journal.default_folder()
    for each in rollback.returns:
        unfinished.end_what_still_runs(each.place, each.current, folder)
    author, reason = journal.whoami(), rollback.reason
    steps: Json = [f"{each.place.target} to {each.revision}" for each in rollback.returns]
    with journal.begun(rollback.id, folder, author=author, back=steps, reason=reason) as book:
        going = _Going(rollback, Actor(book, listen, author), listen)
        with Signals() as signals, signals.raising():
            going.take_all()
        outcome = going.outcome()
        book.append("outcome", **outcome.as_json())
    if going.is_stale:
        raise going.errors[0]
    return outcome


@dataclass
class _Going:
    """The ways back of one command while they are taken."""

    rollback: Rollback
    actor: Actor
    listen: Listener
    undone: list[Target] = field(default_factory=list)
    broken: list[Target] = field(default_factory=list)
    errors: list[UserError] = field(default_factory=list)

    @property
    def is_stale(self) -> bool:
        """Whether the plan's first release had moved, so that nothing was begun at all."""
        return bool(self.errors) and isinstance(self.errors[0], StalePlan) and not self.broken

    def take_all(self) -> None:
        """Take each; only an interrupt and a stale plan end it early."""
        for number, each in enumerate(self.rollback.returns):
            try:
                self._take(each)
            except KeyboardInterrupt:
                self.listen(progress.Said("interrupted while rolling back"))
                self.broken += [left.place.target for left in self.rollback.returns[number:]]
                return
            except UserError as error:
                self.errors.append(error)
                if isinstance(error, StalePlan) and not (self.undone or self.broken):
                    return
                self.listen(progress.Said(f"{each.place.target}: {error.what}"))
                self.broken.append(each.place.target)

    def _take(self, each: Return) -> None:
        target = each.place.target
        try:
            self.actor.require_revision(each.place, each.current.number)
            self.actor.go_back(each.place, each.revision)
            self.undone.append(target)
        except StepFailed as failure:
            self.listen(progress.Failed(failure.target, failure.revision, failure.evidence))
            self.broken.append(target)

    def outcome(self) -> Outcome:
        """How it ended; what could not be read counts as not rolled back."""
        unread = self.rollback.unread
        services = dict.fromkeys(each.place.target.service for each in self.rollback.returns)
        left = [f"{each.environment.name} {name}" for each in unread for name in services]
        broken = (*map(str, self.broken), *left)
        code = Exit.BROKEN if broken else Exit.DONE
        owed = (
            *commands("rollback", self.broken),
            *(f"deploy rollback {each}" for each in left),
        )
        return Outcome(
            exit=Exit.STALE_PLAN if self.is_stale else code,
            deployment=self.actor.journal.deployment,
            journal=self.actor.journal.path,
            undone=tuple(map(str, self.undone)),
            broken=broken,
            owed=owed,
            why="; ".join([*(e.what for e in self.errors), *(e.error.what for e in unread)]),
        )


def _idle(found: History) -> list[Idle]:
    repeats = wayback.rolled_back_to(found.newest)
    if repeats is None:
        return []
    earlier = wayback.earlier(found.revisions)
    number = earlier.number if earlier else None
    return [Idle(found.target, found.newest.number, repeats, number)]


def _id(returns: Sequence[Return], unread: Sequence[Unread]) -> str:
    facts = [f"{r.place.target} {r.current.number} {r.revision}" for r in returns]
    facts += [f"{each.environment.name} unread" for each in unread]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:10]
