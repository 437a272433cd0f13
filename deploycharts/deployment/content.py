"""What counts as the same content of a release: what holds and failures are remembered by."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence

from deploycharts.changes.identity import flatten
from deploycharts.deployment.plan import Step
from deploycharts.documents import Document, Json
from deploycharts.rendering.render import render

_LENGTH = 32
# Helm sets them on live objects, charts as they like; they say nothing of what runs.
_HELMS = {
    "labels": frozenset({"app.kubernetes.io/managed-by"}),
    "annotations": frozenset({"meta.helm.sh/release-name", "meta.helm.sh/release-namespace"}),
}


def content_id(documents: Sequence[Document], key: bytes) -> str:
    """The ID of what one release consists of, the same for a fresh render and helm's record of it.

    The order of objects does not count, nor do labels and annotations that helm adds, nor CRDs in
    the chart's folder `crds`, which helm does not record. All of it is hashed with `key`, as
    secrets are among it.
    """
    facts = sorted(
        json.dumps([str(each.key.group), each.key.kind, each.key.namespace, each.key.name,
                    _normal(each)], sort_keys=True, separators=(",", ":"))
        for each in flatten(documents)
        if "/crds/" not in each.template
    )  # fmt: skip
    return hmac.new(key, "\n".join(facts).encode(), hashlib.sha256).hexdigest()[:_LENGTH]


def content_of(step: Step, key: bytes) -> str:
    """The ID of the content that a step brings."""
    (rendered,) = render([step.release])  # the plan rendered it a moment ago: it is in the cache
    return content_id(rendered.documents, key)


def _normal(each: Document) -> dict[str, Json]:
    """An object without what helm adds to it."""
    body = dict(each.body)
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return body
    kept = {name: value for name, value in metadata.items() if name != "namespace"}
    for field, helms in _HELMS.items():
        said = kept.pop(field, None)
        if isinstance(said, dict):
            said = {name: value for name, value in said.items() if name not in helms}
        if said:
            kept[field] = said
    return {**body, "metadata": kept}
