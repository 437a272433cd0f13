"""Carrying out a plan: a lane for each service, and back again together if one fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from deploycharts.deployment import entrance, failures, journal, progress, snapshot
from deploycharts.deployment.act import Actor
from deploycharts.deployment.blame import Blame
from deploycharts.deployment.control import Command, Control, Stopped
from deploycharts.deployment.journal import Journal
from deploycharts.deployment.judge import StepFailed
from deploycharts.deployment.lane import Lane, WordRefused
from deploycharts.deployment.outcome import Outcome, behind, commands, reason, unknown, why
from deploycharts.deployment.plan import Plan, Step
from deploycharts.deployment.progress import Event, Listener
from deploycharts.deployment.questions import Nobody, Operator, Questions
from deploycharts.deployment.signals import Signals
from deploycharts.errors import Exit, UserError
from deploycharts.registry.policy import OnFailure
from deploycharts.target import Target

_POLL_S = 0.1


def run(
    plan: Plan, *, listen: Listener, operator: Operator | None = None,
    folder: Path | None = None,
) -> Outcome:  # fmt: skip
    """Carry out `plan`; on trouble everything that it touched goes back, unless told otherwise.

    Args:
        plan: what to do, already confirmed.
        listen: gets the events, one at a time.
        operator: who is asked at gates and after an interrupt.
        folder: where journals are kept.

    Raises:
        StalePlan: before anything was changed, the world turned out to have moved.
        OutcomeUnknown: an act was begun and the cluster cannot be asked how it ended.
    """
    entrance.require_unheld(plan)
    with (
        Signals() as signals,
        snapshot.taken(plan) as frozen,
        journal.begun(plan.id, folder, **plan.as_json()) as book,
    ):
        deployment = Deployment(frozen, signals, listen, operator or Nobody(), book)
        return deployment.run({step.target: step for step in plan.steps})


class Deployment:
    """One run of a plan."""

    def __init__(
        self, plan: Plan, signals: Signals, listen: Listener, operator: Operator,
        book: Journal,
    ) -> None:  # fmt: skip
        self._plan = plan
        self._signals = signals
        self._operator = operator
        self._control = Control()
        self._questions = Questions(self._control, self._ask)
        self._one_at_a_time = threading.Lock()
        self._listener = listen
        self._book = book
        self._touched: list[Step] = []
        self._failures: list[StepFailed] = []
        self._errors: list[Exception] = []
        self._heeded = 0
        self._blame = Blame(self._book, self._listen)

    def run(self, planned: Mapping[Target, Step]) -> Outcome:
        """Carry out all lanes; see `run`.

        Args:
            planned: the steps as they were planned, where the reasons of failures are searched.
        """
        self._planned = planned
        lanes = [self._lane(service) for service in self._plan.services]
        with ThreadPoolExecutor(max_workers=max(1, len(lanes))) as pool:
            self._attend([pool.submit(lane.run) for lane in lanes])
        outcome = replace(self._conclude(), suspects=self._blame.sentences())
        self._book.append("outcome", **outcome.as_json())
        for error in self._errors:
            is_telling = not isinstance(error, UserError) or not self._touched
            if is_telling and not isinstance(error, WordRefused):
                raise error
        return outcome

    def _lane(self, service: str) -> Lane:
        actor = Actor(
            self._book, self._listen, self._plan.author,
            sleep=self._control.sleep, labels=self._labels(), reason=self._plan.wish.reason,
            take_over=self._plan.wish.take_over,
        )  # fmt: skip
        return Lane(
            steps=self._plan.lane(service),
            actor=actor,
            control=self._control,
            person=self._questions,
            listen=self._listen,
            touched=self._touched,
            failures=self._failures,
            note=self._note,
        )

    def _labels(self) -> dict[str, str]:
        tree = self._plan.tree
        return {"commit": tree.commit} if tree.commit and not tree.dirty else {}

    def _listen(self, event: Event) -> None:
        with self._one_at_a_time:
            self._listener(event)

    def _ask(self, question: str) -> bool:
        """An interrupt at a question is one of the deployment."""
        try:
            with self._one_at_a_time, self._signals.raising():
                return self._operator.agrees(question)
        except KeyboardInterrupt:
            return False

    def _attend(self, lanes: list[Future[None]]) -> None:
        """Answer questions and interrupts until all lanes have ended."""
        waiting = list(lanes)
        while waiting:
            self._questions.answer_next(_POLL_S)
            if self._signals.count > self._heeded:
                self._interrupted()
            for lane in [each for each in waiting if each.done()]:
                waiting.remove(lane)
                self._ended(lane.exception())

    def _interrupted(self) -> None:
        """The first interrupt asks what to do; another one means to stop at once."""
        self._heeded = self._signals.count
        command = Command.LEAVE if self._control.command > Command.GO_ON else self._decide()
        self._book.append("interrupt", command=command.name.lower())
        self._control.say(command)

    def _decide(self) -> Command:
        if self._signals.is_ordered:
            return Command.ROLL_BACK
        try:
            with self._one_at_a_time, self._signals.raising():
                return self._operator.decide()
        except KeyboardInterrupt:
            return Command.LEAVE
        finally:
            self._heeded = self._signals.count

    def _ended(self, error: BaseException | None) -> None:
        if error is None or isinstance(error, Stopped):
            return
        if isinstance(error, StepFailed):
            self._note(error)
            is_hold = self._planned[error.target].on_failure is OnFailure.HOLD
            self._control.say(Command.HOLD if is_hold else Command.ROLL_BACK)
        elif isinstance(error, WordRefused):
            self._errors.append(error)
            self._control.say(Command.HOLD)
        else:
            assert isinstance(error, Exception)
            self._book.append("trouble", error=str(error) or repr(error))
            self._errors.append(error)
            self._control.say(Command.ROLL_BACK)

    def _note(self, failure: StepFailed) -> None:
        """Tell of a step that failed, and look for the reason, whatever is done about it."""
        self._listen(progress.Failed(failure.target, failure.revision, failure.evidence))
        self._failures.append(failure)
        self._blame.search(self._planned[failure.target], failure.evidence)

    def _conclude(self) -> Outcome:
        command = self._control.command
        if command is Command.GO_ON:
            return self._done()
        if command is not Command.ROLL_BACK:
            return self._left(command)
        if self._touched:
            self._listen(progress.Said("what this deployment touched goes back"))
        self._remember_failures()
        undone, broken = self._back([*reversed(self._touched)])
        return Outcome(
            exit=Exit.BROKEN if broken else reason(self._failed(), self._errors),
            deployment=self._book.deployment,
            journal=self._book.path,
            failed=self._failed(),
            undone=tuple(map(str, undone)),
            broken=tuple(map(str, broken)),
            owed=(*commands("rollback", broken), *unknown(self._errors)),
            why=why(self._errors),
        )

    def _remember_failures(self) -> None:
        """What failed may be tried again; the next plan says when it failed and why."""
        for failure in self._failures:
            place = self._planned[failure.target].place
            if not failures.remember(place, failure, self._book.deployment):
                self._listen(progress.Said(f"{failure.target}: the failure could not be noted"))

    def _done(self) -> Outcome:
        failed = [failure.target for failure in self._failures]
        for step in self._plan.acting:
            if step.target not in failed:
                failures.forget(step)
        return Outcome(
            exit=Exit.BROKEN if failed else Exit.DONE,
            deployment=self._book.deployment,
            journal=self._book.path,
            failed=self._failed(),
            broken=self._failed(),
            behind=tuple(f"{name} {service}" for name, service in self._skipped()),
            owed=(
                *commands("rollback", failed),
                *(f"deploy {name} {service}" for name, service in self._skipped()),
            ),
        )

    def _skipped(self) -> Iterator[tuple[str, str]]:
        for environment in self._plan.skipped:
            for service in self._plan.services:
                yield environment.name, service

    def _left(self, command: Command) -> Outcome:
        """What was changed stays: on a hold all acts are finished, else one may be cut off."""
        unfinished = command is Command.LEAVE or bool(self._failures)
        targets = [step.target for step in self._touched]
        missed = behind(self._plan, self._touched)
        on = [step.target for step in self._plan.acting if str(step.target) in missed]
        forth = commands("", on or targets)
        return Outcome(
            exit=Exit.BROKEN if unfinished and targets else Exit.INTERRUPTED,
            deployment=self._book.deployment,
            journal=self._book.path,
            failed=self._failed(),
            held=tuple(map(str, targets)),
            behind=missed,
            owed=(*forth, *commands("rollback", reversed(targets))),
            why=why(self._errors),
        )

    def _failed(self) -> tuple[str, ...]:
        return tuple(str(failure.target) for failure in self._failures)

    def _back(self, steps: list[Step]) -> tuple[list[Target], list[Target]]:
        """Undo newest first, so the primary datacenter before others: it serves most users."""
        undone: list[Target] = []
        broken: list[Target] = []
        actor = Actor(self._book, self._listen, self._plan.author)
        for number, step in enumerate(steps):
            try:
                with self._signals.raising():
                    if actor.undo(step):
                        undone.append(step.target)
            except KeyboardInterrupt:
                self._listen(progress.Said("interrupted on the way back"))
                broken += [left.target for left in steps[number:]]
                break
            except StepFailed as failure:
                self._listen(progress.Failed(step.target, failure.revision, failure.evidence))
                broken.append(step.target)
            except UserError as error:
                self._listen(progress.Said(f"{step.target}: {error.what}"))
                broken.append(step.target)
        return undone, broken
