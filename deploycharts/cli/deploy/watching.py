"""Showing a deployment while it runs: a table that is rewritten, or plain lines in a log."""

from __future__ import annotations

import time
from collections.abc import Callable

from deploycharts.console import Console, console
from deploycharts.deployment import progress
from deploycharts.deployment.progress import Event
from deploycharts.report import live
from deploycharts.report.table import table
from deploycharts.target import Target

_QUIET_S = 15.0
_WORTH_A_TABLE = 4


class Watch:
    """Tells the events of a deployment on standard error.

    On a terminal what each release is at stands below what happened, a line for each workload where
    it has several; without one a line is written when numbers change, and now and then when they do
    not.
    """

    def __init__(
        self, writer: Console = console, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = writer
        self._clock = clock
        self._at: dict[live.Row, str] = {}
        self._numbers: dict[live.Row, object] = {}
        self._said_at: dict[live.Row, float] = {}
        self._ends: dict[Target, tuple[str, ...]] = {}

    def __call__(self, event: Event) -> None:
        """Tell one event."""
        if isinstance(event, progress.Moved):
            for part in event.parts:
                now = part.counts
                if now.wanted:  # else it makes no pods
                    numbers = (now.ready, now.wanted, now.old, part.restarts, now.draining)
                    text = live.moved(*numbers, event.seconds)
                    self._now((event.target, part.name), numbers, text)
        elif isinstance(event, progress.Baking):
            text = live.baking(event.sentence, event.left_s)
            self._now((event.target, ""), "bakes", text)
        else:
            self._happened(event)

    def table(self) -> str:
        """How each release ended, where there are several; what was undone shows its way back."""
        if len(self._ends) < _WORTH_A_TABLE:
            return ""
        rows = [(t.service, t.environment, t.release, *end) for t, end in self._ends.items()]
        return table(("SERVICE", "ENVIRONMENT", "RELEASE", "DONE", "NOW", "TOOK"), rows)

    def _ended(self, target: Target, *facts: str) -> None:
        self._ends[target] = facts
        for row in [row for row in self._numbers.keys() | self._at.keys() if row[0] == target]:
            self._at.pop(row, None)
            self._numbers.pop(row, None)

    def _now(self, row: live.Row, numbers: object, text: str) -> None:
        """What a release or one of its workloads is at."""
        self._at[row] = text
        if self._console.err_stream.isatty():
            self._console.status(*live.rows(self._at))
            return
        now = self._clock()
        quiet = now - self._said_at.get(row, 0.0) > _QUIET_S
        if numbers != self._numbers.get(row) or quiet:
            self._numbers[row] = numbers
            self._said_at[row] = now
            self._console.say(*live.rows({row: text.rstrip()}))

    def _happened(self, event: Event) -> None:
        self._console.say(_text(event, self._console))
        if isinstance(event, progress.Finished):
            took = f"{event.seconds:.1f} s"
            self._ended(event.target, event.action, f"revision {event.revision}", took)
        elif isinstance(event, progress.Failed):
            self._ended(event.target, "failed", live.made(event.revision), "")
        if self._at:
            self._console.status(*live.rows(self._at))


def _text(event: Event, writer: Console) -> str:
    style = writer.style
    match event:
        case progress.Began(target, action, _):
            return live.began(target, action, style=style)
        case progress.Skipped(target, why):
            return live.skipped(target, why, style=style)
        case progress.Finished(target, action, revision, seconds):
            return live.finished(target, action, revision, seconds, style=style)
        case progress.Said(text):
            return f"  {text}"
        case _:
            return _bad_news(event, writer)


def _bad_news(event: Event, writer: Console) -> str:
    style = writer.style
    match event:
        case progress.Noted(target, text):
            return live.noted(target, text, style=style)
        case progress.Appeared(trouble, fails_in_s):
            return live.appeared(str(trouble), fails_in_s, style=style)
        case progress.Failed(target, revision, evidence):
            return live.failed(
                target, revision, evidence.reasons, evidence.log_tail, evidence.events,
                evidence.helm, evidence.checks, style=style,
            )  # fmt: skip
        case progress.Suspected(_, sentence):
            return live.suspected(sentence, style=style)
        case _:
            return str(event)
