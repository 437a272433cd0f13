"""The cluster step: what administrators grant to services, made so with plain helm.

Each registry entry is the values file of one chart, helmfile.d/cluster/chart; its release is called
like the service and lives in a namespace of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploycharts.changes.compare import compare
from deploycharts.changes.model import ChangeSet
from deploycharts.cluster import releases, tokens
from deploycharts.cluster.connection import Cluster
from deploycharts.documents import parse_manifest
from deploycharts.errors import UserError
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Registration, Repository
from deploycharts.target import Target
from deploycharts.tools import helm

NAMESPACE = "deploycharts"
_TOKEN_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Grant:
    """One service's entry against one cluster."""

    environment: Environment
    registration: Registration
    changes: ChangeSet
    is_new: bool


def compare_all(
    repository: Repository, environments: Sequence[Environment], names: Sequence[str]
) -> tuple[Grant, ...]:
    """What the cluster step would change, in each environment for each registry entry.

    Raises:
        UserError: an entry is not valid, or a cluster is another one or does not answer.
    """
    registrations = [repository.registration(name) for name in names]

    def one(environment: Environment) -> list[Grant]:
        cluster = _administrators(environment)
        try:
            cluster.require_environment(environment.name)
            return [_grant(repository, environment, cluster, each) for each in registrations]
        finally:
            cluster.close()

    with ThreadPoolExecutor(max_workers=max(1, len(environments))) as pool:
        return tuple(grant for grants in pool.map(one, environments) for grant in grants)


def carry_out(
    repository: Repository, grants: Sequence[Grant], *, said: Callable[[Grant, str], None]
) -> None:
    """Apply what differs, and see that local clusters have credentials to deploy with.

    Raises:
        CommandFailed: helm failed; grants before that one stand.
    """

    def one(environment: Environment) -> None:
        cluster = _administrators(environment)
        try:
            for grant in grants:
                if grant.environment is environment:
                    _apply(repository, grant, cluster, said)
        finally:
            cluster.close()

    environments = list(dict.fromkeys(grant.environment for grant in grants))
    with ThreadPoolExecutor(max_workers=max(1, len(environments))) as pool:
        list(pool.map(one, environments))


def _grant(
    repository: Repository, environment: Environment, cluster: Cluster, each: Registration
) -> Grant:
    answer = helm.template(
        ["template", each.service, str(_chart(repository)), "--values", str(each.path),
         "--namespace", NAMESPACE],
        folder=repository.root,
    )  # fmt: skip
    if answer.code != 0:
        raise UserError(
            "the registry entry is not valid", where=each.source, why=answer.err.strip()[-1000:]
        )
    target = Target(each.service, environment.name, "cluster")
    baseline = releases.baseline(releases.revisions(cluster, NAMESPACE, each.service))
    base = baseline.good.documents() if baseline.good else ()
    changes = compare(target, base, parse_manifest(answer.out, namespace=NAMESPACE))
    return Grant(environment, each, changes, is_new=baseline.good is None)


def _apply(
    repository: Repository, grant: Grant, cluster: Cluster, said: Callable[[Grant, str], None]
) -> None:
    if grant.is_new or not grant.changes.is_empty:
        helm.upgrade(
            grant.registration.service,
            _chart(repository),
            namespace=NAMESPACE,
            kubeconfig=cluster.kubeconfig,
            values=[grant.registration.path],
        )
        said(grant, "made" if grant.is_new else "changed")
    if grant.environment.sandbox:
        _see_to_credentials(grant, cluster, said)


def _see_to_credentials(grant: Grant, cluster: Cluster, said: Callable[[Grant, str], None]) -> None:
    service, namespace = grant.registration.service, grant.registration.namespace
    for account, name in (("deployer", service), ("reader", f"{service}-reader")):
        path = grant.environment.kubeconfig_of(name)
        if not _works(path, grant.environment.name, namespace):
            issued = tokens.issue(cluster, namespace, account, lifetime_s=_TOKEN_S)
            tokens.write(issued, path)
            said(grant, f"credentials of its {account} written")


def _works(kubeconfig: Path, name: str, namespace: str) -> bool:
    """Whether credentials are there and the cluster knows them."""
    if not kubeconfig.is_file():
        return False
    cluster = Cluster(kubeconfig, name=name)
    try:
        cluster.get(f"/api/v1/namespaces/{namespace}/pods", limit="1")
    except UserError:
        return False
    finally:
        cluster.close()
    return True


def _administrators(environment: Environment) -> Cluster:
    return Cluster(environment.admin_kubeconfig_path(), name=environment.name)


def _chart(repository: Repository) -> Path:
    return repository.root / "helmfile.d" / "cluster" / "chart"
