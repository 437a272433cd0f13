"""What must hold before a step begins, decided when the plan is made and shown with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from deploycharts.cluster.releases import Revision
from deploycharts.deployment.wayback import withdrawn
from deploycharts.registry.policy import Gates
from deploycharts.target import Target
from deploycharts.tools.git import Standing

ARTIFACT = "artifact"
"""The label of a revision that says which artifact it ran."""


class GateKind(Enum):
    """What is asked for."""

    STAGING = "staging"
    MERGED = "merged"
    BAKE = "bake"
    WORD = "word"
    HOLD = "hold"
    FAILED_BEFORE = "failed before"


class GateState(Enum):
    """Whether it holds. An open one is waited for while the plan is carried out.

    A noted one is in nobody's way: it is read before the plan is approved.
    """

    PASSED = "passed"
    NOTED = "noted"
    OPEN = "open"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition before a step.

    Attributes:
        sentence: what holds, what will be waited for, or what is missing.
        next_step: what to type where it is refused.
        wait_s: how long a bake lasts.
    """

    kind: GateKind
    state: GateState
    sentence: str
    next_step: str = ""
    wait_s: int = 0


def at_entry(
    wanted: Gates, standing: Standing, staged: Gate | None, *, emergency: bool
) -> tuple[Gate, ...]:
    """The gates before the first step of a service in an environment.

    Args:
        wanted: what service and environment ask for.
        standing: how the work tree stands to the main branch.
        staged: what staging says, None where it is not asked.
        emergency: somebody took the responsibility: refusals become remarks.
    """
    gates = []
    if wanted.merged:
        gates.append(_merged(standing))
    if wanted.staging and staged is not None:
        gates.append(staged)
    if emergency:
        gates = [_overridden(gate) for gate in gates]
    if wanted.pause:
        gates.append(Gate(GateKind.WORD, GateState.OPEN, "waits for a person's word"))
    return tuple(gates)


def bake(wanted: Gates, canary: Target, *, emergency: bool) -> tuple[Gate, ...]:
    """The gate between a canary that was changed and the releases after it."""
    seconds = wanted.bake_s or 0
    if not seconds:
        return ()
    sentence = f"{canary.release} bakes {seconds} s"
    gate = Gate(GateKind.BAKE, GateState.OPEN, sentence, wait_s=seconds)
    return (_overridden(gate),) if emergency else (gate,)


def held(sentence: str, next_step: str, *, emergency: bool) -> Gate:
    """The gate before what somebody holds."""
    gate = Gate(GateKind.HOLD, GateState.REFUSED, sentence, next_step)
    return _overridden(gate) if emergency else gate


def failed_before(sentence: str) -> Gate:
    """What is to be known of a content that is tried again."""
    return Gate(GateKind.FAILED_BEFORE, GateState.NOTED, sentence)


def staging_ran(
    service: str, artifacts: Sequence[tuple[str, str]], histories: dict[str, tuple[Revision, ...]],
    environment: str,
) -> Gate:  # fmt: skip
    """Whether staging rolled out the artifacts successfully and nobody went back from them.

    Args:
        service: the service.
        artifacts: releases that are to be deployed, with the ID of what they run.
        histories: the releases of the service in staging, oldest revision first.
        environment: staging's name.
    """
    next_step = f"deploy {environment} {service}"
    if not any(histories.values()):
        sentence = f"{environment} never ran {service}"
        return Gate(GateKind.STAGING, GateState.REFUSED, sentence, next_step)
    seen = [(name, artifact) for name, artifact in artifacts if histories.get(name)]
    missing = [name for name, artifact in seen if artifact not in _ran(histories[name])]
    if missing:
        sentence = f"{environment} did not run this {' and '.join(missing)} successfully"
        return Gate(GateKind.STAGING, GateState.REFUSED, sentence, next_step)
    since = max((_latest(histories[name], artifact) for name, artifact in seen), default="")
    names = " and ".join(name for name, _ in seen) or "other releases"
    return Gate(GateKind.STAGING, GateState.PASSED, f"{environment} ran this {names}, {since}")


def unread(environment: str, why: str) -> Gate:
    """The gate where staging cannot be asked."""
    sentence = f"{environment} cannot be asked what it ran: {why}"
    return Gate(GateKind.STAGING, GateState.REFUSED, sentence, f"deploy status {environment}")


def refused(gates: Iterable[Gate]) -> tuple[Gate, ...]:
    """Those that forbid the step."""
    return tuple(gate for gate in gates if gate.state is GateState.REFUSED)


def _ran(history: tuple[Revision, ...]) -> set[str]:
    gone = withdrawn(history)
    return {
        revision.labels.get(ARTIFACT, "")
        for revision in history
        if revision.is_good and revision.number not in gone
    }


def _latest(history: tuple[Revision, ...], artifact: str) -> str:
    times = [each.deployed_at for each in history if each.labels.get(ARTIFACT) == artifact]
    return max(times)[:16].replace("T", " ")


def _merged(standing: Standing) -> Gate:
    if standing.missing:
        return Gate(GateKind.MERGED, GateState.REFUSED, standing.missing, standing.next_step)
    return Gate(GateKind.MERGED, GateState.PASSED, f"the tree is that of {standing.branch}")


def _overridden(gate: Gate) -> Gate:
    if gate.state in {GateState.PASSED, GateState.NOTED}:
        return gate
    return Gate(gate.kind, GateState.PASSED, f"{gate.sentence}: passed over, emergency")
