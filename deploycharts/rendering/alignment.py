"""From the lines that a template wrote to the lines of the template."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def align(template: str, written: str) -> dict[int, int]:
    """Line written → line of the template, both from 1, only where there is no doubt.

    A line of the template fits what it could have written: its text with anything in the place of
    its actions. Fitting from the top and from the bottom must give the same; what loops, branches
    or whole blocks wrote does not, and is left out.
    """
    patterns = _patterns(template)
    lines = written.split("\n")
    down = _fit(patterns, lines)
    size, count = len(patterns), len(lines)
    up = {count - 1 - line: size - 1 - at for line, at in _fit(patterns[::-1], lines[::-1]).items()}
    return {line + 1: at + 1 for line, at in down.items() if up.get(line) == at}


def _patterns(template: str) -> list[re.Pattern[str] | None]:
    """What each line of a template can write; None where it has no text of its own."""
    return [_pattern(line) for line in _ACTION.sub(_mark, template).split("\n")]


def _mark(action: re.Match[str]) -> str:
    """One sign for an action, another one in each line of an action of several lines."""
    return "\1\n" * action[0].count("\n") + "\1" if "\n" in action[0] else "\0"


def _pattern(line: str) -> re.Pattern[str] | None:
    if "\1" in line or not line.replace("\0", "").strip():
        return None
    return re.compile(".*".join(re.escape(part) for part in line.rstrip().split("\0")) + r"\s*")


def _fit(patterns: Sequence[re.Pattern[str] | None], lines: Sequence[str]) -> dict[int, int]:
    found: dict[int, int] = {}
    begin = 0
    for number, line in enumerate(lines):
        for at in range(begin, len(patterns)):
            pattern = patterns[at]
            if pattern is not None and line.strip() and pattern.fullmatch(line):
                found[number] = at
                begin = at + 1
                break
    return found
