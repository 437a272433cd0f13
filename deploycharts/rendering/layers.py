"""The layers of a release and the defaults of its chart, as values that know their lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from deploycharts.rendering import settings
from deploycharts.rendering.alignment import align
from deploycharts.rendering.chartfiles import ChartFiles
from deploycharts.rendering.marked import Leaf, Marked, Origin, Table, plain, with_origins
from deploycharts.rendering.merging import Defaults, merge_files
from deploycharts.rendering.reading import read
from deploycharts.rendering.release import Layer, Release
from deploycharts.rendering.values import Subcharts
from deploycharts.source import Source

TEMPLATED = "the line is made by the template of this layer"
INLINE = "inline values of the state file"
FETCHED = "helmfile fetches the value from elsewhere"


def user_values(release: Release, root: Path) -> Table:
    """What all layers and `set` of a release say, files lowest, as Helm merges them.

    Raises:
        UserError: a layer is not YAML, or not a mapping.
    """
    found = Table(Origin(Source(str(release.state_file))))
    for layer in release.layers:
        found = merge_files(found, read_layer(layer, root))
    state = Source(shown(release.state_file, root))
    text = release.state_file.read_text(errors="replace") if release.state_file.is_file() else ""
    return settings.apply(found, release, state, text)


def read_layer(layer: Layer, root: Path) -> Table:
    """The values of one layer, with the lines of the file that people edit.

    Raises:
        UserError: it is not YAML, or not a mapping.
    """
    text = layer.content.decode(errors="replace")
    table = read(text, layer.source.path)
    file = root / layer.source.path
    edited = file.read_text(errors="replace") if file.is_file() else ""
    if layer.kind == "inline":
        table = with_origins(table, _inline)
    elif layer.kind == "template":
        lines = align(edited, text)
        table = with_origins(table, lambda origin: _moved(origin, lines))
    elif edited != text:
        table = _as_edited(table, read(edited, layer.source.path))
    if layer.secret:
        table = with_origins(table, lambda origin: replace(origin, secret=True))
    return table


def chart_defaults(chart: ChartFiles, subcharts: Subcharts) -> Defaults:
    """The defaults of a chart and of its enabled subcharts.

    Raises:
        UserError: a values.yaml is not YAML.
    """
    text = chart.files.get("values.yaml", b"").decode(errors="replace")
    found = {
        name: chart_defaults(each, subcharts[name])
        for each in chart.subcharts
        for name in chart.names_of(each)
        if name in subcharts
    }
    return Defaults(read(text, f"{chart.shown}/values.yaml"), found, bool(chart.dependencies))


def _inline(origin: Origin) -> Origin:
    """Inline values reach helm rewritten: the state file's line is not known."""
    return replace(origin, source=Source(origin.source.path), last_line=None, doubt=INLINE)


def _moved(origin: Origin, lines: Mapping[int, int]) -> Origin:
    """The origin in the template instead of in what it wrote."""
    line = lines.get(origin.source.line or 0)
    source = Source(origin.source.path, line)
    also = tuple(Source(each.path, lines.get(each.line or 0)) for each in origin.also)
    doubt = "" if line and all(each.line for each in also) else TEMPLATED
    return replace(origin, source=source, last_line=line, also=also, doubt=doubt)


def _as_edited(table: Table, edited: Table) -> Table:
    """Values that helmfile wrote anew (because of `ref+`), with the lines of the file itself."""
    items: dict[str, Marked] = {}
    for key, item in table.items.items():
        own = edited.items.get(key)
        if isinstance(item, Table) and isinstance(own, Table):
            items[key] = replace(_as_edited(item, own), origin=own.origin)
        elif own is None:
            items[key] = item
        else:
            items[key] = _with_origin(item, own)
    return replace(table, items=items)


def _with_origin(item: Marked, own: Marked) -> Marked:
    is_fetched = "ref+" in str(plain(own))
    doubt = FETCHED if is_fetched else ""
    value = item.origin.value
    origin = replace(own.origin, value=value, secret=is_fetched, doubt=doubt)
    if isinstance(item, Leaf):
        return replace(item, origin=origin)
    return with_origins(item, lambda each: replace(origin, value=each.value))


def shown(path: Path, root: Path) -> str:
    """`path` as a user of the repository would type it."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
