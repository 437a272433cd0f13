"""The releases of a service as helm's history tells them; nothing is rendered."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploycharts.changes.masking import Masker
from deploycharts.cluster import releases
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.releases import GONE, Revision
from deploycharts.deployment import formerly
from deploycharts.deployment.entrance import CANARY
from deploycharts.deployment.follow import follow_keys
from deploycharts.deployment.plan import Place
from deploycharts.errors import UnknownName, UserError, unknown
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository
from deploycharts.rendering.release import Release, evaluate
from deploycharts.target import Target


@dataclass(frozen=True, slots=True)
class History:
    """All revisions of a release in one environment, oldest first."""

    environment: Environment
    kubeconfig: Path
    target: Target
    revisions: tuple[Revision, ...]

    @property
    def newest(self) -> Revision:
        """The newest revision."""
        return self.revisions[-1]

    def place(self) -> Place:
        """Where its newest revision is, and what to follow there."""
        documents = self.newest.documents()
        return Place(
            target=self.target,
            namespace=self.newest.namespace,
            environment=self.environment,
            kubeconfig=self.kubeconfig,
            workloads=follow_keys(documents),
            mask=Masker((), secrets.token_bytes(32)).knowing(documents),
        )


def read(
    repository: Repository, environment: Environment, service: str, release: str | None = None,
    *, gone: bool = False, namespace: str | None = None,
) -> list[History]:  # fmt: skip
    """The releases of a service that are installed in an environment, the canary first.

    Args:
        repository: where the service is registered.
        environment: where to look.
        service: the service.
        release: only this release.
        gone: those that were uninstalled and whose history helm kept as well.
        namespace: where the service was before, instead of where it is registered.

    Raises:
        UnknownName: the release that is named is not there, or nothing in that namespace.
        Refused: the cluster is not the environment, or the service's credentials do not reach it.
        Unreachable: it does not answer.
    """
    cluster = Cluster(environment.kubeconfig_of(service), name=environment.name)
    registered = repository.registration(service).namespace
    try:
        cluster.require_environment(environment.name)
        if namespace not in {None, registered}:
            chosen = _former(repository, environment, service, cluster, str(namespace))
        else:
            namespace = registered
            with formerly.grants_explained(repository, cluster, service, namespace):
                chosen = names(repository, environment, service, cluster)
        found = [
            History(
                environment,
                cluster.kubeconfig,
                Target(service, environment.name, name),
                releases.revisions(cluster, str(namespace), name),
            )
            for name in chosen
        ]
    finally:
        cluster.close()
    installed = [each for each in found if gone or each.newest.status not in GONE]
    return _named(installed, release, environment.name) if release else installed


def _former(
    repository: Repository, environment: Environment, service: str, cluster: Cluster, namespace: str
) -> list[str]:
    """The releases of a service in a namespace where it was before."""
    granted = formerly.is_granted(cluster, repository.registration(service).namespace)
    left = formerly.former_releases(repository, cluster, service, granted=granted)
    found = [each.target.release for each in left if each.namespace == namespace]
    if not found:
        known = [each.namespace for each in left]
        raise unknown(f"namespace of {service} in {environment.name}", namespace, known)
    return found


@dataclass(frozen=True, slots=True)
class Unread:
    """An environment whose releases cannot be read, and why."""

    environment: Environment
    error: UserError

    def __str__(self) -> str:
        return f"{self.environment.name} is left as it is: {self.error.what}"


def read_all(
    repository: Repository, environments: Sequence[Environment], service: str,
    release: str | None = None, *, gone: bool = False,
) -> tuple[list[History], tuple[Unread, ...]]:  # fmt: skip
    """As `read`, of several environments; one that cannot be read does not keep the others.

    Raises:
        UnknownName: the release that is named is not there.
        UserError: no environment can be read; the first reason.
    """
    found: list[History] = []
    unread: list[Unread] = []
    for environment in environments:
        try:
            found += read(repository, environment, service, release, gone=gone)
        except UnknownName:
            raise
        except UserError as error:
            unread.append(Unread(environment, error))
    if unread and len(unread) == len(environments):
        raise unread[0].error
    return found, tuple(unread)


def names(
    repository: Repository, environment: Environment, service: str, cluster: Cluster
) -> list[str]:
    """The releases of a service that have a history, the canary first.

    A namespace is one service's, so all releases in it are. Where several entries share it, only
    those count that the service's helmfile declares.

    Raises:
        UserError: that helmfile cannot be evaluated.
    """
    namespace = repository.registration(service).namespace
    found = releases.names(cluster, namespace)
    if _is_shared(repository, service, namespace):
        declared = evaluate(repository, repository.service(service), environment)
        mine = {each.target.release for each in declared if each.namespace == namespace}
        found = tuple(name for name in found if name in mine)
    return sorted(found, key=lambda name: (name != CANARY, name))


def undeclared(
    repository: Repository, environment: Environment, service: str, cluster: Cluster,
    declared: Iterable[Release],
) -> tuple[Target, ...]:  # fmt: skip
    """The releases that are installed in the service's namespace and that its helmfile lacks.

    Where other services share the namespace, it cannot be told whose they are: then none.
    """
    namespace = repository.registration(service).namespace
    if _is_shared(repository, service, namespace):
        return ()
    known = {each.target.release for each in declared if each.namespace == namespace}
    found = releases.names_apart_from(cluster, namespace, known)
    return tuple(Target(service, environment.name, name) for name in found)


def _is_shared(repository: Repository, service: str, namespace: str) -> bool:
    for other in repository.registered_names:
        try:
            if other != service and repository.registration(other).namespace == namespace:
                return True
        except UserError:  # an entry that is not valid has no namespace yet
            continue
    return False


def _named(found: Sequence[History], release: str, environment: str) -> list[History]:
    names = [each.target.release for each in found]
    if release not in names:
        raise unknown(f"release in {environment}", release, names)
    return [each for each in found if each.target.release == release]
