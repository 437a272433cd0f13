"""Everything that a deployment would do, decided before anything is done."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from deploycharts.changes.compare import compare
from deploycharts.changes.masking import Masker
from deploycharts.changes.model import ChangeSet
from deploycharts.changes.situation import Quota
from deploycharts.cluster import releases, workloads
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.releases import PENDING, Baseline
from deploycharts.cluster.workloads import PATHS
from deploycharts.deployment import journal
from deploycharts.documents import Document, Json, ObjectKey
from deploycharts.errors import Refused, UserError
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository, Service
from deploycharts.rendering.release import Release, evaluate, pick
from deploycharts.rendering.render import Rendered, render, secrets_of
from deploycharts.target import Target
from deploycharts.tools import git
from deploycharts.tools.git import Tree

_ROLLOUT_HOOKS = frozenset(
    {"pre-install", "post-install", "pre-upgrade", "post-upgrade", "pre-rollback", "post-rollback"}
)


class Action(Enum):
    """What a step does to its release."""

    INSTALL = "install"
    UPGRADE = "upgrade"
    UNINSTALL = "uninstall"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step acts, and what to follow there.

    Attributes:
        workloads: the objects whose pods are followed.
        mask: knows the release's secrets.
    """

    target: Target
    namespace: str
    environment: Environment
    kubeconfig: Path
    workloads: tuple[ObjectKey, ...]
    mask: Masker = field(repr=False)


@dataclass(frozen=True, slots=True)
class Difference:
    """From the objects of one revision to those of another, secrets masked.

    Attributes:
        running: pods that the workloads have now.
        quota: the namespace's limits, None where there are none.
    """

    changes: ChangeSet
    base: tuple[Document, ...] = field(repr=False)
    head: tuple[Document, ...] = field(repr=False)
    running: Mapping[ObjectKey, int] = field(default_factory=dict)
    quota: Quota | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One release's part of a plan.

    Attributes:
        expected_revision: helm's newest revision now; the act expects to make the next one.
        return_to: the revision to go back to; None means uninstalling.
        difference: from the last good revision.
    """

    place: Place
    action: Action
    release: Release
    expected_revision: int
    return_to: int | None
    difference: Difference
    remark: str = ""

    @property
    def target(self) -> Target:
        """What is deployed where."""
        return self.place.target


@dataclass(frozen=True, slots=True)
class Plan:
    """The frozen steps of a deployment, in the order in which they are carried out.

    Attributes:
        id: the same for the same steps on the same revisions; what `--yes=ID` names.
    """

    id: str
    steps: tuple[Step, ...]
    tree: Tree
    author: str

    @property
    def acting(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.action is not Action.NOTHING)

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Those that are changed, in order, each once."""
        return tuple(dict.fromkeys(step.place.environment for step in self.acting))

    def as_json(self) -> Json:
        """The plan for a journal."""
        return {
            "plan": self.id,
            "commit": self.tree.commit,
            "dirty": self.tree.dirty,
            "steps": [
                {
                    "target": str(step.target),
                    "action": step.action.value,
                    "fingerprint": step.release.fingerprint,
                    "expected_revision": step.expected_revision,
                    "return_to": step.return_to,
                }
                for step in self.steps
            ],
        }


def prepare(
    repository: Repository,
    environments: Sequence[Environment],
    services: Sequence[Service],
    *,
    release: str | None = None,
    accept_pending: bool = False,
) -> Plan:
    """Evaluate, render, read the clusters and compare; changes nothing.

    Args:
        repository: where the services are declared.
        environments: in roll-out order.
        services: what to deploy.
        release: only this release of each service.
        accept_pending: plan even over a release that helm has left in the middle; for looking.

    Raises:
        UserError: whatever stands in the way, with its place and the next step.
    """
    pairs = [
        (environment, service)
        for environment in environments
        for service in services
        if environment.is_production or not service.without_staging
    ]
    key = secrets.token_bytes(32)

    def one(pair: tuple[Environment, Service]) -> tuple[Step, ...]:
        environment, service = pair
        return _steps(repository, environment, service, release, key, accept_pending)

    with ThreadPoolExecutor(max_workers=max(1, min(8, len(pairs)))) as pool:
        tree = pool.submit(git.tree, repository.root)
        steps = tuple(step for steps in pool.map(one, pairs) for step in steps)
    return Plan(_plan_id(steps), steps, tree.result(), journal.whoami())


def follow_keys(documents: Sequence[Document]) -> tuple[ObjectKey, ...]:
    """The objects whose pods take part in a roll-out: workloads and hooks, not tests."""
    return tuple(
        document.key
        for document in documents
        if (document.key.kind in PATHS and document.key.kind != "CronJob" and not _hooks(document))
        or (document.key.kind in {"Job", "Pod"} and _hooks(document) & _ROLLOUT_HOOKS)
    )


def _steps(
    repository: Repository, environment: Environment, service: Service, release: str | None,
    key: bytes, accept_pending: bool,
) -> tuple[Step, ...]:  # fmt: skip
    cluster = Cluster(environment.kubeconfig_of(service.name), name=environment.name)
    try:
        with ThreadPoolExecutor(max_workers=1) as pool:
            checked = pool.submit(cluster.require_environment, environment.name)
            chosen = evaluate(repository, service, environment)
            if release is not None:
                chosen = pick(chosen, release)
            rendered = render(chosen)
            checked.result()
        steps = []
        for each in rendered:
            target = each.release.target
            history = releases.revisions(cluster, each.release.namespace, target.release)
            baseline = releases.baseline(history)
            if not accept_pending:
                _refuse_pending(target, baseline)
            step = _step(environment, cluster.kubeconfig, each, baseline, key)
            steps.append(_with_situation(step, cluster))
    finally:
        cluster.close()
    return tuple(_main_first(steps))


def _with_situation(step: Step, cluster: Cluster) -> Step:
    """The step with what runs now; it is only asked for where something changes."""
    if step.action is Action.NOTHING:
        return step
    namespace = step.place.namespace
    quotas = [quota.get("status") or {} for quota in workloads.quotas(cluster, namespace)]
    running = workloads.running_pods(cluster, namespace, step.place.workloads)
    difference = replace(
        step.difference,
        running=running,
        quota=Quota(quotas[0].get("hard") or {}, quotas[0].get("used") or {}) if quotas else None,
    )
    return replace(step, difference=difference)


def _step(
    environment: Environment, kubeconfig: Path, rendered: Rendered, baseline: Baseline, key: bytes
) -> Step:
    release = rendered.release
    base = baseline.good.documents() if baseline.good else ()
    masker = Masker(secrets_of(release), key).knowing(base, rendered.documents)
    masked_base, masked_head = masker.documents(base), masker.documents(rendered.documents)
    changes = compare(release.target, masked_base, masked_head)
    action, remark = _action(release, baseline, changes)
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
    raise Refused(
        f"{target}: revision {newest.number} is {newest.status}",
        why=journal.who_left(
            journal.default_folder(), newest.labels.get("deployment", ""), newest.description
        ),
        next_step=f"deploy rollback {target.environment} {target.service}",
    )


def _main_first(steps: list[Step]) -> list[Step]:
    """On a first install the canary cannot go first: it shares what main brings."""
    if len(steps) > 1 and all(step.action is Action.INSTALL for step in steps):
        return [*reversed(steps)]
    return steps


def _hooks(document: Document) -> frozenset[str]:
    metadata = document.body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    hook = annotations.get("helm.sh/hook") if isinstance(annotations, dict) else None
    return frozenset(word.strip() for word in str(hook or "").split(",") if word.strip())


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
