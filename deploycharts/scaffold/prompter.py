"""What the interview needs from a terminal; `prompt` gives it, tests script it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from deploycharts.scaffold.question import Question

Problem = Callable[[str], "str | None"]
"""Says what is wrong with a typed answer, or None."""


class Prompter(Protocol):
    """Asks a person. Ctrl-C raises KeyboardInterrupt, the end of input EOFError."""

    def ask(self, question: Question, proposal: str, problem: Problem) -> str:
        """The answer as it was typed, without a problem."""

    def tick(self, text: str, questions: Sequence[Question], on: Sequence[str]) -> list[str]:
        """The names of the flags that are on, `on` before the person changes them."""

    def choose(self, text: str, choices: Mapping[str, str]) -> str:
        """The key of one of the choices; the first is proposed."""

    def show(self, text: str) -> None:
        """Show lines of text."""
