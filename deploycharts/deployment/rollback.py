"""Going back on a person's word: which release to which revision."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploycharts.changes.compare import compare
from deploycharts.changes.masking import Masker
from deploycharts.cluster import releases
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.releases import GOOD, PENDING, Revision
from deploycharts.deployment import journal, progress
from deploycharts.deployment.act import Actor, StepFailed
from deploycharts.deployment.follow import follow_keys
from deploycharts.deployment.journal import Journal
from deploycharts.deployment.plan import Difference, Place
from deploycharts.deployment.progress import Listener
from deploycharts.deployment.run import Outcome
from deploycharts.documents import Json
from deploycharts.errors import Exit, StalePlan, UserError, unknown
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository
from deploycharts.target import Target

LAST_GOOD = "last-good"


@dataclass(frozen=True, slots=True)
class Return:
    """One release's way back.

    Attributes:
        current: the newest revision.
        revision: where to; None means uninstalling what never rolled out.
        difference: from what runs to what will.
    """

    place: Place
    current: Revision
    revision: int | None
    difference: Difference


@dataclass(frozen=True, slots=True)
class Rollback:
    """All ways back of one command, in the order in which they are taken."""

    id: str
    returns: tuple[Return, ...]

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Those that are changed, each once."""
        return tuple(dict.fromkeys(each.place.environment for each in self.returns))


def prepare(
    repository: Repository, environments: Sequence[Environment], service: str, *,
    release: str | None, to: str,
) -> Rollback:  # fmt: skip
    """Choose revisions from helm's history; nothing is rendered, so git may be broken meanwhile.

    Args:
        repository: where the service is registered.
        environments: where to go back; the last one first, as it serves most users.
        service: the service.
        release: only this release.
        to: "last-good", a deployment's ID, or a revision's number together with `release`.

    Raises:
        UnknownName: there is no such release, revision or deployment.
        UserError: a number is given for several releases, or there is nothing to go back to.
    """
    if to.isdigit() and release is None:
        raise UserError(
            "a revision number counts for one release only",
            next_step=f"name it with --release, or give {LAST_GOOD} or a deployment's ID",
        )
    found: list[Return] = []
    for environment in reversed(environments):
        found += _environment(repository, environment, service, release, to)
    if not found:
        raise UserError(
            f"there is nothing to go back to for {service}",
            why="no release has another good revision in its history",
            next_step=f"deploy status {environments[0].name} {service}",
        )
    return Rollback(_id(found), tuple(found))


def run(rollback: Rollback, *, listen: Listener, folder: Path | None = None) -> Outcome:
    """Take the ways back, all of them even if one fails.

    Raises:
        StalePlan: a release moved since it was looked at.
    """
    author = journal.whoami()
    deployment = f"{journal.now():%Y%m%d-%H%M%S}-{rollback.id}"
    book = Journal(folder or journal.default_folder(), deployment)
    steps: Json = [f"{each.place.target} to {each.revision}" for each in rollback.returns]
    book.append("begun", author=author, host=socket.gethostname(), pid=os.getpid(), back=steps)
    actor = Actor(book, listen, author)
    undone: list[str] = []
    broken: list[str] = []
    try:
        for each in rollback.returns:
            try:
                actor.require_revision(each.place, each.current.number)
                actor.go_back(each.place, each.revision)
                undone.append(str(each.place.target))
            except StepFailed as failure:
                listen(progress.Failed(failure.target, failure.revision, failure.evidence, 0.0))
                broken.append(str(each.place.target))
            except StalePlan:
                if not undone and not broken:
                    raise
                broken.append(str(each.place.target))
        code = Exit.BROKEN if broken else Exit.DONE
        book.append("outcome", exit=int(code), undone=[*undone], broken=[*broken])
    finally:
        book.close()
    return Outcome(code, deployment, book.path, None, tuple(undone), tuple(broken))


def _environment(
    repository: Repository, environment: Environment, service: str, release: str | None, to: str
) -> list[Return]:
    cluster = Cluster(environment.kubeconfig_of(service), name=environment.name)
    namespace = repository.registration(service).namespace
    try:
        cluster.require_environment(environment.name)
        names = releases.names(cluster, namespace)
        if release is not None:
            if release not in names:
                raise unknown(f"release in {environment.name}", release, names)
            names = (release,)
        histories = {name: releases.revisions(cluster, namespace, name) for name in names}
    finally:
        cluster.close()
    last = _last_deployment(histories.values())
    found = []
    for name, history in histories.items():
        revision = _choose(history, to, last, alone=release is not None)
        if revision is not None:
            target = Target(service, environment.name, name)
            found.append(_return(environment, cluster.kubeconfig, target, history, revision))
    return found


def _choose(
    history: tuple[Revision, ...], to: str, last: str, *, alone: bool
) -> Revision | int | None:
    """Where a release goes: a revision, 0 to uninstall it, None to leave it alone."""
    newest = history[-1]
    if to.isdigit():
        numbers = {revision.number: revision for revision in history}
        if int(to) not in numbers:
            raise unknown("revision", to, [str(number) for number in numbers])
        return numbers[int(to)]
    if to != LAST_GOOD:
        named = [r for r in history if r.labels.get("deployment") == to and r.status in GOOD]
        return named[-1] if named and named[-1].manifest != newest.manifest else None
    broken = newest.status in PENDING or newest.status == "failed"
    good = [r for r in history if r.status in GOOD]
    if broken:
        return good[-1] if good else 0
    if newest.status not in GOOD or (not alone and newest.labels.get("deployment", "") != last):
        return None
    others = [r for r in good if r.manifest != newest.manifest]
    return others[-1] if others else None


def _last_deployment(histories: Iterable[tuple[Revision, ...]]) -> str:
    """The deployment that the newest revision of all releases belongs to."""
    newest = [history[-1] for history in histories if history]
    latest = max(newest, key=lambda revision: revision.deployed_at, default=None)
    return latest.labels.get("deployment", "") if latest else ""


def _return(
    environment: Environment, kubeconfig: Path, target: Target, history: tuple[Revision, ...],
    chosen: Revision | int,
) -> Return:  # fmt: skip
    newest = history[-1]
    documents = () if isinstance(chosen, int) else chosen.documents()
    current = newest.documents()
    masker = Masker((), secrets.token_bytes(32)).knowing(current, documents)
    place = Place(
        target=target,
        namespace=newest.namespace,
        environment=environment,
        kubeconfig=kubeconfig,
        workloads=follow_keys(documents),
        mask=masker,
    )
    base, head = masker.documents(current), masker.documents(documents)
    difference = Difference(compare(target, base, head), base, head)
    return Return(place, newest, None if isinstance(chosen, int) else chosen.number, difference)


def _id(returns: Sequence[Return]) -> str:
    facts = [f"{r.place.target} {r.current.number} {r.revision}" for r in returns]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:10]
