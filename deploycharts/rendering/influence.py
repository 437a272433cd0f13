"""Which values make a field of the rendered objects: found by changing them one by one.

Each trial renders the release with one value changed on top of all layers; what becomes different
is that value's doing. The schema is left out of it, since changed values need not fit it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from deploycharts.documents import Document, Json
from deploycharts.rendering.batch import render_many
from deploycharts.rendering.marked import KeyPath
from deploycharts.rendering.release import Layer, Release
from deploycharts.rendering.remembered import unpack
from deploycharts.source import Source

_NO_SCHEMA = "--skip-schema-validation"


@dataclass(frozen=True, slots=True)
class Influence:
    """What a release renders to when one value is another one; None if it does not render."""

    key: KeyPath
    documents: tuple[Document, ...] | None = field(repr=False)


def influences(
    release: Release, values: Sequence[tuple[KeyPath, Json]]
) -> tuple[tuple[Document, ...] | None, tuple[Influence, ...]]:
    """What a release renders to as it is, and with each of some values changed.

    Args:
        release: an installed one.
        values: the keys to change, with their values.
    """
    trials = [with_value(release, key, other(value)) for key, value in values]
    base, *changed = rendered([release, *trials])
    pairs = zip(values, changed, strict=True)
    return base, tuple(Influence(key, documents) for (key, _), documents in pairs)


def rendered(releases: Sequence[Release]) -> list[tuple[Document, ...] | None]:
    """The objects of releases, remembered nowhere; None for those that do not render."""
    outputs = render_many(releases, cache=None)
    return [
        unpack(output.content, namespace=release.namespace) if output.error is None else None
        for release, output in zip(releases, outputs, strict=True)
    ]


def with_value(release: Release, key: KeyPath, value: Json) -> Release:
    """The release with one value over all layers, its schema left out."""
    body = value
    for name in reversed(key):
        body = {name: body}
    content = json.dumps(body).encode()
    digest = hashlib.sha256(content).hexdigest()
    # Secret, so that nobody stores what it renders to.
    layer = Layer(Source("a trial"), "inline", True, digest, content)
    return replace(
        release, layers=(*release.layers, layer), argv=(*release.argv, _NO_SCHEMA),
        fingerprint=f"{release.fingerprint} {digest}",
    )  # fmt: skip


def other(value: Json) -> Json:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, list):
        return [other(each) for each in value] or ["x"]
    if isinstance(value, dict):
        return {name: other(item) for name, item in value.items()} or {"x": "x"}
    return "x"
