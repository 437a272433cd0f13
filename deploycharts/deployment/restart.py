"""Rolling the pods of a service anew, without touching what it is made of."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from deploycharts.cluster import workloads
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.releases import PENDING
from deploycharts.deployment import histories, journal, progress
from deploycharts.deployment.act import Actor
from deploycharts.deployment.journal import Journal
from deploycharts.deployment.judge import StepFailed
from deploycharts.deployment.outcome import Outcome
from deploycharts.deployment.plan import Place
from deploycharts.deployment.progress import Listener
from deploycharts.deployment.signals import Signals
from deploycharts.documents import ObjectKey
from deploycharts.errors import Exit, Refused, UserError
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
    """The releases that one command was asked to roll, in order."""

    id: str
    rolls: tuple[Roll, ...]

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
    rolls = [
        _roll(history)
        for environment in environments
        for service in services
        if environment.is_production or not service.without_staging
        for history in histories.read(repository, environment, service.name, release)
    ]
    left = [f"{key}: {why}" for each in rolls for key, why in each.left]
    if not any(each.objects for each in rolls):
        names = ", ".join(service.name for service in services)
        raise UserError(
            f"{names} has no pods to restart",
            why="\n".join(left)
            or "no release of it with a Deployment, StatefulSet or DaemonSet is installed",
            next_step="deploy status",
        )
    facts = "\n".join(f"{each.place.target} {each.revision}" for each in rolls)
    return Restart(hashlib.sha256(f"restart\n{facts}".encode()).hexdigest()[:10], tuple(rolls))


def run(restart: Restart, *, listen: Listener, folder: Path | None = None) -> Outcome:
    """Roll everything, one release after the other; one that fails gets its old pods back.

    Raises:
        StalePlan: a release moved since it was looked at.
    """
    author = journal.whoami()
    deployment = f"{journal.now():%Y%m%d-%H%M%S}-{restart.id}"
    book = Journal(folder or journal.default_folder(), deployment)
    targets = [str(each.place.target) for each in restart.acting]
    book.append(
        "begun", author=author, host=socket.gethostname(), pid=os.getpid(), restart=[*targets]
    )
    actor = Actor(book, listen, author)
    failed: list[Target] = []
    undone: list[Target] = []
    interrupted = False
    try:
        with Signals() as signals, signals.raising():
            try:
                for each in restart.acting:
                    _take(each, actor, listen, failed, undone)
                    if failed:
                        break
            except KeyboardInterrupt:
                interrupted = True
        outcome = _outcome(deployment, book.path, failed, undone, interrupted=interrupted)
        book.append("outcome", **outcome.as_json())
        return outcome
    finally:
        book.close()


def _outcome(
    deployment: str, path: Path, failed: Sequence[Target], undone: Sequence[Target], *,
    interrupted: bool,
) -> Outcome:  # fmt: skip
    broken = tuple(str(each) for each in failed if each not in undone)
    code = Exit.INTERRUPTED if interrupted else Exit.DONE
    if failed:
        code = Exit.BROKEN if broken else Exit.ROLLED_BACK
    why = "interrupted: pods that began to restart go on" if interrupted else ""
    return Outcome(
        code, deployment, path, tuple(map(str, failed)), tuple(map(str, undone)), broken, why=why
    )


def _take(
    roll: Roll, actor: Actor, listen: Listener, failed: list[Target], undone: list[Target]
) -> None:
    place, before = roll.place, dict[ObjectKey, str]()
    actor.require_revision(place, roll.revision)
    try:
        actor.roll(place, "restart", partial(_stamp, roll, journal.now().isoformat(), before))
    except StepFailed as failure:
        listen(progress.Failed(failure.target, failure.revision, failure.evidence))
        failed.append(place.target)
        try:
            actor.roll(place, "take the restart back", partial(_put_back, place, before))
            undone.append(place.target)
        except (StepFailed, UserError) as error:
            listen(progress.Said(f"{place.target}: the restart could not be taken back: {error}"))


def _stamp(roll: Roll, time: str, before: dict[ObjectKey, str], cluster: Cluster) -> None:
    for key in roll.objects:
        before[key] = workloads.restart(cluster, roll.place.namespace, key, time)


def _put_back(place: Place, before: dict[ObjectKey, str], cluster: Cluster) -> None:
    for key, time in before.items():
        workloads.restart(cluster, place.namespace, key, time)


def _roll(history: histories.History) -> Roll:
    newest = history.newest
    if newest.status in PENDING:
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
