"""Reading values files as Helm reads them, keeping the lines."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from deploycharts.documents import HelmLoader, Json, invalid_yaml
from deploycharts.rendering.marked import Leaf, Marked, Origin, Table, plain
from deploycharts.rendering.merging import merge_files, over
from deploycharts.source import Source

_MERGE = "tag:yaml.org,2002:merge"
_DOCUMENT_END = re.compile(r"^---(?=\s|$)", re.MULTILINE)


def read(text: str, path: str) -> Table:
    """The values in a file, which may hold several documents, later ones over earlier ones.

    Raises:
        UserError: it is not YAML, or not a mapping; the error names path:line.
    """
    found = Table(Origin(Source(path)))
    for first_line, part in _parts(text):
        try:
            node = yaml.compose(part, Loader=HelmLoader)
        except yaml.YAMLError as error:
            raise invalid_yaml(error, Source(path, first_line)) from None
        if isinstance(node, yaml.MappingNode):
            reader = _Reader(path, first_line - 1)
            found = merge_files(found, reader.table(node, reader.origin(node)))
    return found


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Each document with the number of its first line."""
    starts = [0, *(found.start() for found in _DOCUMENT_END.finditer(text)), len(text)]
    for start, end in itertools.pairwise(starts):
        part = _DOCUMENT_END.sub("   ", text[start:end], count=1)
        yield text.count("\n", 0, start) + 1, part


class _Reader:
    """Turns the nodes of one document into marked values."""

    def __init__(self, path: str, lines_before: int) -> None:
        self._path = path
        self._before = lines_before
        self._scalars = HelmLoader("")

    def table(self, node: yaml.MappingNode, origin: Origin) -> Table:
        """A mapping; keys of its own win over merged ones, the last of equal keys wins."""
        merged: dict[str, Marked] = {}
        own: dict[str, Marked] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                for name, item in self._merged(key, value):
                    merged.setdefault(name, item)
            else:
                name = self._name(key)
                own[name] = over(self._item(key, value), own.get(name))
        hidden = {name: over(item, merged.get(name)) for name, item in own.items()}
        return Table(origin, {**merged, **hidden})

    def origin(self, node: yaml.Node) -> Origin:
        """Where a node is."""
        return Origin(Source(self._path, self._line(node)), value={})

    def _item(self, key: yaml.Node, value: yaml.Node) -> Marked:
        line = self._line(key)
        anchored = self._line(value)
        source = Source(self._path, line)
        is_alias = anchored < line
        also = tuple(Source(self._path, each) for each in sorted(self._lines_before(value, line)))
        last = line if is_alias or _is_empty(value) else self._last_line(value)
        origin = Origin(source, last, also=also)
        if isinstance(value, yaml.MappingNode):
            table = self.table(value, replace(origin, value={}))
            return _through(table, source) if is_alias else table
        return Leaf(replace(origin, value=self._plain(value)))

    def _lines_before(self, node: yaml.Node, line: int) -> set[int]:
        """Where the value of a key in `line` has anchors before it."""
        if self._line(node) < line:
            return {self._line(node)}
        items = node.value if isinstance(node, yaml.SequenceNode) else []
        return {each for item in items for each in self._lines_before(item, line)}

    def _merged(self, key: yaml.Node, value: yaml.Node) -> Iterator[tuple[str, Marked]]:
        through = Source(self._path, self._line(key))
        nodes = value.value if isinstance(value, yaml.SequenceNode) else [value]
        for node in nodes:
            if isinstance(node, yaml.MappingNode):
                table = _through(self.table(node, self.origin(node)), through)
                yield from table.items.items()

    def _plain(self, node: yaml.Node) -> Json:
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return plain(self.table(node, self.origin(node)))
        return _json(self._scalar(node))

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return self._scalars.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError):
            return node.value  # a tag of somebody's own; compared with Helm's answer later

    def _name(self, key: yaml.Node) -> str:
        value = self._plain(key)
        if isinstance(value, bool):
            return "true" if value else "false"
        return "null" if value is None else str(value)

    def _line(self, node: yaml.Node) -> int:
        return int(node.start_mark.line) + 1 + self._before

    def _last_line(self, node: yaml.Node) -> int:
        """The last line of a value; libyaml ends a block where the next thing begins."""
        if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
            return max(self._last_line(item) for item in node.value)
        if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
            return max(self._last_line(value) for _, value in node.value)
        end = node.end_mark
        is_block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
        line = int(end.line) + (0 if is_block or end.column == 0 else 1)
        return max(line + self._before, self._line(node))


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.value


def _through(table: Table, place: Source) -> Table:
    """The table with `place` as a further line that every value in it comes through."""
    items: dict[str, Marked] = {}
    for key, item in table.items.items():
        origin = replace(item.origin, also=(*item.origin.also, place))
        if isinstance(item, Table):
            items[key] = _through(replace(item, origin=origin), place)
        else:
            items[key] = Leaf(origin, item.shadowed)
    return replace(table, items=items)


def _json(value: Any) -> Json:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
