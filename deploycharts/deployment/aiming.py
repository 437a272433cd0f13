"""helm acts where we look: on the environment's cluster, in the service's namespace."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploycharts.cluster.kubeconfig import Endpoint, endpoint
from deploycharts.errors import Refused
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository
from deploycharts.rendering.aim import CONTEXT, KUBECONFIG, NAMESPACE, Aim
from deploycharts.rendering.release import Release
from deploycharts.source import Source

_SHARED = ("release.yaml.gotmpl", "environments.yaml")


def require_same_place(repository: Repository, environment: Environment, release: Release) -> None:
    """Make sure that helmfile would change the cluster and namespace that the plan is about.

    Clusters are compared by what kubeconfigs lead to: the API server and its authority.

    Raises:
        Refused: it is another one, with both names and the line that says so.
    """
    aim = release.aim
    if aim is None:
        return
    service = release.target.service
    registration = repository.registration(service)
    wanted = registration.namespace
    given = aim.value(NAMESPACE)
    if given and given != wanted:
        raise _refused(
            repository, release, f"helmfile acts in the namespace {given}, not in {wanted}",
            [given], why=f"{service} is registered for {wanted} in {registration.source}",
        )  # fmt: skip
    if aim.overrides:
        flag = aim.overrides[0]
        raise _refused(
            repository, release, f"helmfile gives helm another cluster by {flag}",
            [aim.value(flag), flag], why="only the environment's kubeconfig is looked at",
        )  # fmt: skip
    own = environment.kubeconfig_of(service)
    if _leads_elsewhere(aim, own):
        named = [aim.value(CONTEXT), aim.value(KUBECONFIG), CONTEXT, KUBECONFIG]
        raise _refused(
            repository, release, _other_cluster(repository, environment, release, aim),
            [name for name in named if name], why=f"{environment.name} is {_told(own, '')}",
        )  # fmt: skip


def _leads_elsewhere(aim: Aim, own: Path) -> bool:
    given = aim.kubeconfig or _ambient()
    context = aim.value(CONTEXT)
    if not context and given.resolve() == own.resolve():
        return False
    reached = endpoint(given, context)
    return reached is None or reached != endpoint(own)


def _ambient() -> Path:
    """What helm takes where no flag names a kubeconfig."""
    first = os.environ.get("KUBECONFIG", "").partition(os.pathsep)[0]
    return Path(first) if first else Path.home() / ".kube" / "config"


def _other_cluster(
    repository: Repository, environment: Environment, release: Release, aim: Aim
) -> str:
    given, context = aim.kubeconfig or _ambient(), aim.value(CONTEXT)
    reached = endpoint(given, context)
    service = release.target.service
    names = [
        each.name
        for each in repository.environments
        if reached is not None and reached == endpoint(each.kubeconfig_of(service))
    ]
    other = names[0] if names else "another cluster"
    return f"helmfile would change {other} instead of {environment.name}: {_told(given, context)}"


def _told(kubeconfig: Path, context: str) -> str:
    reached: Endpoint | None = endpoint(kubeconfig, context)
    named = f", context {context}" if context else ""
    return f"{reached.server if reached else 'no cluster that can be told'} ({kubeconfig}{named})"


def _refused(
    repository: Repository, release: Release, what: str, named: Sequence[str], *, why: str
) -> Refused:
    source = next(
        lines_with(repository, release, named), Source(repository.shown(release.state_file))
    )
    environment, service = release.target.environment, release.target.service
    return Refused(
        f"{release.target}: {what}",
        where=source,
        why=why,
        next_step=f"correct that line, then deploy {environment} {service}",
    )


def lines_with(repository: Repository, release: Release, named: Sequence[str]) -> Iterator[Source]:
    """The lines of a state that hold one of some words, in the order of words; own files first."""
    shared = [repository.root / "helmfile.d" / name for name in _SHARED]
    for word in named:
        for file in (release.state_file, *shared):
            if not file.is_file():
                continue
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
                if word in line:
                    yield Source(repository.shown(file), number)
