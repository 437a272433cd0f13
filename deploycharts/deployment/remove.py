"""Taking a service away: its releases from the clusters, then its files from the repository."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploycharts.changes.identity import flatten
from deploycharts.changes.lifecycle import is_kept
from deploycharts.changes.workloads import is_hook
from deploycharts.cluster import live, workloads
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.live import State
from deploycharts.cluster.releases import UNINSTALLING
from deploycharts.deployment import formerly, histories, journal, progress
from deploycharts.deployment.act import Actor
from deploycharts.deployment.histories import History
from deploycharts.deployment.judge import StepFailed
from deploycharts.deployment.outcome import Outcome, commands
from deploycharts.deployment.plan import Place
from deploycharts.deployment.progress import Listener
from deploycharts.deployment.removedfiles import Files, chosen_files
from deploycharts.deployment.signals import Signals
from deploycharts.documents import Json, ObjectKey
from deploycharts.errors import Exit, StalePlan, UserError
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository, Service
from deploycharts.target import Target
from deploycharts.tools import programs

_PRESENT = (State.THERE, State.FORBIDDEN)
_STATEFUL = frozenset({"PersistentVolumeClaim", "PersistentVolume"})


@dataclass(frozen=True, slots=True)
class Farewell:
    """One release that goes, as far as its objects are there.

    Attributes:
        objects: what helm deletes.
        state: those of them that hold data, which goes with them.
        kept: what stays, since its chart says so.
        left: what hooks and tests made; helm does not delete it.
        claims: volume claims that StatefulSets made; nobody deletes them.
        pods: how many end.
        begun: an uninstall of it began before and did not finish.
    """

    place: Place
    revision: int
    objects: tuple[ObjectKey, ...]
    state: tuple[ObjectKey, ...]
    kept: tuple[ObjectKey, ...]
    left: tuple[ObjectKey, ...]
    claims: tuple[str, ...]
    pods: int
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Removal:
    """All that goes, releases in the reverse order of a roll-out.

    Attributes:
        namespace: where it lived; administrators delete it.
        files: what goes from the repository; empty if not all environments are left.
    """

    id: str
    service: str
    namespace: str
    releases: tuple[Farewell, ...]
    files: Files

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Those that are changed, each once."""
        return tuple(dict.fromkeys(each.place.environment for each in self.releases))


def prepare(
    repository: Repository,
    environments: Sequence[Environment],
    service: Service,
    *,
    everywhere: bool,
    release: str | None = None,
    namespace: str | None = None,
) -> Removal:
    """What would go; changes nothing. Every cluster must answer, or nothing goes anywhere.

    Args:
        repository: where the service is.
        environments: where it shall go from.
        service: the service.
        everywhere: these are all environments, so that the files go too.
        release: only this one; then the files stay.
        namespace: only what runs there; then the files stay, too.

    Raises:
        Refused: files that would go have changes that are not committed.
        UserError: there is nothing to remove, a cluster does not answer, or helm is none that we
            can drive.
    """
    programs.supported("helm")
    found = _farewells(repository, environments, service, release, namespace)
    all_goes = everywhere and release is None and namespace is None
    files = chosen_files(repository, environments, service) if all_goes else Files()
    if not found and not files.paths:
        names = ", ".join(environment.name for environment in environments)
        which = f"release {release}" if release else "release"
        raise UserError(f"{service.name} has no {which} in {names}", next_step="deploy status")
    facts = "\n".join(
        f"{each.place.target} {each.place.namespace} {each.revision}" for each in found
    )
    identity = hashlib.sha256(f"remove\n{service.name}\n{facts}".encode()).hexdigest()[:10]
    namespace = namespace or repository.registration(service.name).namespace
    return Removal(identity, service.name, namespace, tuple(found), files)


def run(
    removal: Removal, root: Path, *, listen: Listener, hooks: bool = True,
    folder: Path | None = None,
) -> Outcome:  # fmt: skip
    """Uninstall all releases, then delete the files; those stay if a release does.

    Args:
        removal: what goes.
        root: of the repository.
        listen: gets what happens.
        hooks: whether the charts' hooks run before and after the deletion.
        folder: where the journal is kept.

    Raises:
        StalePlan: a release moved since it was looked at, before anything was changed.
    """
    author = journal.whoami()
    targets: Json = [str(each.place.target) for each in removal.releases]
    with journal.begun(removal.id, folder, author=author, remove=targets) as book:
        going = _Going(removal, Actor(book, listen, author), listen, hooks=hooks)
        with Signals() as signals, signals.raising():
            going.take_all()
        if not going.left and not going.unclean:
            removal.files.delete(root)
        outcome = going.outcome()
        book.append("outcome", **outcome.as_json())
        return outcome


