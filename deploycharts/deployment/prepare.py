"""Making a plan: everything is decided before anything is done."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from deploycharts.changes.masking import Masker
from deploycharts.changes.model import ChangeSet
from deploycharts.changes.situation import Quota
from deploycharts.cluster import releases, workloads
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.releases import PENDING, UNINSTALLING, Baseline
from deploycharts.deployment import (
    acceptance,
    drift,
    evidence,
    formerly,
    histories,
    journal,
    leftovers,
    namespaces,
    switches,
    takeover,
    unfinished,
    upcoming,
)
from deploycharts.deployment.aiming import require_same_place
from deploycharts.deployment.artifact import artifact_id
from deploycharts.deployment.checks import applying
from deploycharts.deployment.entrance import CANARY, Entrance
from deploycharts.deployment.follow import follow_keys
from deploycharts.deployment.formerly import FormerRelease
from deploycharts.deployment.plan import Action, Difference, Place, Plan, Step, Wish
from deploycharts.deployment.symptoms import NOT_READY, diagnose
from deploycharts.deployment.upcoming import Upcoming
from deploycharts.documents import Document
from deploycharts.errors import Refused, UnknownName, UserError
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository, Service
from deploycharts.rendering.release import Release, evaluate, pick
from deploycharts.rendering.render import Rendered, render, secrets_of
from deploycharts.target import Target
from deploycharts.tools import git


def prepare(
    repository: Repository,
    environments: Sequence[Environment],
    services: Sequence[Service],
    *,
    wish: Wish | None = None,
    looking: bool = False,
) -> Plan:
    """Evaluate, render, read the clusters and compare; changes nothing.

    Args:
        repository: where the services are declared.
        environments: in roll-out order.
        services: what to deploy.
        wish: what else was asked for.
        looking: ask no gates, and plan even over a release that helm has left in the middle.

    Raises:
        UserError: whatever stands in the way, with its place and the next step.
    """
    wish = wish or Wish()
    left = [environment for environment in environments if environment.name not in wish.skip]
    pairs = [
        (environment, service)
        for environment in left
        for service in services
        if environment.is_production or not service.without_staging
    ]
    desk = _Desk(repository, wish, secrets.token_bytes(32), looking)
    with ThreadPoolExecutor(max_workers=max(1, min(8, len(pairs)))) as pool:
        tree = pool.submit(git.tree, repository.root)
        made = tuple(pool.map(desk.look_at, pairs))
    steps = tuple(step for each in made for step in each.steps)
    undeclared = tuple(target for each in made for target in each.undeclared)
    if not looking:
        steps = Entrance(repository, wish).gated(steps)
    skipped = tuple(environment for environment in environments if environment.name in wish.skip)
    author = journal.whoami()
    former = tuple(left for each in made for left in each.former)
    return Plan(_plan_id(steps), steps, tree.result(), author, wish, skipped, undeclared, former)


@dataclass(frozen=True, slots=True)
class _Found:
    """One service in one environment."""

    steps: tuple[Step, ...]
    undeclared: tuple[Target, ...]
    former: tuple[FormerRelease, ...]


@dataclass(frozen=True, slots=True)
class _Desk:
    """Makes the steps of one service in one environment."""

    repository: Repository
    wish: Wish
    key: bytes
    looking: bool

    def look_at(self, pair: tuple[Environment, Service]) -> _Found:
        namespace = self.repository.registration(pair[1].name).namespace
        with namespaces.credentials_explained(namespace, pair[0].name):
            return self._found(*pair)

    def _found(self, environment: Environment, service: Service) -> _Found:
        cluster = Cluster(environment.kubeconfig_of(service.name), name=environment.name)
        try:
            with ThreadPoolExecutor(max_workers=1) as pool:
                checked = pool.submit(cluster.require_environment, environment.name)
                chosen = declared = self._declared(environment, service, cluster)
                if self.wish.release is not None:
                    chosen = pick(chosen, self.wish.release)
                for release in chosen:
                    require_same_place(self.repository, environment, release)
                rendered = render(chosen)
                checked.result()
            steps = [self._step(environment, service, cluster, each) for each in rendered]
            undeclared = histories.undeclared(
                self.repository, environment, service.name, cluster, declared
            )
            left = formerly.former_releases(self.repository, cluster, service.name)
        finally:
            cluster.close()
        return _Found(tuple(_main_first(steps)), undeclared, left)

    def _declared(
        self, environment: Environment, service: Service, cluster: Cluster
    ) -> tuple[Release, ...]:
        try:
            return evaluate(self.repository, service, environment)
        except UnknownName as error:
            left = histories.undeclared(self.repository, environment, service.name, cluster, ())
            if left:
                error.why = f"still installed there: {', '.join(each.release for each in left)}"
                error.next_step = f"deploy remove {environment.name} {service.name}"
            raise

    def _step(
        self, environment: Environment, service: Service, cluster: Cluster, rendered: Rendered
    ) -> Step:
        target, namespace = rendered.release.target, rendered.release.namespace
        with formerly.grants_explained(self.repository, cluster, target.service, namespace):
            history = releases.revisions(cluster, namespace, target.release)
        baseline = releases.baseline(history)
        if not self.looking:
            _refuse_pending(target, baseline)
            if baseline.newest is not None:
                folder = journal.default_folder()
                unfinished.require_over(target, baseline.newest, environment, folder)
        if not self.looking:
            switches.require_possible(self.repository, rendered.release, baseline)
        seen = upcoming.look_ahead(rendered, baseline, cluster.kubeconfig)
        rendered = seen.rendered
        there = leftovers.applied(cluster, history)
        mask = Masker(secrets_of(rendered.release), self.key)
        drifts = drift.find(cluster, there.documents, mask=mask)
        base = drift.without_lost(there.documents, drifts)
        step = _step(environment, cluster.kubeconfig, seen, baseline, mask, base)
        labels = baseline.good.labels if baseline.good else {}
        step = replace(
            step,
            drifts=drifts,
            left=there.left_by(rendered.documents),
            artifact=artifact_id(rendered),
            deployed_commit=labels.get("commit", ""),
            current=baseline.newest.description if baseline.newest else "",
            checks=applying(service.checks, step.place),
            on_failure=service.policy.on_failure,
        )
        step = takeover.considered(step, baseline, take_over=self.wish.take_over)
        step = _with_situation(step, cluster)
        if step.action in {Action.INSTALL, Action.UPGRADE}:
            step = replace(step, refusals=acceptance.refused(cluster, step, rendered, baseline))
        if not self.looking:
            namespaces.refuse_ending(cluster, step)
        return step


def _with_situation(step: Step, cluster: Cluster) -> Step:
    """The step with what runs now; it is only asked for where something changes."""
    if step.action is Action.NOTHING:
        return step
    namespace = step.place.namespace
    quotas = [quota.get("status") or {} for quota in workloads.quotas(cluster, namespace)]
    now = workloads.snapshot(cluster, namespace, step.place.workloads)
    problems = diagnose(step.target, now, step.place.workloads, every=True)
    difference = replace(
        step.difference,
        running=workloads.pods_in(now.workloads),
        quota=Quota(quotas[0].get("hard") or {}, quotas[0].get("used") or {}) if quotas else None,
    )
    mask = step.place.mask.text
    masked = tuple(evidence.masked(each, mask) for each in problems if each.reason != NOT_READY)
    return replace(step, difference=difference, problems=masked)


def _step(
    environment: Environment, kubeconfig: Path, seen: Upcoming, baseline: Baseline,
    masker: Masker, base: Sequence[Document],
) -> Step:  # fmt: skip
    rendered, release = seen.rendered, seen.rendered.release
    masker = masker.knowing(base, rendered.documents, seen.again, seen.standing)
    masked_base, masked_head = masker.documents(base), masker.documents(rendered.documents)
    changes = seen.changes(base, masker)
    action, remark = _action(release, baseline, changes)
    own = switches.remark(release) if action is Action.UPGRADE else ""
    remark = "; ".join(filter(None, (remark, seen.remark(), own)))
    return Step(
        place=Place(
            target=release.target,
            namespace=release.namespace,
            environment=environment,
            kubeconfig=kubeconfig,
            workloads=follow_keys(rendered.documents),
            mask=masker,
        ),
        action=action,
        release=release,
        expected_revision=baseline.number,
        return_to=baseline.good.number if baseline.good else None,
        difference=Difference(changes, masked_base, masked_head),
        remark=remark,
    )


def _action(release: Release, baseline: Baseline, changes: ChangeSet) -> tuple[Action, str]:
    if not release.installed:
        return (Action.UNINSTALL if baseline.good else Action.NOTHING), "not installed here"
    if baseline.good is None:
        return Action.INSTALL, ""
    if baseline.good.status == UNINSTALLING:
        told = (
            f"the uninstall of revision {baseline.number} did not finish; it is brought back first"
        )
        return Action.UPGRADE, told
    if baseline.newest is not baseline.good:
        assert baseline.newest is not None
        return Action.UPGRADE, f"revision {baseline.newest.number} is {baseline.newest.status}"
    if changes.is_empty:
        return Action.NOTHING, f"revision {baseline.number} is already this"
    return Action.UPGRADE, ""


def _refuse_pending(target: Target, baseline: Baseline) -> None:
    newest = baseline.newest
    if newest is None or newest.status not in PENDING:
        return
    folder, deployment = journal.default_folder(), newest.labels.get("deployment", "")
    story = journal.read(folder, deployment) if deployment else None
    back = f"deploy rollback {target.environment} {target.service}"
    raise Refused(
        f"{target}: revision {newest.number} is {newest.status}",
        why=journal.who_left(folder, target, deployment, newest.description),
        next_step="wait for it" if story is not None and story.is_running() else back,
    )


def _main_first(steps: list[Step]) -> list[Step]:
    """On a first install the canary cannot go first: it shares what main brings."""
    if not all(step.action is Action.INSTALL for step in steps):
        return steps
    return sorted(steps, key=lambda step: step.target.release == CANARY)


def _plan_id(steps: Sequence[Step]) -> str:
    facts = [
        f"{step.target} {step.action.value} {step.release.fingerprint} {step.expected_revision}"
        for step in steps
    ]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:10]


def require_something(plan: Plan) -> None:
    """Make sure that the plan has a step at all.

    Raises:
        UserError: no service has a release in the chosen environments.
    """
    if not plan.steps:
        raise UserError("there is nothing to deploy: no releases in the chosen environments")
