"""Renders that need not be repeated: the same layers, chart, arguments and helm give the same."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from deploycharts.documents import Document, Json, document
from deploycharts.rendering.cache import key, program_identity
from deploycharts.rendering.release import Layer, Release

EXAMPLE = "private.example.yaml"
_READ_AT_RENDER = frozenset(("--set-file", "--post-renderer", "--output-dir", "--validate"))
ACTION = re.compile(rb"\{\{.*?\}\}", re.DOTALL)
"""What stands between the braces of a template, these included."""
_UNSTEADY = re.compile(
    rb"(?<![\w.$])(now|ago|uuidv4|rand(?:Alpha|AlphaNum|Numeric|Ascii|Bytes|Int)|genPrivateKey"
    rb"|genCA\w*|genSelfSignedCert\w*|genSignedCert\w*|htpasswd|bcrypt|encryptAES|shuffle"
    rb"|getHostByName)\b"
)


def render_key(release: Release) -> str | None:
    """The name of a release's render; None if it must not be stored or would not be the same.

    What secret layers went into is not stored, but for the dummy values of an example.
    """
    if any(layer.secret and not is_example(layer) for layer in release.layers):
        return None
    if _READ_AT_RENDER & {word.partition("=")[0] for word in release.argv}:
        return None
    path = release.chart.path
    if path is None and not release.chart.version:
        return None
    if path is not None and is_unsteady(path):
        return None
    words = ("chart" if word == release.chart.reference else word for word in release.argv)
    return key("render", program_identity("helm"), release.fingerprint, *words)


def is_example(layer: Layer) -> bool:
    """Whether a layer holds dummy values that stand in for secrets."""
    return Path(layer.source.path).name == EXAMPLE


@lru_cache(maxsize=1024)
def is_unsteady(chart: Path) -> bool:
    """Whether a chart's templates use functions that give something else each time."""
    return any(map(_UNSTEADY.search, actions_of(chart)))


@lru_cache(maxsize=1024)
def actions_of(chart: Path) -> tuple[bytes, ...]:
    """All actions of a chart's templates and of its unpacked subcharts'."""
    return tuple(
        action for file in templates(chart) for action in ACTION.findall(file.read_bytes())
    )


def templates(chart: Path) -> Iterator[Path]:
    """The files in the folders `templates` of a chart and of its unpacked subcharts."""
    for folder, _, names in os.walk(chart, followlinks=True):
        if "templates" in Path(folder).relative_to(chart).parts:
            yield from (Path(folder, name) for name in names)


def pack(objects: Iterable[tuple[str, Json]]) -> bytes:
    """Rendered objects, each with its template, as they are stored and as the server says them."""
    found = [{"template": template, "body": body} for template, body in objects]
    text = json.dumps({"objects": found}, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="surrogatepass")


def unpack(content: bytes, *, namespace: str) -> tuple[Document, ...]:
    """The documents of a stored render.

    Raises:
        UserError: an object is no Kubernetes object.
    """
    return tuple(
        document(each["body"], namespace=namespace, template=each["template"])
        for each in json.loads(content)["objects"]
    )
