"""Releases of a service that still run in a namespace where it was registered before.

Helm knows a release by its namespace: one that moves is installed there, and the old one runs on.
The cluster step leaves the service its rights there as long as it does, and names these namespaces
in a ConfigMap of the new one, which the service's own credentials can read. Before that step only
git tells where the service was, and the credentials are still those of the old namespace.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deploycharts.cluster import releases
from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.errors import Refused
from deploycharts.registry.repository import Registration, Repository
from deploycharts.target import Target
from deploycharts.tools import gitpast

CONFIG_MAP = "deploycharts-former-namespaces"
_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class FormerRelease:
    """A release that runs where its service was before."""

    target: Target
    namespace: str

    @property
    def removal(self) -> str:
        """The command that uninstalls it."""
        target = self.target
        return f"deploy remove {target.environment} {target.service} --namespace {self.namespace}"

    def __str__(self) -> str:
        return (
            f"{self.target}: still runs in the namespace {self.namespace}, "
            f"where {self.target.service} was before"
        )


def former_releases(
    repository: Repository, cluster: Cluster, service: str, *, granted: bool = True
) -> tuple[FormerRelease, ...]:
    """The releases of a service in namespaces of before that its credentials can read.

    Args:
        repository: where the service is registered.
        cluster: where to look.
        service: the service.
        granted: whether its credentials reach the namespace where it is registered.
    """
    registration = repository.registration(service)
    names = _from_cluster(cluster, registration) if granted else _from_git(repository, registration)
    return tuple(
        FormerRelease(Target(service, cluster.name, name), namespace)
        for namespace in names
        if namespace != registration.namespace
        for name in _installed(cluster, namespace)
    )


@contextmanager
def grants_explained(
    repository: Repository, cluster: Cluster, service: str, namespace: str
) -> Iterator[None]:
    """Say of a namespace that a service's credentials do not reach what is missing for it.

    Raises:
        Refused: the administrators' step; what runs where the service was before is named.
    """
    try:
        yield
    except ApiError as error:
        if error.status != _FORBIDDEN:
            raise
        _refuse(repository, cluster, service, namespace)
        raise


def _refuse(repository: Repository, cluster: Cluster, service: str, namespace: str) -> None:
    registration = repository.registration(service)
    if namespace != registration.namespace:
        raise Refused(
            f"{cluster.name} {service}: its helmfile wants the namespace {namespace}, it is "
            f"registered for {registration.namespace}",
            where=registration.source,
            why=f"its credentials do not reach {namespace}",
            next_step=f"register it there; then, as an administrator: deploy cluster "
            f"{cluster.name} {service}",
        )
    found = former_releases(repository, cluster, service, granted=False)
    raise Refused(
        f"{cluster.name} {service}: its credentials do not reach the namespace "
        f"{registration.namespace}",
        where=registration.source,
        why="\n".join(
            [*map(str, found), "the administrators' step has not granted that namespace to it yet"]
        ),
        next_step=f"as an administrator: deploy cluster {cluster.name} {service}",
    )


def is_granted(cluster: Cluster, namespace: str) -> bool:
    """Whether the credentials may read a namespace's releases; true where that is not refused."""
    try:
        cluster.get(
            f"/api/v1/namespaces/{namespace}/secrets", limit="1", labelSelector="owner=helm"
        )
    except ApiError as error:
        return error.status != _FORBIDDEN
    return True


def _from_cluster(cluster: Cluster, registration: Registration) -> tuple[str, ...]:
    path = f"/api/v1/namespaces/{registration.namespace}/configmaps/{CONFIG_MAP}"
    body = cluster.find(path) or {}
    return tuple(str((body.get("data") or {}).get("namespaces", "")).split())


def _from_git(repository: Repository, registration: Registration) -> tuple[str, ...]:
    others = {
        repository.registration(name).namespace
        for name in repository.registered_names
        if name != registration.service
    }
    found = gitpast.values_before(repository.root, registration.path, "namespace")
    return tuple(namespace for namespace in found if namespace not in others)


def _installed(cluster: Cluster, namespace: str) -> Iterator[str]:
    try:
        yield from releases.names_apart_from(cluster, namespace, ())
    except ApiError as error:
        if error.status != _FORBIDDEN:
            raise


def namespaces_granted(cluster: Cluster, registration: Registration) -> tuple[str, ...]:
    """The namespaces of before where a service's releases still run, as administrators see it.

    The cluster step labels each namespace with its service, and keeps it when the service moves.
    """
    label = f"app.kubernetes.io/managed-by=Helm,app.kubernetes.io/part-of={registration.service}"
    names = [
        str(body["metadata"]["name"])
        for body in cluster.items("/api/v1/namespaces", labelSelector=label)
        if not body["metadata"].get("deletionTimestamp")
    ]
    return tuple(
        name
        for name in sorted(names)
        if name != registration.namespace and any(_installed(cluster, name))
    )
