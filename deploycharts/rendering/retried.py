"""Releases of a tree in which a few files were changed, mostly without asking helmfile again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from deploycharts.rendering.hunks import is_same_file
from deploycharts.rendering.release import Layer, Release, fingerprint
from deploycharts.target import Target
from deploycharts.tools import helm

Evaluate: TypeAlias = Callable[[Path, Target], Release | None]
"""Asks helmfile for the release of a target in a tree; None if it has none there."""


@dataclass(frozen=True, slots=True)
class Retried:
    """The releases of a base and of trees that are like it but for some files.

    Attributes:
        base: the tree that `releases` were evaluated in.
        changed: the files that other trees may have changed.
        releases: of the base.
        evaluate: for trees in which more changed than charts and plain layers.
    """

    base: Path
    changed: Collection[str]
    releases: Mapping[Target, Release]
    evaluate: Evaluate

    def release(self, folder: Path, target: Target) -> Release | None:
        """The release of a target in a tree.

        Raises:
            UserError: helmfile cannot evaluate it there.
        """
        known = self.releases.get(target)
        if known is None:
            return self.evaluate(folder, target)
        touched = {
            path for path in self.changed if not is_same_file(self.base / path, folder / path)
        }
        if _decisive(touched, known, self.base):
            return self.evaluate(folder, target)
        return moved(known, self.base, folder)


def _decisive(touched: Collection[str], release: Release, base: Path) -> set[str]:
    """The files that decide more than what a layer or a chart says."""
    plain = {layer.source.path for layer in release.layers if _is_plain(layer, base)}
    chart = release.chart.path
    prefix = f"{chart.relative_to(base)}/" if chart and chart.is_relative_to(base) else "\0"
    return {path for path in touched if path not in plain and not path.startswith(prefix)}


def _is_plain(layer: Layer, base: Path) -> bool:
    """Whether helmfile passes the file on as it is."""
    file = base / layer.source.path
    return layer.kind == "file" and file.is_file() and file.read_bytes() == layer.content


def moved(release: Release, base: Path, folder: Path) -> Release:
    """The release of `base` with the layers and the chart of another tree."""
    layers = tuple(_read_again(layer, base, folder) for layer in release.layers)
    path = release.chart.path
    chart = replace(release.chart, path=_in(folder, base, path) if path else None)
    return replace(
        release,
        layers=layers,
        chart=chart,
        argv=tuple(word.replace(f"{base}/", f"{folder}/") for word in release.argv),
        folder=_in(folder, base, release.folder),
        state_file=_in(folder, base, release.state_file),
        aim=release.aim.moved(base, folder) if release.aim else None,
        fingerprint=fingerprint(layers, chart, helm.chart_listing),
    )


def _read_again(layer: Layer, base: Path, folder: Path) -> Layer:
    if not _is_plain(layer, base):
        return layer
    file = folder / layer.source.path
    content = file.read_bytes() if file.is_file() else b""
    return replace(layer, content=content, digest=hashlib.sha256(content).hexdigest())


def _in(folder: Path, base: Path, path: Path) -> Path:
    return folder / path.relative_to(base) if path.is_relative_to(base) else path
