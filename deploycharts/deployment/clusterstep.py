"""The cluster step: what administrators grant to services, made so with plain helm.

Each registry entry is the values file of one chart, helmfile.d/cluster/chart; its release is called
like the service and lives in a namespace of ours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from deploycharts.changes.compare import compare
from deploycharts.changes.lifecycle import is_kept
from deploycharts.changes.model import Change, Op, show_path
from deploycharts.cluster import releases, tokens
from deploycharts.cluster.connection import Cluster
from deploycharts.deployment import formerly
from deploycharts.deployment.plan import Difference
from deploycharts.documents import parse_manifest
from deploycharts.errors import StalePlan, UserError
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Registration, Repository
from deploycharts.target import Target
from deploycharts.tools import helm, plainwords

NAMESPACE = "deploycharts"
# Of these a removed line takes something away as well: a rule, a subject, a limit.
_GRANTING = frozenset({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ResourceQuota"})
_TOKEN_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Grant:
    """One service's entry against one cluster.

    Attributes:
        difference: from what the entry's release has there to what the entry asks for.
        revision: of that release, 0 where there is none.
        former: namespaces of before, where releases of the service still run: it keeps its rights
            there until they are removed.
    """

    environment: Environment
    registration: Registration
    difference: Difference
    revision: int
    former: tuple[str, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether the cluster grants the service nothing yet."""
        return self.revision == 0

    @property
    def is_acting(self) -> bool:
        """Whether something changes."""
        return self.is_new or not self.difference.changes.is_empty

    def taken_away(self) -> tuple[str, ...]:
        """What the service has now and loses: objects, and lines of roles, bindings and quotas."""
        return tuple(
            f"{change.object}{f' {show_path(change.path)}' if change.path else ''}"
            for change in self.difference.changes.changes
            if change.op is Op.REMOVE
            and (change.object.kind in _GRANTING if change.path else not self._stays(change))
            and not self._moved(change)
            and change.object.name != formerly.CONFIG_MAP
        )

    def _moved(self, change: Change) -> bool:
        """Whether an object of a namespace of before is there in the service's namespace now."""
        namespace, key = self.registration.namespace, change.object
        return key.namespace != namespace and any(
            each.key == replace(key, namespace=namespace) for each in self.difference.head
        )

    def _stays(self, change: Change) -> bool:
        """Whether helm keeps an object that is removed from a release."""
        return any(each.key == change.object and is_kept(each) for each in self.difference.base)


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """What the cluster step would do, everywhere it was asked for.

    Attributes:
        id: the same for the same changes of the same revisions; what `--yes=ID` names.
    """

    id: str
    grants: tuple[Grant, ...]

    @property
    def acting(self) -> tuple[Grant, ...]:
        """Those that change something."""
        return tuple(grant for grant in self.grants if grant.is_acting)

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Those that are changed, each once."""
        return tuple(dict.fromkeys(grant.environment for grant in self.acting))

    def taken_away(self) -> dict[str, list[str]]:
        """What each service loses, with the environment; only services that lose something."""
        lost: dict[str, list[str]] = {}
        for grant in self.acting:
            for each in grant.taken_away():
                line = f"{grant.environment.name}: {each}"
                lost.setdefault(grant.registration.service, []).append(line)
        return lost


def compare_all(
    repository: Repository, environments: Sequence[Environment], names: Sequence[str]
) -> ClusterPlan:
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
        found = tuple(grant for grants in pool.map(one, environments) for grant in grants)
    return ClusterPlan(_id(found), found)


def carry_out(
    repository: Repository, plan: ClusterPlan, *, said: Callable[[Grant, str], None]
) -> None:
    """Apply what differs, and see that local clusters have credentials to deploy with.

    Raises:
        StalePlan: an entry was applied by somebody else since the plan was made.
        CommandFailed: helm failed; grants before that one stand.
    """

    def one(environment: Environment) -> None:
        cluster = _administrators(environment)
        try:
            for grant in plan.grants:
                if grant.environment is environment:
                    _apply(repository, grant, cluster, said)
        finally:
            cluster.close()

    environments = list(dict.fromkeys(grant.environment for grant in plan.grants))
    with ThreadPoolExecutor(max_workers=max(1, len(environments))) as pool:
        list(pool.map(one, environments))


def _grant(
    repository: Repository, environment: Environment, cluster: Cluster, each: Registration
) -> Grant:
    former = formerly.namespaces_granted(cluster, each)
    answer = helm.template(
        ["template", each.service, str(_chart(repository)), "--values", str(each.path),
         "--namespace", NAMESPACE, *(word for s in _sets(former) for word in ("--set-json", s))],
        folder=repository.root,
    )  # fmt: skip
    if answer.code != 0:
        raise UserError(
            "the registry entry is not valid",
            where=each.source,
            why=plainwords.plain(answer.err)[-1000:],
        )
    target = Target(each.service, environment.name, "cluster")
    baseline = releases.baseline(releases.revisions(cluster, NAMESPACE, each.service))
    base = baseline.good.documents() if baseline.good else ()
    head = parse_manifest(answer.out, namespace=NAMESPACE)
    difference = Difference(compare(target, base, head), base, head)
    return Grant(environment, each, difference, baseline.number, former)


def _sets(former: Sequence[str]) -> tuple[str, ...]:
    return (f"formerNamespaces={json.dumps([*former])}",) if former else ()


def _id(grants: Sequence[Grant]) -> str:
    facts = [
        f"{grant.environment.name} {grant.registration.service} {grant.revision} "
        f"{grant.difference.changes.changes!r}"
        for grant in grants
        if grant.is_acting
    ]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:10]


def _apply(
    repository: Repository, grant: Grant, cluster: Cluster, said: Callable[[Grant, str], None]
) -> None:
    if grant.is_acting:
        service, environment = grant.registration.service, grant.environment.name
        newest, _ = releases.newest_number(cluster, NAMESPACE, service)
        if newest != grant.revision:
            raise StalePlan(
                f"{environment} {service}: the cluster step was carried out by somebody else",
                why=f"its release is at revision {newest}, the plan was made for {grant.revision}",
                next_step=f"deploy cluster {environment} {service} --diff",
            )
        helm.upgrade(
            grant.registration.service,
            _chart(repository),
            namespace=NAMESPACE,
            kubeconfig=cluster.kubeconfig,
            values=[grant.registration.path],
            sets=_sets(grant.former),
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
