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


def _find(text: str, path: Sequence[str], source: Source) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.nodes import MappingNode, ScalarNode

    yaml = YAML()
    yaml.allow_duplicate_keys = True
    try:
        node = yaml.compose(text)
    except YAMLError as error:
        why = str(error).partition("\n")[0]
        raise UserError("this is not valid YAML", where=source, why=why) from None
    for key in path:
        entries = node.value if isinstance(node, MappingNode) else []
        found = [value for name, value in entries if name.value == key]
        if not found:
            raise UserError(f"there is no {'.'.join(path)}", where=source)
        node = found[-1]  # of duplicate keys Helm reads the last
    if not isinstance(node, ScalarNode):
        raise UserError(
            f"{'.'.join(path)} is no single value",
            where=Source(source.path, node.start_mark.line + 1),
        )
    return node


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
    place: Any = wanted
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert documents.load(after, source) == wanted, f"an edit of {source} changed more than {path}"
