"""Where a new key is written in a YAML file that people wrote; works on composed nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_INDENT = 2


def insert(text: str, node: Any, path: Sequence[str], written: str) -> str | None:
    """The text with a key added, nested as `path` says, as last of a mapping.

    Args:
        text: all of the file.
        node: the mapping, as composed from the text; None if the file has no value.
        path: the keys below the mapping; the first of them may be there without a value.
        written: the value as YAML.

    Returns:
        None where the node is no mapping.
    """
    if node is None:
        return _with_lines(text, len(text), _nested(path, written, 0))
    if not isinstance(node.value, list) or node.id != "mapping":
        return None
    without_value = [name for name, _ in node.value if name.value == path[0]]
    if node.flow_style:
        return None if without_value else _into_flow(text, node, path, written)
    column = node.value[0][0].start_mark.column
    if without_value:
        if len(path) == 1:
            colon = text.index(":", without_value[-1].end_mark.index) + 1
            return f"{text[:colon]} {written}{text[colon:]}"
        place = _end_of_line(text, without_value[-1].end_mark.index)
        return _with_lines(text, place, _nested(path[1:], written, column + _INDENT))
    return _with_lines(text, _end_of(text, node), _nested(path, written, column))


def _nested(path: Sequence[str], written: str, column: int) -> str:
    *above, last = path
    lines = [f"{' ' * (column + _INDENT * depth)}{key}:" for depth, key in enumerate(above)]
    return "\n".join([*lines, f"{' ' * (column + _INDENT * len(above))}{last}: {written}"])


def _into_flow(text: str, node: Any, path: Sequence[str], written: str) -> str:
    *above, last = path
    new = f"{last}: {written}"
    for key in reversed(above):
        new = f"{key}: {{{new}}}"
    place = len(text[: node.end_mark.index - 1].rstrip())
    between = ", " if node.value and text[place - 1] != "," else " " if node.value else ""
    return f"{text[:place]}{between}{new}{text[place:]}"


def _end_of(text: str, node: Any) -> int:
    """Where the line after the last value of a block mapping begins; comments after it stay after.

    A text in block style ends where its next line begins.
    """
    name, value = node.value[-1]
    while value.id != "scalar" and not value.flow_style and value.value:
        last = value.value[-1]
        name, value = last if isinstance(last, tuple) else (name, last)
    is_empty = value.start_mark.index == value.end_mark.index
    index = name.end_mark.index if is_empty else value.end_mark.index
    return int(index) if text[index - 1] == "\n" else _end_of_line(text, index)


def _end_of_line(text: str, index: int) -> int:
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _with_lines(text: str, place: int, lines: str) -> str:
    missing = "\n" if place and text[place - 1] != "\n" else ""
    return f"{text[:place]}{missing}{lines}\n{text[place:]}"
