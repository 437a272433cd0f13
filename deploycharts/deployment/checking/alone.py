"""Checks without a deployment: of what runs now."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from deploycharts.changes.masking import Masker
from deploycharts.cluster import releases
from deploycharts.cluster.connection import Cluster
from deploycharts.deployment.checks import CheckResult, applying, run_checks
from deploycharts.deployment.control import Command, Control
from deploycharts.deployment.follow import follow_keys
from deploycharts.deployment.plan import Place
from deploycharts.deployment.progress import Listener
from deploycharts.documents import Document, Json
from deploycharts.registry.checkforms import HELM_TEST_S
from deploycharts.registry.checks import Check, HelmTest
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository, Service
from deploycharts.rendering.release import Release, evaluate, pick
from deploycharts.rendering.render import secrets_of
from deploycharts.target import Target

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Tested:
    """What the checks of one release found; the remark says why there are none."""

    target: Target
    results: tuple[CheckResult, ...]
    remark: str = ""
    is_there: bool = True

    def as_json(self) -> Json:
        """For programs."""
        return {
            "service": self.target.service,
            "environment": self.target.environment,
            "release": self.target.release,
            "remark": self.remark,
            "checks": [result.as_json() for result in self.results],
        }


def have_passed(tested: Sequence[Tested]) -> bool:
    """Whether something was asked, and all of it passed; what is unknown or not there did not."""
    results = [result for each in tested for result in each.results]
    is_complete = bool(results) and all(each.is_there for each in tested)
    return is_complete and all(result.is_passed for result in results)


def run(
    repository: Repository, environments: Sequence[Environment], services: Sequence[Service], *,
    release: str | None, listen: Listener,
) -> tuple[Tested, ...]:  # fmt: skip
    """Carry out the checks that services declare, and helm's tests where none is declared.

    Args:
        repository: where the services are declared.
        environments: where their releases are.
        services: whose checks.
        release: only this release of each service.
        listen: gets a line for each verdict.

    Raises:
        UserError: a service or a cluster cannot be read.
    """
    pairs = [
        (environment, service)
        for service in services
        for environment in environments
        if environment.is_production or not service.without_staging
    ]

    control = Control()

    def one(pair: tuple[Environment, Service]) -> list[Tested]:
        return _tested(repository, *pair, release, listen, control.sleep)

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        try:
            return tuple(each for found in pool.map(one, pairs) for each in found)
        except BaseException:
            control.say(Command.LEAVE)  # the others wait for nothing that anybody reads
            raise


def _tested(
    repository: Repository, environment: Environment, service: Service, name: str | None,
    listen: Listener, sleep: Callable[[float], None],
) -> list[Tested]:  # fmt: skip
    chosen = evaluate(repository, service, environment)
    if name is not None:
        chosen = pick(chosen, name)
    cluster = Cluster(environment.kubeconfig_of(service.name), name=environment.name)
    try:
        cluster.require_environment(environment.name)
        found = [(each, _objects(cluster, each)) for each in chosen if each.installed]
    finally:
        cluster.close()
    return [
        _release(service, _place(environment, cluster, each, objects), objects, listen, sleep)
        for each, objects in found
    ]


def _objects(cluster: Cluster, release: Release) -> tuple[Document, ...]:
    """The objects of what runs, hooks included; none if the release is not there."""
    history = releases.revisions(cluster, release.namespace, release.target.release)
    if not history or history[-1].status in releases.GONE:
        return ()
    return history[-1].documents()


def _place(
    environment: Environment, cluster: Cluster, release: Release, objects: tuple[Document, ...]
) -> Place:
    return Place(
        target=release.target,
        namespace=release.namespace,
        environment=environment,
        kubeconfig=cluster.kubeconfig,
        workloads=follow_keys(objects),
        mask=Masker(secrets_of(release), secrets.token_bytes(32)).knowing(objects),
    )


def _release(
    service: Service, place: Place, objects: tuple[Document, ...], listen: Listener,
    sleep: Callable[[float], None],
) -> Tested:  # fmt: skip
    if not objects:
        return Tested(place.target, (), "not deployed", is_there=False)
    checks = [*applying(service.checks, place)]
    if has_tests(objects) and not any(isinstance(each.probe, HelmTest) for each in checks):
        probe = HelmTest()
        checks.append(Check(probe, probe.title, service.source, within_s=HELM_TEST_S))
    if not checks:
        return Tested(place.target, (), "it has no checks")
    return Tested(
        place.target, run_checks(place, checks, listen=listen, sleep=sleep, keep_going=True)
    )


def has_tests(objects: Sequence[Document]) -> bool:
    """Whether `helm test` would do something."""
    for each in objects:
        metadata = each.body.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        hook = annotations.get("helm.sh/hook") if isinstance(annotations, dict) else ""
        if "test" in [word.strip() for word in str(hook).split(",")]:
            return True
    return False
