"""What runs where, and what is wrong with it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from deploycharts.changes.masking import Masker
from deploycharts.cluster import releases, workloads
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.releases import Revision
from deploycharts.deployment import drift, formerly, histories, journal, unfinished
from deploycharts.deployment.follow import follow_keys
from deploycharts.deployment.readiness import counts
from deploycharts.deployment.symptoms import diagnose
from deploycharts.documents import Document, Json
from deploycharts.errors import Refused, UnknownName, UserError
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository
from deploycharts.rendering.release import evaluate
from deploycharts.target import Target

_UNINSTALLED = "uninstalled"


@dataclass(frozen=True, slots=True)
class ReleaseStatus:
    """One release as it is now.

    Attributes:
        revision: helm's newest revision; 0 if the release is not there.
        status: helm's word for it.
        since: when, RFC 3339.
        images: what its workloads run.
        ready: ready pods of its newest template, of `wanted`.
        troubles: what is wrong with its pods now.
        remark: what its history says beyond that, such as who left it pending.
        wanted_here: whether the service's helmfile wants it installed.
        namespace: where it is, if its service is registered for another one now.
    """

    target: Target
    revision: int
    status: str
    since: str
    images: tuple[str, ...]
    ready: int
    wanted: int
    troubles: tuple[str, ...]
    deployment: str
    remark: str = ""
    wanted_here: bool = True
    namespace: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it rolled out and all of its pods are ready; or is gone, as the helmfile says."""
        if self.status == _UNINSTALLED and not self.wanted_here:
            return not self.troubles
        return self.status == "deployed" and self.ready >= self.wanted and not self.troubles

    def as_json(self) -> Json:
        """For programs."""
        return {
            "service": self.target.service, "environment": self.target.environment,
            "release": self.target.release, "revision": self.revision, "status": self.status,
            "since": self.since, "images": list(self.images), "ready": self.ready,
            "wanted": self.wanted, "troubles": list(self.troubles),
            "deployment": self.deployment, "remark": self.remark, "well": self.is_well,
            "formerNamespace": self.namespace,
        }  # fmt: skip


def read(
    repository: Repository, environments: Sequence[Environment], names: Sequence[str]
) -> tuple[ReleaseStatus | UserError, ...]:
    """The releases of services in environments; what cannot be read is there as its error."""

    def one(pair: tuple[Environment, str]) -> list[ReleaseStatus | UserError]:
        try:
            return [*_read(repository, *pair)]
        except Refused as error:
            return [*_former(repository, *pair, granted=False), error]
        except UserError as error:
            return [error]

    pairs = [(environment, name) for name in names for environment in environments]
    with ThreadPoolExecutor(max_workers=8) as pool:
        return tuple(each for found in pool.map(one, pairs) for each in found)


def _read(repository: Repository, environment: Environment, service: str) -> list[ReleaseStatus]:
    namespace = repository.registration(service).namespace
    cluster = Cluster(environment.kubeconfig_of(service), name=environment.name)
    try:
        cluster.require_environment(environment.name)
        with formerly.grants_explained(repository, cluster, service, namespace):
            chosen = histories.names(repository, environment, service, cluster)
        found = []
        for name in chosen:
            target = Target(service, environment.name, name)
            history = releases.revisions(cluster, namespace, name)
            found.append(_status(cluster, target, history[-1]))
        found += _former_releases(repository, cluster, service, granted=True)
    finally:
        cluster.close()
    if all(each.status != _UNINSTALLED for each in found):
        return found  # reading the helmfile takes longer than all else
    wanted = _wanted(repository, environment, service)
    return [replace(each, wanted_here=each.target.release in wanted) for each in found]


def _former(
    repository: Repository, environment: Environment, service: str, *, granted: bool
) -> list[ReleaseStatus]:
    cluster = Cluster(environment.kubeconfig_of(service), name=environment.name)
    try:
        return _former_releases(repository, cluster, service, granted=granted)
    except UserError:  # why nothing can be read there is said already
        return []
    finally:
        cluster.close()


def _former_releases(
    repository: Repository, cluster: Cluster, service: str, *, granted: bool
) -> list[ReleaseStatus]:
    """The releases that run on where the service was before."""
    found = []
    for each in formerly.former_releases(repository, cluster, service, granted=granted):
        history = releases.revisions(cluster, each.namespace, each.target.release)
        status = _status(cluster, each.target, history[-1])
        told = f"runs in the namespace {each.namespace}, where {service} was before; uninstall it: "
        remark = "; ".join(filter(None, [told + each.removal, status.remark]))
        found.append(replace(status, namespace=each.namespace, remark=remark))
    return found


def _wanted(repository: Repository, environment: Environment, service: str) -> set[str]:
    """The names of the releases that the service's helmfile installs."""
    try:
        declared = evaluate(repository, repository.service(service), environment)
    except UnknownName:  # no release at all is declared there
        return set()
    return {each.target.release for each in declared if each.installed}


def _status(cluster: Cluster, target: Target, newest: Revision) -> ReleaseStatus:
    documents = newest.documents()
    keys = follow_keys(documents)
    snapshot = workloads.snapshot(cluster, newest.namespace, keys)
    masker = Masker((), secrets.token_bytes(32)).knowing(documents)
    mask = masker.text
    lost = drift.lost(cluster, documents, mask=masker) if newest.status == "deployed" else ()
    problems = diagnose(target, snapshot, keys, every=True)
    numbers = [counts(key, snapshot) for key in snapshot.workloads
               if key.kind not in {"Job", "CronJob"}]  # fmt: skip
    deployment = newest.labels.get("deployment", "")
    return ReleaseStatus(
        target=target,
        revision=newest.number,
        status=newest.status,
        since=newest.deployed_at,
        images=tuple(dict.fromkeys(i for document in documents for i in _images(document))),
        ready=sum(each.ready + each.kept_ready for each in numbers),
        wanted=sum(each.wanted + each.kept for each in numbers),
        troubles=(*(mask(str(problem)) for problem in problems), *map(str, lost)),
        deployment=deployment,
        remark=_remark(target, newest, deployment),
    )


def _remark(target: Target, newest: Revision, deployment: str) -> str:
    left = unfinished.remark(target, newest, journal.default_folder())
    if left:
        return left
    if newest.status not in releases.PENDING:
        return ""
    return journal.who_left(journal.default_folder(), target, deployment, newest.description)


def _images(document: Document) -> list[str]:
    """The images of a workload's containers; hooks and tests are not what runs."""
    spec = document.body.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    pod = template.get("spec") if isinstance(template, dict) else None
    containers = pod.get("containers") if isinstance(pod, dict) else None
    if not isinstance(containers, list):
        return []
    return [str(container["image"]) for container in containers
            if isinstance(container, dict) and "image" in container]  # fmt: skip
