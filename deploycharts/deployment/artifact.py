"""What "staging ran exactly this" compares: chart, images, and the layers common to all."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from deploycharts.changes.workloads import images
from deploycharts.rendering.release import Layer, Release
from deploycharts.rendering.render import Rendered
from deploycharts.tools import helm

_LENGTH = 16


def artifact_id(rendered: Rendered) -> str:
    """The ID of what a release runs, the same in each environment that runs the same.

    Left out are layers of one environment (their path has its name as a word of its own), secret
    ones, and what helmfile makes of templates: these differ by design.
    """
    release = rendered.release
    facts = [
        _chart(release),
        *sorted({image for document in rendered.documents for image in images(document).values()}),
        *(layer.digest for layer in release.layers if _is_common(layer, release)),
    ]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:_LENGTH]


def _chart(release: Release) -> str:
    chart = release.chart
    if chart.path is None:
        return f"{chart.reference} {chart.version}"
    return helm.chart_listing(Path(chart.path))


def _is_common(layer: Layer, release: Release) -> bool:
    *folders, name = layer.source.path.split("/")
    environment = release.target.environment
    own = f"-{environment}-" in f"-{re.sub(r'[^A-Za-z0-9]+', '-', name)}-"
    return layer.kind == "file" and not layer.secret and not own and environment not in folders
