"""Which gates stand before which steps of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property

from deploycharts.cluster import releases
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.releases import Revision
from deploycharts.deployment import gates, holds
from deploycharts.deployment.gates import Gate
from deploycharts.deployment.objections import Refusal, RefusalKind
from deploycharts.deployment.plan import Action, Plan, Step, Wish
from deploycharts.errors import Refused, StalePlan, UserError
from deploycharts.registry.environments import Environment
from deploycharts.registry.policy import Gates
from deploycharts.registry.repository import Repository
from deploycharts.target import Target
from deploycharts.tools import git
from deploycharts.tools.git import Standing

CANARY = "canary"


class Entrance:
    """Puts gates before steps; asks git, staging and holds where a gate needs them."""

    def __init__(self, repository: Repository, wish: Wish) -> None:
        self._repository = repository
        self._wish = wish

    @cached_property
    def _standing(self) -> Standing:
        return git.standing(self._repository.root)

    @cached_property
    def _staging(self) -> Environment | None:
        found = [each for each in self._repository.environments if not each.is_production]
        return found[0] if found else None

    def gated(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """The steps with their gates."""
        groups: dict[tuple[str, str], list[Step]] = {}
        for step in steps:
            groups.setdefault((step.target.service, step.target.environment), []).append(step)
        asked = {
            service: [step for step in steps if step.target.service == service]
            for (service, _), group in groups.items()
            if self._asks_staging(group)
        }
        with ThreadPoolExecutor(max_workers=min(8, 1 + len(asked))) as pool:
            held = pool.submit(holds.gates_before, steps, emergency=bool(self._wish.emergency))
            answers = dict(zip(asked, pool.map(self._staged, asked.values()), strict=True))
        found = {
            step.target: replace(step, gates=(*held.result().get(step.target, ()), *step.gates))
            for (service, _), group in groups.items()
            for step in self._group(group, answers.get(service))
        }
        return tuple(found[step.target] for step in steps)

    def _wanted(self, step: Step) -> Gates:
        environment = step.place.environment
        service = self._repository.service(step.target.service)
        wanted = service.policy.gates_in(environment.name, environment.gates)
        if environment.name in self._wish.pause_before:
            wanted = replace(wanted, pause=True)
        if service.without_staging:
            wanted = replace(wanted, staging=False)
        return wanted

    def _asks_staging(self, group: Sequence[Step]) -> bool:
        acting = [step for step in group if step.action in {Action.INSTALL, Action.UPGRADE}]
        staging = self._staging
        return (
            staging is not None
            and bool(acting)
            and acting[0].place.environment.is_production
            and bool(self._wanted(acting[0]).staging)
        )

    def _group(self, group: Sequence[Step], staged: Gate | None) -> Iterator[Step]:
        """The steps of one service in one environment."""
        is_first = True
        canary: Target | None = None
        for step in group:
            if step.action is Action.NOTHING:
                yield step
                continue
            wanted, emergency = self._wanted(step), bool(self._wish.emergency)
            found: tuple[Gate, ...] = ()
            if is_first:
                standing = self._standing if wanted.merged else Standing("")
                asked = staged if self._asks_staging(group) else None
                found = gates.at_entry(wanted, standing, asked, emergency=emergency)
                is_first = False
            elif canary is not None:
                found = gates.bake(wanted, canary, emergency=emergency)
            canary = step.target if step.target.release == CANARY else None
            yield replace(step, gates=found)

    def _staged(self, steps: Sequence[Step]) -> Gate:
        """What staging says of the artifacts that a service's steps bring to production."""
        staging = self._staging
        assert staging is not None
        service = steps[0].target.service
        artifacts = {
            (step.target.release, step.artifact)
            for step in steps
            if step.place.environment.is_production
            and step.action in {Action.INSTALL, Action.UPGRADE}
        }
        cluster = Cluster(staging.kubeconfig_of(service), name=staging.name)
        try:
            namespace = steps[0].place.namespace
            histories: dict[str, tuple[Revision, ...]] = {
                name: releases.revisions(cluster, namespace, name) for name, _ in artifacts
            }
        except UserError as error:
            return gates.unread(staging.name, error.what)
        finally:
            cluster.close()
        return gates.staging_ran(service, sorted(artifacts), histories, staging.name)


def require_open(plan: Plan) -> None:
    """Make sure that no gate forbids a plan, and that the clusters would take what it brings.

    Raises:
        Refused: one does; the first is named, with what to do.
    """
    for step in plan.steps:
        service, environment = step.target.service, step.target.environment
        for gate in gates.refused(step.gates):
            raise Refused(
                f"{environment} {service}: {gate.sentence}",
                why=f"the gate {gate.kind.value} stands before {environment}",
                next_step=f"{gate.next_step}; or, if it cannot wait: "
                f"deploy {environment} {service} --emergency WHY",
            )
        _require_accepted(step, take_over=plan.wish.take_over)


def _require_accepted(step: Step, *, take_over: bool) -> None:
    """Make sure that the cluster takes all that the step brings, as far as it can be asked."""
    target = step.target
    again = f"{target.environment} {target.service}"
    for each in step.refusals:
        if each.kind is RefusalKind.CONFLICT and not take_over:
            raise Refused(
                f"{target}: {each}",
                why="the API server would refuse to overwrite it",
                next_step=f"put the edit into git, or overwrite it: deploy {again} --take-over",
            )
        if each.kind is not RefusalKind.CONFLICT and each.is_certain:
            raise Refused(
                f"{target}: {each}",
                why=f"{each.kind.value}: the upgrade would fail, so nothing was changed",
                next_step=_remedy(each, target),
            )


def _remedy(refusal: Refusal, target: Target) -> str:
    """What to do about a refusal before the same command is given again."""
    again = f"deploy diff {target.environment} {target.service}"
    if refusal.kind is RefusalKind.NAMESPACE:
        return f"deploy cluster {target.environment} {target.service}"
    remedies = {
        RefusalKind.DUPLICATE: "keep one of the two",
        RefusalKind.IMMUTABLE: "change it back, give the object another name, or delete it first",
        RefusalKind.TAKEN: "give the object another name, or have its owner give it up",
        RefusalKind.QUOTA: "ask for less, or have the quota raised in helmfile.d/cluster",
        RefusalKind.TOO_LARGE: "take large files out of the chart, or name them in .helmignore",
    }
    return f"{remedies.get(refusal.kind, 'correct chart or values')}, then {again}"


def require_unheld(plan: Plan) -> None:
    """Make sure that no hold came between the plan and the word.

    Raises:
        StalePlan: one did.
    """
    found = holds.gates_before(plan.acting, emergency=bool(plan.wish.emergency))
    for step in plan.acting:
        for gate in gates.refused(found.get(step.target, ())):
            raise StalePlan(
                f"{step.target}: {gate.sentence}",
                why="the hold came after the plan was made",
                next_step=gate.next_step,
            )
