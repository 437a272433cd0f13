"""Live objects as the API server hands them out, for tests that need no cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from deploycharts.changes.masking import Masker
from deploycharts.cluster.live import Live, State
from deploycharts.deployment.drift import Drift, compare
from deploycharts.documents import Document, document

MASK = Masker((), b"0123456789abcdef0123456789abcdef")


def parsed(text: str) -> Document:
    """The object that a YAML text describes."""
    return document(yaml.safe_load(text), namespace="echo")


def entry(manager: str, fields: str, **more: str) -> dict[str, Any]:
    """One entry of managedFields; `fields` is YAML."""
    facts = {"manager": manager, "operation": "Update", "time": "2026-01-02T03:04:05Z", **more}
    return {**facts, "apiVersion": "v1", "fieldsV1": yaml.safe_load(fields)}


def there(released: Document, changed: Mapping[str, Any], *book: Mapping[str, Any]) -> Live:
    """The object with some top-level fields changed, and the book of its managers."""
    metadata = {**(released.body.get("metadata") or {}), "managedFields": list(book)}  # type: ignore[dict-item]
    body = {**released.body, "metadata": metadata, "status": {"phase": "fine"}, **changed}
    return Live(released.key, State.THERE, body)


def drifts(released: Document, now: Live, mask: Masker = MASK) -> tuple[Drift, ...]:
    """What differs between one released object and its live one."""
    return compare([released], {released.key: now}, mask=mask)
