"""How a running deployment is told to stop: by a person, by a failure elsewhere, by a signal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import IntEnum


class Command(IntEnum):
    """What all lanes of a deployment do next; a later one is never taken back by an earlier."""

    GO_ON = 0
    HOLD = 1
    ROLL_BACK = 2
    LEAVE = 3


class Stopped(Exception):
    """A lane was told to stop. It is no failure of the step that it was at."""


class Control:
    """Shared by all lanes of one deployment.

    HOLD lets each lane finish the act that it is at; ROLL_BACK and LEAVE stop it there. What was
    touched goes back after ROLL_BACK only.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._command = Command.GO_ON

    @property
    def command(self) -> Command:
        """The gravest command so far."""
        return self._command

    def say(self, command: Command) -> None:
        """Give a command; those who sleep wake up."""
        with self._changed:
            self._command = max(self._command, command)
            self._changed.notify_all()

    def between(self) -> None:
        """To be called before each act.

        Raises:
            Stopped: no further act shall begin.
        """
        if self._command > Command.GO_ON:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Sleep during an act.

        Raises:
            Stopped: the act shall not go on.
        """
        self._sleep(seconds, Command.HOLD)

    def wait(self, seconds: float) -> None:
        """Sleep between acts.

        Raises:
            Stopped: no further act shall begin.
        """
        self._sleep(seconds, Command.GO_ON)

    def _sleep(self, seconds: float, tolerated: Command) -> None:
        until = self._clock() + seconds
        with self._changed:
            while self._command <= tolerated:
                left = until - self._clock()
                if left <= 0:
                    return
                self._changed.wait(left)
        raise Stopped
