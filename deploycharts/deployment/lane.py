"""The steps of one service, one after the other: gates, act, checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from deploycharts.cluster.connection import Unreachable
from deploycharts.deployment import progress
from deploycharts.deployment.act import Actor
from deploycharts.deployment.checks import run_checks
from deploycharts.deployment.control import Control
from deploycharts.deployment.evidence import Evidence
from deploycharts.deployment.freshness import require_untouched
from deploycharts.deployment.gates import Gate, GateKind, GateState
from deploycharts.deployment.judge import StepFailed
from deploycharts.deployment.plan import Action, Step
from deploycharts.deployment.progress import Listener
from deploycharts.errors import OutcomeUnknown, StalePlan
from deploycharts.registry.policy import OnFailure
from deploycharts.target import Target

_BAKE_LOOK_S = 1.0


class Person(Protocol):
    """Who is asked while a deployment runs. The questions come from one thread at a time."""

    def agrees(self, question: str) -> bool:
        """Whether somebody says yes; False where nobody can be asked."""


class WordRefused(Exception):
    """A person was asked for a word and did not say yes."""

    def __init__(self, step: Step) -> None:
        super().__init__(str(step.target))
        self.step = step


@dataclass
class Lane:
    """Carries out the steps of one service.

    Attributes:
        touched: gets each step before its act begins, shared with other lanes.
        failures: what failed so far.
        note: is told of failures that the service's policy goes on after.
    """

    steps: Sequence[Step]
    actor: Actor
    control: Control
    person: Person
    listen: Listener
    touched: list[Step]
    failures: Sequence[StepFailed]
    note: Callable[[StepFailed], None]
    clock: Callable[[], float] = time.monotonic
    _revisions: dict[Target, int] = field(default_factory=dict)

    def run(self) -> None:
        """Take all steps.

        Raises:
            StepFailed: one failed, and the policy is not to go on.
            Stopped: the deployment was told to stop.
            WordRefused: a gate asked for a word and got none.
            UserError: see `Actor.do`.
        """
        for step in self.steps:
            if step.action is Action.NOTHING:
                self.listen(progress.Skipped(step.target, step.remark))
                continue
            self.control.between()
            self._pass(step)
            require_untouched(step)
            self.touched.append(step)
            try:
                self._revisions[step.target] = self.actor.do(step)
                self._check(step)
            except StepFailed as failure:
                if step.on_failure is not OnFailure.GO_ON:
                    raise
                self.note(failure)
            except (StalePlan, OutcomeUnknown, Unreachable):
                # It was not begun, or nobody knows how it ended: it is not touched further.
                self.touched.remove(step)
                raise

    def _check(self, step: Step) -> None:
        """Ask what the service declares; what is unknown passes as little as what failed."""
        if step.action is Action.UNINSTALL or not step.checks:
            return
        results = run_checks(
            step.place, step.checks, listen=self.listen, sleep=self.control.sleep, clock=self.clock
        )
        self.actor.journal.append(
            "checks", target=str(step.target), results=[each.as_json() for each in results]
        )
        missed = [each for each in results if not each.is_passed]
        if missed:
            lines = tuple(f"{m.check.name}: {m.verdict.value}, {m.message}" for m in missed)
            evidence = Evidence((), (), (), checks=lines)
            raise StepFailed(step.target, evidence, self._revisions[step.target])

    def _pass(self, step: Step) -> None:
        for gate in step.gates:
            if gate.state is not GateState.OPEN:
                continue
            self.actor.journal.append(
                "gate", target=str(step.target), gate=gate.kind.value, says=gate.sentence
            )
            if gate.kind is GateKind.BAKE:
                self._bake(step, gate)
            elif gate.kind is GateKind.WORD:
                self._ask(step)

    def _ask(self, step: Step) -> None:
        question = f"Go on with {step.target.service} in {step.target.environment}?"
        if not self.person.agrees(question):
            raise WordRefused(step)
        self.control.between()

    def _bake(self, step: Step, gate: Gate) -> None:
        """Watch what was changed before in this environment for the bake's time."""
        failed = {failure.target for failure in self.failures}
        before = [
            each
            for each in self.steps
            if each.target.environment == step.target.environment
            and each in self.touched
            and each.target not in failed
        ]
        until = self.clock() + gate.wait_s
        while (left := until - self.clock()) > 0:
            self.listen(progress.Baking(step.target, gate.sentence, left))
            for each in before:
                self.actor.require_well(each)
            self.control.wait(min(_BAKE_LOOK_S, left))
        for each in before:
            self._check(each)
        self.actor.journal.append("gate", target=str(step.target), gate="bake", passed=True)
