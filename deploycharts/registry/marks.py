"""Lines of the keys of a YAML file."""

from __future__ import annotations

from typing import TypeAlias

import yaml

KeyPath: TypeAlias = tuple[str, ...]


def lines_of(node: yaml.Node | None, prefix: KeyPath = ()) -> dict[KeyPath, int]:
    """The line, from 1, of every key below a composed node, by its path; items of lists count.

    The third item of the list `checks` has the path `("checks", "2")`.
    """
    lines: dict[KeyPath, int] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = (*prefix, str(key.value))
            lines[path] = key.start_mark.line + 1
            lines |= lines_of(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            path = (*prefix, str(number))
            lines[path] = item.start_mark.line + 1
            lines |= lines_of(item, path)
    return lines
