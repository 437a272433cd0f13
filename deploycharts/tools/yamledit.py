"""Surgical edits of YAML files that people wrote. The only importer of ruamel.

A file is never loaded and dumped: that would change quotes, comments and spacing all over it. The
place of one value is found, its text replaced, and the result read again: nothing else may differ.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from deploycharts import documents
from deploycharts.documents import Json
from deploycharts.errors import UserError
from deploycharts.source import Source
from deploycharts.tools import yamlinsert


def replace_scalar(text: str, path: Sequence[str], value: str | int | bool, source: Source) -> str:
    """The text with the scalar at `path` replaced; its quotes stay as they are where they can.

    Raises:
        UserError: the text is not YAML, or there is no scalar at `path`.
    """
    node = _find(text, path, source)
    start, end = node.start_mark.index, node.end_mark.index
    edited = text[:start] + _written(value, text[start:end]) + text[end:]
    _assert_only(text, edited, path, value, source)
    return edited


def set_scalar(text: str, path: Sequence[str], value: str | int | bool, source: Source) -> str:
    """The text with the scalar at `path` replaced, or added, quoted, where there is none.

    Raises:
        UserError: the text is not YAML, or what is at `path` or above it cannot be edited alone.
    """
    node, depth = _compose(text, source), 0
    for key in path:
        found = _value_of(node, key, source)
        if found is None or _is_nothing(found):
            break
        node, depth = found, depth + 1
    if depth == len(path):
        return replace_scalar(text, path, value, source)
    edited = yamlinsert.insert(text, node, path[depth:], json.dumps(value, ensure_ascii=False))
    if edited is None:
        shown = ".".join(path[:depth]) or "the file"
        line = node.start_mark.line + 1
        raise UserError(f"{shown} is not a mapping to add to", where=Source(source.path, line))
    _assert_only(text, edited, path, value, source)
    return edited


def _find(text: str, path: Sequence[str], source: Source) -> Any:
    from ruamel.yaml.nodes import ScalarNode

    node = _compose(text, source)
    for key in path:
        node = _value_of(node, key, source)
        if node is None:
            raise UserError(f"there is no {'.'.join(path)}", where=source)
    where = Source(source.path, node.start_mark.line + 1)
    if not isinstance(node, ScalarNode):
        raise UserError(f"{'.'.join(path)} is no single value", where=where)
    return node


def _compose(text: str, source: Source) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML()
    yaml.allow_duplicate_keys = True
    try:
        return yaml.compose(text)
    except YAMLError as error:
        why = str(error).partition("\n")[0]
        raise UserError("this is not valid YAML", where=source, why=why) from None


def _value_of(node: Any, key: str, source: Source) -> Any:
    """The node of a key's value; None if there is no such key.

    Raises:
        UserError: an edit would change other places too, which take the value by an alias.
    """
    from ruamel.yaml.nodes import MappingNode

    entries = node.value if isinstance(node, MappingNode) else []
    found = [(name, value) for name, value in entries if name.value == key]
    if not found:
        return None
    name, value = found[-1]  # of duplicate keys Helm reads the last
    if value.anchor:
        raise UserError(
            f"{key} cannot be edited alone",
            where=Source(source.path, name.start_mark.line + 1),
            why=f"its value is the anchor or an alias of &{value.anchor}",
            next_step="edit it by hand",
        )
    return value


def _is_nothing(node: Any) -> bool:
    """Whether a key has no value, not even a null that is written."""
    return bool(node.start_mark.index == node.end_mark.index)


def _written(value: str | int | bool, before: str) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if before[:1] == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if before[:1] != '"' and _reads_as(value, value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _reads_as(text: str, value: Json) -> bool:
    """Whether `text`, unquoted, is read as `value`, also behind a key and before a comment."""
    try:
        return documents.load(f"key: {text} # end\n", Source("value")) == {"key": value}
    except UserError:
        return False


def _assert_only(
    before: str, after: str, path: Sequence[str], value: str | int | bool, source: Source
) -> None:
    wanted = documents.load(before, source)
    wanted = {} if wanted is None else wanted
    place: Any = wanted
    for key in path[:-1]:
        if place.get(key) is None:
            place[key] = {}
        place = place[key]
    place[path[-1]] = value
    assert documents.load(after, source) == wanted, f"an edit of {source} changed more than {path}"
