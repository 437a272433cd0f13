"""Who is asked during a deployment; lanes ask from threads, the one with the terminal answers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Protocol

from deploycharts.deployment.control import Command, Control

_POLL_S = 0.1


class Operator(Protocol):
    """The person who deploys, or what stands in where nobody can be asked."""

    def agrees(self, question: str) -> bool:
        """Whether they say yes; False where nobody can be asked."""

    def decide(self) -> Command:
        """What to do after an interrupt."""


class Nobody:
    """Where there is no terminal: no word is given, an interrupt goes back."""

    def agrees(self, question: str) -> bool:
        """No."""
        return False

    def decide(self) -> Command:
        """Back."""
        return Command.ROLL_BACK


class Questions:
    """Between the lanes that ask and the thread that answers, one question at a time."""

    def __init__(self, control: Control, ask: Callable[[str], bool]) -> None:
        self._control = control
        self._ask = ask
        self._waiting: SimpleQueue[tuple[str, Future[bool]]] = SimpleQueue()

    def agrees(self, question: str) -> bool:
        """Called by a lane: whether somebody says yes.

        Raises:
            Stopped: the deployment was told to stop meanwhile.
        """
        answer: Future[bool] = Future()
        self._waiting.put((question, answer))
        while not answer.done():
            self._control.wait(_POLL_S)
        return answer.result()

    def answer_next(self, wait_s: float) -> None:
        """Called by the thread that owns the terminal: answer one question, if there is one."""
        try:
            question, answer = self._waiting.get(timeout=wait_s)
        except Empty:
            return
        answer.set_result(self._ask(question))
