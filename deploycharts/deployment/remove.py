"""Taking a service away: its releases from the clusters, then its files from the repository."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploycharts.cluster import workloads
from deploycharts.cluster.connection import Cluster
from deploycharts.deployment import histories, journal, progress
from deploycharts.deployment.act import Actor, StepFailed
from deploycharts.deployment.histories import History
from deploycharts.deployment.journal import Journal
from deploycharts.deployment.outcome import Outcome, commands
from deploycharts.deployment.plan import Place
from deploycharts.deployment.progress import Listener
from deploycharts.deployment.signals import Signals
from deploycharts.documents import ObjectKey
from deploycharts.errors import Exit, Refused, StalePlan, UserError
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository, Service
from deploycharts.target import Target
from deploycharts.tools import git


@dataclass(frozen=True, slots=True)
class Farewell:
    """One release that goes.

    Attributes:
        objects: what helm deletes.
        kept: what stays, since its chart says so.
        claims: volume claims that StatefulSets made; nobody deletes them.
        pods: how many end.
    """

    place: Place
    revision: int
    objects: tuple[ObjectKey, ...]
    kept: tuple[ObjectKey, ...]
    claims: tuple[str, ...]
    pods: int


@dataclass(frozen=True, slots=True)
class Removal:
    """All that goes, releases in the reverse order of a roll-out.

    Attributes:
        files: what goes from the repository, relative to its top; empty if only one environment
            is left.
    """

    id: str
    service: str
    releases: tuple[Farewell, ...]
    files: tuple[Path, ...]

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
) -> Removal:
    """What would go; changes nothing. Every cluster must answer, or nothing goes anywhere.

    Args:
        repository: where the service is.
        environments: where it shall go from.
        service: the service.
        everywhere: these are all environments, so that the files go too.

    Raises:
        Refused: files that would go have changes that are not committed.
        UserError: there is nothing to remove, or a cluster does not answer.
    """
    found = [
        _farewell(history)
        for environment in reversed(environments)
        for history in reversed(histories.read(repository, environment, service.name))
    ]
    files = _files(repository, service) if everywhere else ()
    if not found and not files:
        names = ", ".join(environment.name for environment in environments)
        raise UserError(f"{service.name} has no release in {names}", next_step="deploy status")
    facts = "\n".join(f"{each.place.target} {each.revision}" for each in found)
    identity = hashlib.sha256(f"remove\n{service.name}\n{facts}".encode()).hexdigest()[:10]
    return Removal(identity, service.name, tuple(found), files)


def run(removal: Removal, root: Path, *, listen: Listener, folder: Path | None = None) -> Outcome:
    """Uninstall all releases, then delete the files; those stay if a release does.

    Raises:
        StalePlan: a release moved since it was looked at, before anything was changed.
    """
    author = journal.whoami()
    deployment = f"{journal.now():%Y%m%d-%H%M%S}-{removal.id}"
    book = Journal(folder or journal.default_folder(), deployment)
    targets = [str(each.place.target) for each in removal.releases]
    book.append(
        "begun", author=author, host=socket.gethostname(), pid=os.getpid(), remove=[*targets]
    )
    actor = Actor(book, listen, author)
    gone: list[Target] = []
    broken: list[Target] = []
    try:
        with Signals() as signals, signals.raising():
            _uninstall(removal, actor, listen, gone, broken)
        if not broken:
            for path in removal.files:
                _delete(root / path)
        outcome = Outcome(
            exit=Exit.BROKEN if broken else Exit.DONE,
            deployment=deployment,
            journal=book.path,
            broken=tuple(map(str, broken)),
            owed=commands("remove", broken),
            why="some releases are still there" if broken else "",
        )
        book.append("outcome", **outcome.as_json())
        return outcome
    finally:
        book.close()


def _uninstall(
    removal: Removal, actor: Actor, listen: Listener, gone: list[Target], broken: list[Target]
) -> None:
    for number, each in enumerate(removal.releases):
        try:
            actor.require_revision(each.place, each.revision)
            actor.go_back(each.place, None)
            gone.append(each.place.target)
        except KeyboardInterrupt:
            listen(progress.Said("interrupted"))
            broken += [left.place.target for left in removal.releases[number:]]
            return
        except StepFailed as failure:
            listen(progress.Failed(failure.target, failure.revision, failure.evidence))
            broken.append(each.place.target)
        except UserError as error:
            if isinstance(error, StalePlan) and not gone and not broken:
                raise
            listen(progress.Said(f"{each.place.target}: {error.what}"))
            broken.append(each.place.target)


def _farewell(history: History) -> Farewell:
    documents = history.newest.documents()
    kept = [each.key for each in documents if _is_kept(each.body)]
    place = history.place()
    cluster = Cluster(history.kubeconfig, name=history.environment.name)
    try:
        pods = workloads.running_pods(cluster, place.namespace, place.workloads)
        claims = workloads.claims(cluster, place.namespace, place.workloads)
    finally:
        cluster.close()
    objects = tuple(each.key for each in documents if each.key not in kept)
    return Farewell(place, history.newest.number, objects, tuple(kept), claims, sum(pods.values()))


def _is_kept(body: object) -> bool:
    metadata = body.get("metadata") if isinstance(body, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return isinstance(annotations, dict) and annotations.get("helm.sh/resource-policy") == "keep"


def _files(repository: Repository, service: Service) -> tuple[Path, ...]:
    root = repository.root
    entry = root / "helmfile.d" / "cluster" / "services" / f"{service.name}.yaml"
    found = [service.folder, *([entry] if entry.is_file() else [])]
    chart = _own_chart(repository, service)
    if chart is not None:
        found.append(chart)
    paths = tuple(path.relative_to(root) for path in found)
    for path in paths:
        if git.who_changed(root, "", str(path)):
            raise Refused(
                "this would go, and has changes that are not committed",
                where=path,
                why="what is committed can be brought back",
                next_step=f"git add {path} && git commit, or git stash",
            )
    return paths


def _own_chart(repository: Repository, service: Service) -> Path | None:
    """The chart that only this service names."""
    text = service.state_file.read_text()
    for chart in sorted((repository.root / "charts").glob("*/Chart.yaml")):
        name = chart.parent.name
        word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
        others = [
            *(repository.service(other).state_file for other in repository.service_names
              if other != service.name),
            *(each for each in chart.parent.parent.glob("*/Chart.yaml") if each != chart),
        ]  # fmt: skip
        if word.search(text) and not any(word.search(each.read_text()) for each in others):
            return chart.parent
    return None


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
