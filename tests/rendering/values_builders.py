"""Releases out of texts: layers, a chart and its subcharts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from deploycharts.rendering.release import ChartRef, Layer, Release
from deploycharts.source import Source
from deploycharts.target import Target

Kind = Literal["file", "template", "inline"]

CHART = "charts/web"
SERVICE = "helmfile.d/services/web"


def write(root: Path, files: Mapping[str, str]) -> Path:
    """Write files below `root`."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def chart(
    values: str = "", templates: Mapping[str, str] | None = None, *, path: str = CHART,
    more: str = "",
) -> dict[str, str]:  # fmt: skip
    """The files of a chart."""
    name = path.rpartition("/")[2]
    head = f"apiVersion: v2\nname: {name}\nversion: 0.1.0\n{more}"
    files = {f"{path}/Chart.yaml": head, f"{path}/values.yaml": values}
    for template, text in (templates or {}).items():
        files[f"{path}/templates/{template}"] = text
    return files


def layer(
    root: Path, name: str, *, kind: Kind = "file", content: str | None = None, secret: bool = False
) -> Layer:
    """A layer of the service, as helmfile would pass it."""
    shown = name if "/" in name else f"{SERVICE}/{name}"
    written = (root / shown).read_text() if content is None else content
    raw = written.encode()
    return Layer(Source(shown), kind, secret, hashlib.sha256(raw).hexdigest(), raw)


def release(
    root: Path, layers: Sequence[Layer], *, arguments: Sequence[str] = (), name: str = "main"
) -> Release:
    """A release of the service `web` on the chart `charts/web`."""
    return Release(
        target=Target("web", "staging", name),
        namespace="web",
        chart=ChartRef(f"../../../{CHART}", "", root / CHART),
        layers=tuple(layers),
        missing=(),
        needs=(),
        labels={},
        hooked=False,
        installed=True,
        argv=("template", name, str(root / CHART), "--namespace", "web", *arguments),
        folder=root,
        fingerprint="",
        state_file=root / SERVICE / "helmfile.yaml",
    )


def service(
    root: Path, files: Mapping[str, str], *, defaults: str = "",
    templates: Mapping[str, str] | None = None, arguments: Sequence[str] = (), more: str = "",
) -> Release:  # fmt: skip
    """Write a chart and the layers of a service, lowest first, and give the release."""
    write(root, chart(defaults, templates, more=more))
    write(root, {f"{SERVICE}/{name}": text for name, text in files.items()})
    layers = [layer(root, name, secret=name.startswith("private")) for name in files]
    return release(root, layers, arguments=arguments)
