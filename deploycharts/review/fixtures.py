"""Charts with the values that their owners want them tried with."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterator

import yaml

from deploycharts.documents import HelmLoader
from deploycharts.rendering.release import ChartRef, Layer, Release, fingerprint
from deploycharts.rendering.trees import Tree
from deploycharts.review.model import FIXTURES
from deploycharts.source import Source
from deploycharts.target import Target

DEFAULTS = "defaults"
_LONGEST_NAME = 53
_FOLDERS = ("fixtures", ".fixtures")


def charts(tree: Tree) -> tuple[str, ...]:
    """The folders of all charts of the repository, subcharts left out."""
    found = {
        posixpath.dirname(path)
        for path in tree.folders.get("charts", ())
        if posixpath.basename(path) == "Chart.yaml"
    }
    return tuple(
        sorted(each for each in found if not any(above in found for above in _above(each)))
    )


def fixture_names(tree: Tree, chart: str) -> dict[str, str | None]:
    """The fixtures of a chart by name, each with its file; None is the chart's own values alone.

    A chart with ci/*-values.yaml is tried with those only, as chart-testing does it.
    """
    found: dict[str, str | None] = {}
    for path in tree.folders.get(chart, ()):
        folder, name = posixpath.split(path)
        stem, suffix = posixpath.splitext(name)
        if suffix not in (".yaml", ".yml"):
            continue
        if folder in {f"{chart}/{each}" for each in _FOLDERS} and not stem.startswith("."):
            found[stem] = path
        elif folder == f"{chart}/ci" and stem.endswith("-values"):
            found[stem.removesuffix("-values")] = path
    has_ci_only = found and all(str(path).startswith(f"{chart}/ci/") for path in found.values())
    return found if has_ci_only else {DEFAULTS: None, **found}


def fixture_releases(tree: Tree, chart: str) -> Iterator[Release]:
    """The chart as a release for each of its fixtures; none for a library of templates."""
    if _is_library(tree, chart):
        return
    tree.require(tree.closure([chart]))
    reference = ChartRef(chart, "", tree.root / chart)
    name, namespace = chart.removeprefix("charts/"), posixpath.basename(chart)
    for fixture, path in fixture_names(tree, chart).items():
        layers = () if path is None else (_layer(tree, path),)
        yield Release(
            target=Target(name, FIXTURES, fixture),
            namespace=namespace,
            chart=reference,
            layers=layers,
            missing=(),
            needs=(),
            labels={},
            hooked=False,
            installed=True,
            argv=("template", _release_name(fixture), chart, "--namespace", namespace),
            folder=tree.root,
            fingerprint=fingerprint(layers, reference, tree.listing),
            state_file=tree.root / chart / "Chart.yaml",
        )


def _above(folder: str) -> Iterator[str]:
    above = posixpath.dirname(folder)
    while above:
        yield above
        above = posixpath.dirname(above)


def _layer(tree: Tree, path: str) -> Layer:
    content = (tree.root / path).read_bytes()
    return Layer(Source(path), "file", False, hashlib.sha256(content).hexdigest(), content)


def _is_library(tree: Tree, chart: str) -> bool:
    try:
        body = yaml.load(tree.text(f"{chart}/Chart.yaml"), Loader=HelmLoader)  # noqa: S506 (safe)
    except yaml.YAMLError:
        return False
    return isinstance(body, dict) and body.get("type") == "library"


def _release_name(fixture: str) -> str:
    name = re.sub(r"[^a-z0-9-]+", "-", fixture.lower())[:_LONGEST_NAME].strip("-")
    return name or DEFAULTS
