"""The schema and the table of a chart's values, made from values.yaml and its comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from deploycharts import documents
from deploycharts.documents import HelmLoader, Json
from deploycharts.source import Source

_COMMENT = re.compile(r"^\s*# -- (.*)$")
_MORE = re.compile(r"^\s*#( .*)?$")
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"),
    (dict, "object"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Documented:
    """One key of values.yaml: its path, default and comment."""

    path: tuple[str, ...]
    default: Json
    comment: str
    is_group: bool

    @property
    def key(self) -> str:
        """The path as Helm writes it."""
        return ".".join(self.path)


def documented(text: str) -> tuple[Documented, ...]:
    """Every key of a values.yaml, groups before what is in them."""
    node = yaml.compose(text, Loader=HelmLoader)
    body = documents.load(text, Source("values.yaml"))
    lines = text.splitlines()
    return tuple(_walk(node, body, lines, ()))


def schema(values: str, constraints: Mapping[str, Any], title: str) -> str:
    """The strict draft-07 schema of a values.yaml."""
    root: dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        **_object(),
    }
    for entry in documented(values):
        parent = root
        for part in entry.path[:-1]:
            parent = parent["properties"][part]
        parent["properties"][entry.path[-1]] = _property(entry, constraints.get(entry.key, {}))
    root["properties"]["global"] = {"type": "object", "description": "What subcharts share"}
    return json.dumps(root, indent=2, ensure_ascii=False) + "\n"


def table(values: str) -> str:
    """The markdown table of a values.yaml."""
    rows = ["| key | default | meaning |", "| --- | --- | --- |"]
    for entry in documented(values):
        if not entry.is_group:
            default = json.dumps(entry.default, ensure_ascii=False)
            rows.append(
                f"| `{entry.key}` | `{default}` | {entry.comment.replace('|', chr(92) + '|')} |"
            )
    return "\n".join(rows) + "\n"


def _walk(
    node: yaml.Node | None, body: Json, lines: list[str], path: tuple[str, ...]
) -> Iterator[Documented]:
    if not isinstance(node, yaml.MappingNode) or not isinstance(body, dict):
        return
    for key, value in node.value:
        here = (*path, str(key.value))
        default = body[str(key.value)]
        comment = _comment_above(lines, key.start_mark.line)
        is_group = isinstance(value, yaml.MappingNode) and bool(value.value)
        yield Documented(here, default, comment, is_group and not comment)
        if is_group and not comment:
            yield from _walk(value, default, lines, here)


def _comment_above(lines: list[str], number: int) -> str:
    found: list[str] = []
    for line in reversed(lines[:number]):
        first = _COMMENT.match(line)
        if first:
            return " ".join([first[1], *reversed(found)])
        if not _MORE.match(line):
            return ""
        found.append(line.strip().removeprefix("#").strip())
    return ""


def _object() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": {}}


def _property(entry: Documented, constraints: Mapping[str, Any]) -> dict[str, Any]:
    if entry.is_group:
        return {**_object(), **constraints}
    kind = next((name for t, name in _TYPES if isinstance(entry.default, t)), "null")
    found: dict[str, Any] = {"description": entry.comment, "type": kind, **constraints}
    if kind == "object" and "additionalProperties" not in found:
        found["additionalProperties"] = False
    return found
