"""From the lines that a template wrote to the lines of the template."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_OPENS = re.compile(r"^\{\{-?\s*(?:if|range|with|define|block)\b")
_CLOSES = re.compile(r"^\{\{-?\s*end\b")
_WRITES_NOTHING = re.compile(
    r"^\{\{-?\s*(?:(?:if|else|end|range|with|define|block|break|continue)\b|/\*|\$\w+\s*:?=)"
)
_WRITES_LINES = re.compile(r"\b(?:toYaml|n?indent|include|template|tpl|readFile|exec|printf)\b")
_KEY = re.compile(r"^(\s*(?:- +)*)([^\s\0\1#:\"'{\[][^\0\1:]*|\"[^\0\1\"]*\"|'[^\0\1']*'):(?:\s|$)")

# Stand for an action within a line, and for one that goes over several lines or writes such.
_VALUE, _BLOCK = "\0", "\1"

_Chain: TypeAlias = tuple[str, ...]
_Stack: TypeAlias = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of a template that writes a key of its own.

    Attributes:
        chain: the keys around it and its own.
        pattern: what it can write.
        is_sure: it is written once, whatever the values are.
    """

    line: int
    chain: _Chain
    pattern: re.Pattern[str]
    is_sure: bool


def align(template: str, written: str) -> dict[int, int]:
    """Line written → line of the template, both from 1, only where there is no doubt.

    Only lines with a key count. One is named if no other line of the template could have written
    the same key in the same maps. Where the template also writes whole blocks, which can hold any
    line, a line in a loop or a branch is never named, and none whose key is written twice.
    """
    entries: dict[_Chain, list[_Entry]] = defaultdict(list)
    text, is_open = _marked(template)
    for entry in _entries(text):
        entries[entry.chain].append(entry)
    found: dict[int, _Entry] = {}
    seen: Counter[_Chain] = Counter()
    for line, chain, content in _chains(written):
        seen[chain] += 1
        fitting = [each for each in entries[chain] if _fits(each, content)]
        if len(fitting) == 1:
            found[line] = fitting[0]
    return {
        line: entry.line
        for line, entry in found.items()
        if not is_open or (entry.is_sure and seen[entry.chain] == 1)
    }


def _fits(entry: _Entry, content: str) -> bool:
    """Whether the entry can write the line; an empty value leaves a blank at its end."""
    return any(entry.pattern.fullmatch(text) for text in (content, content.rstrip()))


def _marked(template: str) -> tuple[str, bool]:
    """The template with signs for its actions; and whether some of them can write any lines.

    A line within a loop or a branch begins with the sign of a block.
    """
    parts: list[str] = []
    is_open = False
    depth = at = 0
    for action in _ACTION.finditer(template):
        parts.append(_inside(template[at : action.start()], depth))
        depth += bool(_OPENS.match(action[0])) - bool(_CLOSES.match(action[0]))
        parts.append(_sign(action[0], depth))
        is_open |= not _WRITES_NOTHING.match(action[0]) and (
            bool(_WRITES_LINES.search(action[0])) or not _has_key(template, action.start())
        )
        at = action.end()
    parts.append(_inside(template[at:], depth))
    return "".join(parts), is_open


def _inside(text: str, depth: int) -> str:
    return text.replace("\n", f"\n{_BLOCK}") if depth else text


def _sign(action: str, depth: int) -> str:
    if "\n" in action:
        return f"{_BLOCK}\n" * action.count("\n") + _BLOCK
    return "" if _WRITES_NOTHING.match(action) else _VALUE


def _has_key(template: str, position: int) -> bool:
    """Whether a key stands before `position` in its line, or a comment."""
    before = template[template.rfind("\n", 0, position) + 1 : position]
    return bool(_KEY.match(f"{before} ")) or before.lstrip().startswith("#")


def _entries(marked: str) -> Iterator[_Entry]:
    adrift = _adrift(marked)
    for line, chain, content in _chains(marked):
        is_sure = not content.startswith(_BLOCK) and line not in adrift
        parts = content.lstrip(_BLOCK).rstrip().split(_VALUE)
        if _BLOCK not in "".join(parts):
            pattern = re.compile(".*".join(re.escape(part) for part in parts))
            yield _Entry(line, chain, pattern, is_sure)


def _adrift(marked: str) -> frozenset[int]:
    """The indented lines below an action that writes lines: the key above them is not known."""
    found: set[int] = set()
    is_adrift = False
    for number, line in enumerate(marked.split("\n"), 1):
        key = _KEY.match(line.lstrip(_BLOCK))
        if key is None:
            is_adrift |= _VALUE in line or _BLOCK in line.lstrip(_BLOCK)
        elif key[1] or line.startswith(_BLOCK):
            found |= {number} if is_adrift else set()
        else:
            is_adrift = False
    return frozenset(found)


def _chains(text: str) -> Iterator[tuple[int, _Chain, str]]:
    """The lines with a key, each with the keys around it as the indentation tells.

    Keys of a loop or a branch may be written or not: what follows has then several such chains.
    """
    possible: set[_Stack] = {()}
    for number, line in enumerate(text.split("\n"), 1):
        key = _KEY.match(line.lstrip(_BLOCK))
        if key is None:
            continue
        with_it = {_pushed(stack, len(key[1]), key[2]) for stack in possible}
        for chain in sorted({tuple(name for _, name in stack) for stack in with_it}):
            yield number, chain, line
        possible = possible | with_it if line.startswith(_BLOCK) else with_it


def _pushed(stack: _Stack, depth: int, name: str) -> _Stack:
    return (*(each for each in stack if each[0] < depth), (depth, name))
