"""Whether live fields that a plan changes are still as the plan found them."""

from __future__ import annotations

from deploycharts.changes.model import FieldPath
from deploycharts.cluster import releases
from deploycharts.cluster.connection import Cluster
from deploycharts.deployment import drift, leftovers
from deploycharts.deployment.drift import Drift, DriftKind
from deploycharts.deployment.plan import Step
from deploycharts.errors import StalePlan

_COUNTS = frozenset({DriftKind.MANUAL, DriftKind.GONE})


def require_untouched(step: Step) -> None:
    """Make sure that nobody edited by hand what a step is about to change.

    What an autoscaler or a controller owns never counts.

    Raises:
        StalePlan: somebody did, after the plan was made.
        Unreachable: the API server does not answer.
    """
    if step.return_to is None:
        return
    cluster = Cluster(step.place.kubeconfig, name=step.place.environment.name)
    try:
        history = releases.revisions(cluster, step.place.namespace, step.target.release)
        if not history or history[-1].number != step.expected_revision:
            return  # somebody deployed in between: whoever acts says that better
        base = leftovers.applied(cluster, history).documents
        found = drift.find(cluster, base, mask=step.place.mask)
    finally:
        cluster.close()
    touched = [each for each in _new(found, step.drifts) if _is_changed(each, step)]
    if touched:
        raise StalePlan(
            f"{step.target}: {touched[0]}",
            why="it was edited after the plan was made, and the plan changes it",
            next_step=f"deploy diff {step.target.environment} {step.target.service}",
        )


def _new(found: tuple[Drift, ...], known: tuple[Drift, ...]) -> list[Drift]:
    seen = [(each.object, each.path, each.live) for each in known]
    return [
        each
        for each in found
        if each.kind in _COUNTS and (each.object, each.path, each.live) not in seen
    ]


def _is_changed(each: Drift, step: Step) -> bool:
    return any(
        change.object == each.object and _overlap(change.path, each.path)
        for change in step.difference.changes.changes
    )


def _overlap(one: FieldPath, other: FieldPath) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
