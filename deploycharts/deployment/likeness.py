"""How a released document and a live object differ, field by field; secrets compare as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploycharts.changes.fields import FieldDiff
from deploycharts.changes.model import Change
from deploycharts.documents import Document, Json, document

_KEPT_METADATA = ("labels", "annotations")
_BOOKKEEPING = frozenset(("apiVersion", "kind", "metadata", "status"))


def distance(released: Document, body: Mapping[str, Any]) -> int:
    """How many fields differ; what the API server adds counts for every document alike."""
    return len(differences(released, body))


def differences(released: Document, body: Mapping[str, Any]) -> tuple[Change, ...]:
    """The changes from what was released to what is live."""
    plain = with_plain_data(released)
    found = FieldDiff(released.key)
    found.compare(comparable(plain, like=released.body), comparable(
        document(body, namespace=released.key.namespace), like=released.body
    ))  # fmt: skip
    return tuple(found.changes)


def comparable(each: Document, *, like: Mapping[str, Any]) -> dict[str, Json]:
    """The fields that can have been released, named by `like`; of metadata what charts set."""
    names = {"data" if name == "stringData" else name for name in like}
    metadata = each.body.get("metadata")
    kept = (
        {name: metadata[name] for name in _KEPT_METADATA if name in metadata}
        if isinstance(metadata, dict)
        else {}
    )
    fields = {
        name: value
        for name, value in each.body.items()
        if name in names and name not in _BOOKKEEPING
    }
    return {"metadata": kept, **fields}


def with_plain_data(each: Document) -> Document:
    """A Secret as it is stored: `stringData` is for writing only and wins over `data`."""
    written = each.body.get("stringData")
    if each.key.kind != "Secret" or not isinstance(written, dict):
        return each
    import base64

    encoded = {
        name: base64.b64encode(str(value).encode()).decode() for name, value in written.items()
    }
    data = each.body.get("data")
    merged: dict[str, Json] = {**(data if isinstance(data, dict) else {}), **encoded}
    body = {name: value for name, value in each.body.items() if name != "stringData"}
    return document({**body, "data": merged}, namespace=each.key.namespace, template=each.template)
