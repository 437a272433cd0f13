"""`--take-over`: what becomes of what others set, and a step where nothing else changes."""

from __future__ import annotations

from dataclasses import replace

from deploycharts.cluster.releases import Baseline
from deploycharts.deployment.drift import DriftKind
from deploycharts.deployment.plan import Action, Step
from deploycharts.deployment.sideeffects import side_effects
from deploycharts.tools import helm

_TAKEN = frozenset((DriftKind.MANUAL, DriftKind.GONE, DriftKind.LOST))


def considered(step: Step, baseline: Baseline, *, take_over: bool) -> Step:
    """The step with what a take-over does; a release that is as planned is applied once more.

    Args:
        step: with its drifts and its difference.
        baseline: what is there.
        take_over: whether it was asked for.
    """
    found = [each for each in step.drifts if each.kind in _TAKEN]
    if not take_over or not found or step.action not in (Action.NOTHING, Action.UPGRADE):
        return step
    if not step.release.installed or baseline.good is None:
        return step
    server_side = helm.applies_server_side(recorded=baseline.server_side)
    fates = side_effects(step.difference, found, server_side=server_side).drifts
    told = tuple(f"{drift}; it {fate.value}" for drift, fate in fates)
    remark = step.remark
    if step.action is Action.NOTHING:
        remark = "takes over what was edited since it was applied"
    return replace(step, action=Action.UPGRADE, remark=remark, left=(*step.left, *told))