@dataclass
class _Going:
    """The uninstalls of one command while they are done.

    Attributes:
        left: the releases that are still there, in whole or in part.
        failed: those of them whose uninstall failed.
        unclean: those that are gone, and of which a hook after the deletion failed.
    """

    removal: Removal
    actor: Actor
    listen: Listener
    hooks: bool
    gone: list[Target] = field(default_factory=list)
    left: list[Target] = field(default_factory=list)
    failed: list[Target] = field(default_factory=list)
    unclean: list[Target] = field(default_factory=list)

    def take_all(self) -> None:
        """Uninstall one after the other; only an interrupt and a stale plan end it early."""
        for number, each in enumerate(self.removal.releases):
            target = each.place.target
            try:
                self.actor.require_revision(each.place, each.revision)
                self.actor.go_back(each.place, None, hooks=self.hooks)
                self.gone.append(target)
            except KeyboardInterrupt:
                self.listen(progress.Said("interrupted"))
                self.left += [left.place.target for left in self.removal.releases[number:]]
                return
            except StepFailed as failure:
                self.listen(progress.Failed(failure.target, failure.revision, failure.evidence))
                (self.unclean if failure.is_gone else self.left).append(target)
                self.failed += [] if failure.is_gone else [target]
            except UserError as error:
                if isinstance(error, StalePlan) and not self.gone and not self.left:
                    raise
                self.listen(progress.Said(f"{target}: {error.what}"))
                self.left.append(target)

    def outcome(self) -> Outcome:
        """How it ended; a release of which only the last hook failed is gone all the same."""
        told = []
        if self.left:
            told.append("some releases are still there, in whole or in part")
        if self.failed and self.hooks:
            told.append("leave the hooks out with --no-hooks, or keep the service: deploy it")
        if self.unclean:
            names = ", ".join(map(str, self.unclean))
            told.append(f"{names}: uninstalled, but a hook after the deletion failed")
        retry = commands("remove", self.left)
        without = [f"{each} --no-hooks" for each in commands("remove", self.failed)]
        keep = commands("", self.failed)
        finish = [f"deploy remove {self.removal.service}"] if self.removal.files.paths else []
        return Outcome(
            exit=Exit.BROKEN if self.left or self.unclean else Exit.DONE,
            deployment=self.actor.journal.deployment,
            journal=self.actor.journal.path,
            not_removed=tuple(map(str, self.left)),
            owed=(*retry, *(without if self.hooks else ()), *keep)
            if self.left
            else tuple(finish if self.unclean else ()),
            why="; ".join(told),
        )


def _farewells(
    repository: Repository, environments: Sequence[Environment], service: Service,
    release: str | None, namespace: str | None,
) -> list[Farewell]:  # fmt: skip
    found: list[Farewell] = []
    for environment in reversed(environments):
        try:
            known = _histories(repository, environment, service.name, namespace)
            chosen = [each for each in known if release in {None, each.target.release}]
            found += [_farewell(history) for history in reversed(chosen)]
        except UserError as error:
            error.why = f"{error.why}\nnothing was removed anywhere".strip()
            raise
    return found


def _histories(
    repository: Repository, environment: Environment, service: str, namespace: str | None
) -> list[History]:
    """What runs in a namespace; without one where the service is registered and was before."""
    if namespace is not None:
        return histories.read(repository, environment, service, namespace=namespace)
    found = histories.read(repository, environment, service)
    cluster = Cluster(environment.kubeconfig_of(service), name=environment.name)
    try:
        left = formerly.former_releases(repository, cluster, service)
    finally:
        cluster.close()
    for each in dict.fromkeys(each.namespace for each in left):
        found += histories.read(repository, environment, service, namespace=each)
    return found


def _farewell(history: History) -> Farewell:
    documents = tuple(flatten(history.newest.documents()))
    place = history.place()
    cluster = Cluster(history.kubeconfig, name=history.environment.name)
    try:
        now = live.read(cluster, documents)
        pods = workloads.running_pods(cluster, place.namespace, place.workloads)
        claims = workloads.claims(cluster, place.namespace, place.workloads)
    finally:
        cluster.close()
    there = [each for each in documents if now[each.key].state in _PRESENT]
    kept = tuple(each.key for each in there if is_kept(each) and not is_hook(each))
    left = tuple(each.key for each in there if is_hook(each))
    objects = tuple(each.key for each in there if each.key not in {*kept, *left})
    return Farewell(
        place,
        history.newest.number,
        objects,
        state=tuple(key for key in objects if key.kind in _STATEFUL),
        kept=kept,
        left=left,
        claims=claims,
        pods=sum(pods.values()),
        begun=history.newest.status == UNINSTALLING,
    )
