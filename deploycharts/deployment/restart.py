"""Rolling the pods of a service anew, without touching what it is made of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from deploycharts.cluster import workloads
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.releases import PENDING, UNINSTALLING
from deploycharts.deployment import journal, progress
from deploycharts.deployment.act import Actor
from deploycharts.deployment.histories import History, Unread, read_all
from deploycharts.deployment.judge import StepFailed
from deploycharts.deployment.outcome import Outcome, commands
from deploycharts.deployment.plan import Place
from deploycharts.deployment.progress import Listener
from deploycharts.deployment.signals import Signals
from deploycharts.documents import Json, ObjectKey
from deploycharts.errors import Exit, Refused, StalePlan, UserError
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository, Service
from deploycharts.target import Target

_ROLLED = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


@dataclass(frozen=True, slots=True)
class Roll:
    """One release whose pods are made anew.

    Attributes:
        objects: the workloads that are rolled.
        left: those that are not, and why.
        pods: how many are made anew.
    """

    place: Place
    revision: int
    objects: tuple[ObjectKey, ...]
    left: tuple[tuple[ObjectKey, str], ...]
    pods: int


@dataclass(frozen=True, slots=True)
class Restart:
    """The releases that one command was asked to roll, in order.

    Attributes:
        unread: environments that cannot be asked now; the others are restarted all the same.
    """

    id: str
    rolls: tuple[Roll, ...]
    unread: tuple[Unread, ...] = ()

    @property
    def acting(self) -> tuple[Roll, ...]:
        """Those that have something to roll."""
        return tuple(each for each in self.rolls if each.objects)

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Those that are touched, each once."""
        return tuple(dict.fromkeys(each.place.environment for each in self.acting))


def prepare(
    repository: Repository, environments: Sequence[Environment], services: Sequence[Service],
    *, release: str | None = None,
) -> Restart:  # fmt: skip
    """What a restart would roll; changes nothing.

    Raises:
        Refused: helm is in the middle of something there.
        UserError: there is nothing that could be restarted.
    """
    known: list[History] = []
    unread: list[Unread] = []
    for service in services:
        chosen = [e for e in environments if e.is_production or not service.without_staging]
        histories, missed = read_all(repository, chosen, service.name, release)
        known += histories
        unread += missed
    places = [environment.name for environment in environments]
    known.sort(key=lambda each: places.index(each.target.environment))
    rolls = [_roll(each) for each in known]
    left = [f"{key}: {why}" for each in rolls for key, why in each.left]
    if not any(each.objects for each in rolls):
        names = ", ".join(service.name for service in services)
        raise UserError(
            f"{names} has no pods to restart",
            why="\n".join(left)
            or "no release of it with a Deployment, StatefulSet or DaemonSet is installed",
            next_step="deploy status",
        )
    facts = [f"{each.place.target} {each.revision}" for each in rolls]
    facts += [f"{each.environment.name} unread" for each in unread]
    named = hashlib.sha256("\n".join(["restart", *facts]).encode()).hexdigest()[:10]
    return Restart(named, tuple(rolls), tuple(unread))


def run(restart: Restart, *, listen: Listener, folder: Path | None = None) -> Outcome:
    """Restart the pods of one release after the other.

    One that fails gets its old pods back, and no further release is restarted. One whose cluster
    does not answer is skipped.

    Raises:
        StalePlan: nothing was restarted, since the first release moved since it was looked at.
    """
    author = journal.whoami()
    targets: Json = [str(each.place.target) for each in restart.acting]
    with journal.begun(restart.id, folder, author=author, restart=targets) as book:
        rolling = _Rolling(restart, Actor(book, listen, author), listen)
        with Signals() as signals, signals.raising():
            rolling.take_all()
        outcome = rolling.outcome()
        book.append("outcome", **outcome.as_json())
    if rolling.is_stale:
        raise rolling.errors[0]
    return outcome


