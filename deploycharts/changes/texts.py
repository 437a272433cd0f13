"""Differences of texts as lines that change, exact in both directions."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import lru_cache

from deploycharts.documents import Json

_MANY_LINES = 4000


@lru_cache(maxsize=256)
def line_patch(old: str, new: str) -> list[Json]:
    """The hunks [first line, removed lines, inserted lines] that turn `old` into `new`.

    Cached, since environments and releases often share their configuration.
    """
    before, after = old.split("\n"), new.split("\n")
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    before, after = before[start : len(before) - end], after[start : len(after) - end]
    if len(before) + len(after) > _MANY_LINES:
        return [[start, list(before), list(after)]]
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [
        [start + first, list(before[first:last]), list(after[into:to])]
        for tag, first, last, into, to in codes
        if tag != "equal"
    ]


def _common(old: list[str], new: list[str]) -> int:
    same = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        same += 1
    return same


def patch(old: str, hunks: Json) -> str:
    """Apply a line patch.

    Raises:
        ValueError: the text does not have the lines that the patch removes.
    """
    lines = old.split("\n")
    for first, removed, inserted in reversed(read_hunks(hunks)):
        if lines[first : first + len(removed)] != removed:
            raise ValueError(f"line {first + 1} is not what the patch removes")
        lines[first : first + len(removed)] = inserted
    return "\n".join(lines)


def read_hunks(hunks: Json) -> list[tuple[int, list[str], list[str]]]:
    """The typed form of a line patch."""
    return [
        (hunk[0], _texts(hunk[1]), _texts(hunk[2]))
        for hunk in (hunks if isinstance(hunks, list) else [])
        if isinstance(hunk, list) and len(hunk) == 3 and isinstance(hunk[0], int)
    ]


def _texts(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
