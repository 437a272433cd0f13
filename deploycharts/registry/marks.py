"""Lines of the keys of a YAML file."""

from __future__ import annotations

from typing import TypeAlias

import yaml

KeyPath: TypeAlias = tuple[str, ...]


def lines_of(node: yaml.Node | None, prefix: KeyPath = ()) -> dict[KeyPath, int]:
    """The line, from 1, of every key below a composed mapping, by its path."""
    lines: dict[KeyPath, int] = {}
    if not isinstance(node, yaml.MappingNode):
        return lines
    for key, value in node.value:
        path = (*prefix, str(key.value))
        lines[path] = key.start_mark.line + 1
        lines |= lines_of(value, path)
    return lines
