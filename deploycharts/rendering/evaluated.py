"""Evaluated releases as they are stored, without what depends on where their tree is."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from deploycharts.errors import UserError
from deploycharts.rendering.release import ChartRef, Layer, Release, fingerprint
from deploycharts.rendering.trees import Tree
from deploycharts.source import Source
from deploycharts.target import Target


def pack(releases: Iterable[Release], tree: Tree) -> bytes:
    """The releases of a tree as they are stored."""
    return json.dumps([_as_json(release, tree.root) for release in releases]).encode()


def unpack(content: bytes, tree: Tree) -> tuple[Release, ...]:
    """What was stored, as releases of a tree that says the same of them.

    Raises:
        UserError: the tree has no such chart.
    """
    return tuple(_from_json(body, layers, tree) for body, layers in _parsed(content))


def _as_json(release: Release, root: Path) -> dict[str, Any]:
    return {
        "target": [release.target.service, release.target.environment, release.target.release],
        "namespace": release.namespace,
        "chart": [release.chart.reference, release.chart.version, _below(release.chart.path, root)],
        "layers": [
            [each.source.path, each.source.line, each.kind, each.secret, each.digest,
             base64.b64encode(each.content).decode()]
            for each in release.layers
        ],
        "missing": release.missing,
        "needs": release.needs,
        "labels": dict(release.labels),
        "hooked": release.hooked,
        "installed": release.installed,
        "argv": release.argv,
        "folder": _below(release.folder, root),
        "state": _below(release.state_file, root),
    }  # fmt: skip


def _below(path: Path | None, root: Path) -> str | None:
    return None if path is None else os.path.relpath(path, root)


@lru_cache(maxsize=256)
def _parsed(content: bytes) -> tuple[tuple[Mapping[str, Any], tuple[Layer, ...]], ...]:
    """What was stored; both sides of a review mostly ask for the same."""
    return tuple((body, _layers(body["layers"])) for body in json.loads(content))


def _layers(stored: Iterable[Sequence[Any]]) -> tuple[Layer, ...]:
    return tuple(
        Layer(Source(place, line), kind, secret, digest, base64.b64decode(content))
        for place, line, kind, secret, digest, content in stored
    )


def _from_json(body: Mapping[str, Any], layers: tuple[Layer, ...], tree: Tree) -> Release:
    root = tree.root
    reference, version, path = body["chart"]
    chart = ChartRef(reference, version, None if path is None else root / path)
    if chart.path is not None and not (chart.path / "Chart.yaml").is_file():
        raise UserError(f"the chart {reference} is not there", where=body["state"])
    return Release(
        target=Target(*body["target"]),
        namespace=body["namespace"],
        chart=chart,
        layers=layers,
        missing=tuple(body["missing"]),
        needs=tuple(body["needs"]),
        labels=body["labels"],
        hooked=body["hooked"],
        installed=body["installed"],
        argv=tuple(body["argv"]),
        folder=root / body["folder"],
        fingerprint=fingerprint(layers, chart, tree.listing),
        state_file=root / body["state"],
    )