@dataclass
class _Rolling:
    """The restarts of one command while they are made.

    Attributes:
        failed: releases whose pods did not come up again, or that could not be told to restart.
        missed: releases that were not begun.
        done: releases whose new pods are all there.
    """

    restart: Restart
    actor: Actor
    listen: Listener
    failed: list[Target] = field(default_factory=list)
    undone: list[Target] = field(default_factory=list)
    missed: list[Target] = field(default_factory=list)
    done: list[Target] = field(default_factory=list)
    errors: list[UserError] = field(default_factory=list)
    is_interrupted: bool = False
    _begun: int = 0

    @property
    def is_stale(self) -> bool:
        """Whether the plan's first release had moved, so that nothing was begun at all."""
        return bool(self.errors) and isinstance(self.errors[0], StalePlan) and self._begun == 0

    def take_all(self) -> None:
        """Take each, until one fails."""
        for number, each in enumerate(self.restart.acting):
            try:
                self._take(each)
            except KeyboardInterrupt:
                self.is_interrupted = True
                self._leave(number + 1)
                return
            except UserError as error:
                self.errors.append(error)
                self.missed.append(each.place.target)
                self.listen(progress.Said(f"{each.place.target}: {error.what}"))
                if self.is_stale:
                    return
            if self.failed:
                self._leave(number + 1)
                return

    def _leave(self, number: int) -> None:
        self.missed += [each.place.target for each in self.restart.acting[number:]]

    def _take(self, roll: Roll) -> None:
        place, before = roll.place, dict[ObjectKey, str]()
        self.actor.require_revision(place, roll.revision)
        self._begun += 1
        try:
            self.actor.roll(
                place, "restart", partial(_stamp, roll, journal.now().isoformat(), before)
            )
            self.done.append(place.target)
            return
        except StepFailed as failure:
            self.listen(progress.Failed(failure.target, failure.revision, failure.evidence))
        except UserError as error:
            self.errors.append(error)
            self.listen(progress.Said(f"{place.target}: {error.what}"))
        self.failed.append(place.target)
        try:
            if before:
                begun = replace(place, workloads=tuple(before))
                self.actor.roll(begun, "undo the restart", partial(_put_back, place, before))
            self.undone.append(place.target)
        except (StepFailed, UserError) as error:
            self.listen(progress.Said(f"{place.target}: the restart could not be undone: {error}"))

    def outcome(self) -> Outcome:
        """How it ended."""
        unread = self.restart.unread
        services = dict.fromkeys(each.place.target.service for each in self.restart.rolls)
        left = [f"{each.environment.name} {name}" for each in unread for name in services]
        broken = [each for each in self.failed if each not in self.undone]
        behind = (*map(str, self.missed), *left)
        code = Exit.INTERRUPTED if self.is_interrupted else Exit.DONE
        if self.failed:
            code = Exit.BROKEN if broken else Exit.ROLLED_BACK
        elif behind and not self.is_interrupted:
            code = Exit.STALE_PLAN if self.is_stale else Exit.USER_ERROR
        told = [*(error.what for error in self.errors), *(str(each) for each in unread)]
        if self.is_interrupted:
            told.append("interrupted: pods that began to restart go on")
        return Outcome(
            exit=code,
            deployment=self.actor.journal.deployment,
            journal=self.actor.journal.path,
            failed=tuple(map(str, self.failed)),
            undone=tuple(map(str, self.undone)),
            broken=tuple(map(str, broken)),
            held=tuple(map(str, self.done)) if self.is_interrupted else (),
            behind=behind,
            owed=(
                *commands("restart", self.missed),
                *(f"deploy restart {each}" for each in left),
            ),
            why="; ".join(told),
        )


def _stamp(roll: Roll, time: str, before: dict[ObjectKey, str], cluster: Cluster) -> None:
    for key in roll.objects:
        before[key] = workloads.restart(cluster, roll.place.namespace, key, time)


def _put_back(place: Place, before: dict[ObjectKey, str], cluster: Cluster) -> None:
    for key, time in before.items():
        workloads.restart(cluster, place.namespace, key, time)


def _roll(history: History) -> Roll:
    newest = history.newest
    if newest.status in {*PENDING, UNINSTALLING}:
        environment, service = history.target.environment, history.target.service
        raise Refused(
            f"{history.target}: revision {newest.number} is {newest.status}",
            why=newest.description,
            next_step=f"deploy status {environment} {service}",
        )
    place = history.place()
    objects = tuple(key for key in place.workloads if key.kind in _ROLLED)
    cluster = Cluster(history.kubeconfig, name=history.environment.name)
    try:
        left = workloads.not_rolling(cluster, place.namespace, objects)
        rolled = tuple(key for key in objects if key not in left)
        pods = workloads.running_pods(cluster, place.namespace, rolled)
    finally:
        cluster.close()
    # Nothing but these is followed: the others and hooks do not move.
    place = replace(place, workloads=rolled)
    return Roll(place, newest.number, rolled, tuple(left.items()), sum(pods.values()))
