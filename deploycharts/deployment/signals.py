"""Interrupts of a deployment: they are counted, and raised only where that does no harm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Signals:
    """While it is entered, SIGINT, SIGTERM and SIGHUP (a lost terminal) end nothing by themselves.

    Attributes:
        count: how many came.
        is_ordered: whether one came that nobody typed: nobody may be there to be asked.
    """

    def __init__(self) -> None:
        self.count = 0
        self.is_ordered = False
        self._may_raise = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._before[number] = signal.signal(number, self._arrived)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Within it an interrupt is a KeyboardInterrupt, as elsewhere in Python."""
        self._may_raise = True
        try:
            yield
        finally:
            self._may_raise = False

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1
        self.is_ordered = self.is_ordered or number != signal.SIGINT
        if self._may_raise:
            self._may_raise = False
            raise KeyboardInterrupt
