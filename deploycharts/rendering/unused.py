"""Keys that a service sets for nothing: that no template reads, or that have no effect now."""

from __future__ import annotations

import difflib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploycharts.documents import Json
from deploycharts.rendering.chartfiles import ChartFiles, read_chart
from deploycharts.rendering.layers import shown
from deploycharts.rendering.marked import KeyPath, Origin, leaves, show_key
from deploycharts.rendering.provenance import Provenance, texts
from deploycharts.rendering.reading import read
from deploycharts.rendering.release import Layer, Release
from deploycharts.rendering.uses import uses_of
from deploycharts.rendering.values import chart_argv, write_layers
from deploycharts.source import Source
from deploycharts.tools import helm
from deploycharts.tools.workdir import private_folder

_PROCESSES = 4
_NEAR = 0.6
_MOST_NEAR = 2


@dataclass(frozen=True, slots=True)
class Unused:
    """A key that a layer of the service sets in vain.

    Attributes:
        line: the line that sets it.
        read_at: a template that can read it, although another value changes nothing now; None
            if no template reads it at all.
        near: keys that were perhaps meant.
    """

    key: KeyPath
    line: Origin
    read_at: Source | None
    near: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The key as people write it."""
        return show_key(self.key)


def unused(release: Release, explained: Sequence[Provenance], root: Path) -> tuple[Unused, ...]:
    """The keys in the service's own layers that no template reads, or that change nothing now.

    Files that are shared by services, as the defaults of an environment, do not count: no chart
    needs to read all of them. A chart that is fetched from elsewhere cannot be searched: nothing
    is found then.

    Args:
        release: an installed one.
        explained: what `provenance.explain` says of it, unmasked.
        root: the top of the repository.
    """
    if release.chart.path is None:
        return ()
    chart = read_chart(release.chart.path, shown(release.chart.path, root))
    uses = uses_of(chart, [text for each in explained for text in texts(each.value)])
    defaults = _default_keys(chart)
    filled = {key[:-1] for key in defaults}
    known = defaults | _with_maps(uses.names())
    own = {layer.source.path for layer in release.layers if _is_own(layer, release, root)}
    never, read_ones = [], []
    for each in explained:
        if each.winner is None or each.is_deleted or each.winner.source.path not in own:
            continue
        place = uses.reading(each.key, filled)
        if place is None:
            never.append(Unused(each.key, each.winner, None, _near(each.key, known)))
        else:
            read_ones.append(Unused(each.key, each.winner, place.source))
    values = {each.key: each.value for each in explained}
    return (*never, *_without_effect(release, read_ones, values))


def _is_own(layer: Layer, release: Release, root: Path) -> bool:
    folder = shown(release.state_file.parent, root)
    return layer.secret or layer.source.path.startswith(f"{folder}/")


def _default_keys(chart: ChartFiles) -> frozenset[KeyPath]:
    """The keys and maps of the chart's own defaults."""
    text = chart.files.get("values.yaml", b"").decode(errors="replace")
    return _with_maps(key for key, _ in leaves(read(text, chart.shown)))


def _with_maps(keys: Iterable[KeyPath]) -> frozenset[KeyPath]:
    return frozenset(key[:length] for key in keys for length in range(1, len(key) + 1))


def _near(key: KeyPath, known: frozenset[KeyPath]) -> tuple[str, ...]:
    """Keys that look alike, in the same map if there are any."""
    depth = next((at for at in range(1, len(key) + 1) if key[:at] not in known), 0)
    if not depth:
        return ()  # the chart has a default for it, and still does not read it
    part, rest = key[:depth], key[depth:]
    beside = {path[-1].lower(): path for path in sorted(known) if path[:-1] == part[:-1]}
    found = _alike(part[-1], beside)
    if not found:
        found = _alike(show_key(part), {show_key(path).lower(): path for path in sorted(known)})
    return tuple(show_key((*path, *rest)) for path in found)


def _alike(word: str, known: dict[str, KeyPath]) -> list[KeyPath]:
    matches = difflib.get_close_matches(word.lower(), known, n=_MOST_NEAR, cutoff=_NEAR)
    return [known[match] for match in matches]


def _without_effect(
    release: Release, candidates: Sequence[Unused], values: dict[KeyPath, Json]
) -> Iterator[Unused]:
    """Those whose value could be another one without a change of what is rendered."""
    if not candidates or not release.installed:
        return
    with private_folder("unused") as workdir:
        renderer = _Renderer(release, workdir)
        overlays = [_nested(each.key, _other(values[each.key])) for each in candidates]
        with ThreadPoolExecutor(max_workers=_PROCESSES) as pool:
            before, again, *changed = pool.map(renderer.render, [{}, {}, *overlays])
    if before is None or again is None:
        return
    for each, text in zip(candidates, changed, strict=True):
        if text is not None and _is_same(before, text, but_for=again):
            yield each


def _is_same(text: str, other: str, *, but_for: str) -> bool:
    """Whether two renders are the same, but for lines that differ in each render."""
    lines, others, again = text.split("\n"), other.split("\n"), but_for.split("\n")
    if len(lines) != len(others) or len(lines) != len(again):
        return False
    return all(
        one == two or one != three for one, two, three in zip(lines, others, again, strict=True)
    )


class _Renderer:
    """Renders a release with other values, its schema left out."""

    def __init__(self, release: Release, workdir: Path) -> None:
        assert release.chart.path is not None
        chart = workdir / "chart"
        ignored = shutil.ignore_patterns(".git", "values.schema.json")
        shutil.copytree(release.chart.path, chart, ignore=ignored)
        self._words = [*chart_argv(release, chart), *write_layers(release, workdir)]
        self._folder = release.folder
        self._workdir = workdir

    def render(self, overlay: Json) -> str | None:
        """What helm writes with `overlay` over all layers; None if it fails."""
        handle, file = tempfile.mkstemp(dir=self._workdir, suffix=".yaml")
        with os.fdopen(handle, "w") as stream:
            json.dump(overlay, stream)
        answer = helm.template([*self._words, "--values", file], folder=self._folder)
        return answer.out if answer.code == 0 else None


def _nested(key: KeyPath, value: Json) -> Json:
    for name in reversed(key):
        value = {name: value}
    return value


def _other(value: Json) -> Json:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, list):
        return [*value, *(value[-1:] or ["x"])]
    return {"x": "x"} if value == {} else "x"
