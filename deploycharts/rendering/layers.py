"""The layers of a release and the defaults of its chart, as values that know their lines."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deploycharts import documents
from deploycharts.documents import Json
from deploycharts.rendering import settings
from deploycharts.rendering.alignment import align
from deploycharts.rendering.marked import Leaf, Marked, Origin, Table, plain
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
    state = Source(_shown(release.state_file, root))
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
        table = _each(table, _inline)
    elif layer.kind == "template":
        lines = align(edited, text)
        table = _each(table, lambda origin: _moved(origin, lines))
    elif edited != text:
        table = _as_edited(table, read(edited, layer.source.path))
    if layer.secret:
        table = _each(table, lambda origin: replace(origin, secret=True))
    return table


def chart_defaults(release: Release, root: Path, subcharts: Subcharts) -> Defaults:
    """The defaults of the release's chart and of its enabled subcharts.

    Raises:
        UserError: a values.yaml is not YAML.
    """
    if release.chart.path is None:
        return Defaults(Table(Origin(Source(release.chart.reference))))
    return _folder_defaults(release.chart.path, _shown(release.chart.path, root), subcharts)


def imports_values(release: Release) -> bool:
    """Whether the chart takes values over from its subcharts."""
    if release.chart.path is None:
        return False
    declared = _dependencies((release.chart.path / "Chart.yaml").read_bytes(), "Chart.yaml")
    return any(each.get("import-values") for each in declared)


def _folder_defaults(folder: Path, shown: str, subcharts: Subcharts) -> Defaults:
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    found: dict[str, Defaults] = {}
    nested = folder / "charts"
    children = sorted(nested.iterdir()) if nested.is_dir() else []
    declared = _dependencies(files["Chart.yaml"], f"{shown}/Chart.yaml")
    for child in children:
        for name, inner in _names(_chart_name(child), declared, subcharts):
            place = f"{shown}/charts/{child.name}"
            found[name] = (
                _folder_defaults(child, place, inner)
                if child.is_dir()
                else _archive_defaults(child.read_bytes(), place)
            )
    return _defaults(files, shown, found, declares=bool(declared))


def _archive_defaults(content: bytes, shown: str) -> Defaults:
    """Of a packed subchart; what is packed inside that again is left to the comparison."""
    return _defaults(_unpacked(content), shown, {}, declares=False)


def _defaults(
    files: Mapping[str, bytes], shown: str, found: Mapping[str, Defaults], *, declares: bool
) -> Defaults:
    text = files.get("values.yaml", b"").decode(errors="replace")
    return Defaults(read(text, f"{shown}/values.yaml"), found, declares)


def _names(
    name: str, declared: Sequence[Mapping[str, Json]], subcharts: Subcharts
) -> Iterable[tuple[str, Subcharts]]:
    """As what an own chart is enabled: by its name or by aliases."""
    aliases = [str(each.get("alias") or name) for each in declared if each.get("name") == name]
    for each in aliases or [name]:
        if each in subcharts:
            yield each, subcharts[each]


def _chart_name(chart: Path) -> str:
    if chart.is_dir():
        file = chart / "Chart.yaml"
        content = file.read_bytes() if file.is_file() else b""
    elif chart.suffix == ".tgz":
        content = _unpacked(chart.read_bytes()).get("Chart.yaml", b"")
    else:
        content = b""
    body = documents.load(content, Source(str(chart)))
    return str(body.get("name")) if isinstance(body, dict) else ""


def _unpacked(content: bytes) -> dict[str, bytes]:
    """The files at the top of a packed chart."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for member in archive:
            _, _, name = member.name.partition("/")
            stream = archive.extractfile(member) if "/" not in name else None
            if stream is not None:
                found[name] = stream.read()
    return found


def _dependencies(chart: bytes, shown: str) -> list[Mapping[str, Json]]:
    body = documents.load(chart, Source(shown))
    declared = body.get("dependencies") if isinstance(body, dict) else None
    if not isinstance(declared, list):
        return []
    return [each for each in declared if isinstance(each, dict)]


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
    return _each(item, lambda each: replace(origin, value=each.value))


def _each(table: Table, change: Callable[[Origin], Origin]) -> Table:
    """The table with all origins changed."""
    items: dict[str, Marked] = {}
    for key, item in table.items.items():
        if isinstance(item, Table):
            items[key] = _each(item, change)
        else:
            shadowed = tuple(change(each) for each in item.shadowed)
            items[key] = Leaf(change(item.origin), shadowed)
    shadowed = tuple(change(each) for each in table.shadowed)
    return Table(change(table.origin), items, shadowed)


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
