"""Which object is which: keys, generated names, duplicates, renames."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from deploycharts.documents import Document, Json, ObjectKey, document

_ALIKE = 0.5
_MOST_LEFTOVERS = 60


def flatten(documents: Iterable[Document]) -> Iterator[Document]:
    """The documents, with the items of `kind: List` in the list's place."""
    for each in documents:
        items = each.body.get("items")
        if not each.key.kind.endswith("List") or not isinstance(items, list):
            yield each
            continue
        for item in items:
            if isinstance(item, dict) and "kind" in item:
                namespace = each.key.namespace
                yield from flatten([document(item, namespace=namespace, template=each.template)])


def by_key(
    documents: Iterable[Document],
) -> tuple[dict[ObjectKey, Document], tuple[ObjectKey, ...]]:
    """The documents by key, and the keys that occur more than once (the last one counts)."""
    found: dict[ObjectKey, Document] = {}
    duplicates: dict[ObjectKey, None] = {}
    generated: dict[ObjectKey, int] = {}
    for each in flatten(documents):
        key = each.key
        if not key.name:
            key = _generated(each, generated)
            each = replace(each, key=key)
        elif key in found:
            duplicates[key] = None
        found[key] = each
    return found, tuple(duplicates)


def _generated(each: Document, seen: dict[ObjectKey, int]) -> ObjectKey:
    metadata = each.body.get("metadata")
    prefix = metadata.get("generateName") if isinstance(metadata, dict) else None
    key = replace(each.key, name=f"{prefix or ''}*")
    seen[key] = seen.get(key, 0) + 1
    return key if seen[key] == 1 else replace(key, name=f"{key.name}{seen[key]}")


def renames(
    removed: Mapping[ObjectKey, Document], added: Mapping[ObjectKey, Document]
) -> dict[ObjectKey, ObjectKey]:
    """Which added object is which removed one under another name: head key → base key."""
    if not removed or not added or len(removed) + len(added) > _MOST_LEFTOVERS:
        return {}
    pairs = sorted(_similar_pairs(removed, added), key=lambda pair: (-pair[0], pair[1], pair[2]))
    found: dict[ObjectKey, ObjectKey] = {}
    for _, base, head in pairs:
        if head not in found and base not in found.values():
            found[head] = base
    return found


def _similar_pairs(
    removed: Mapping[ObjectKey, Document], added: Mapping[ObjectKey, Document]
) -> Iterator[tuple[float, ObjectKey, ObjectKey]]:
    leaves_of_added = {key: _body_leaves(each, key) for key, each in added.items()}
    for base, each in removed.items():
        of_base: frozenset[str] | None = None
        for head, of_head in leaves_of_added.items():
            if (base.group, base.kind, base.namespace) != (head.group, head.kind, head.namespace):
                continue
            if of_base is None:
                of_base = _body_leaves(each, base)
            alike = len(of_base & of_head) / max(1, len(of_base | of_head))
            if alike >= _ALIKE:
                yield alike, base, head


def _body_leaves(each: Document, key: ObjectKey) -> frozenset[str]:
    fields = {name: each.body[name] for name in each.body if name not in ("apiVersion", "kind")}
    return leaves(fields, without=key.name)


def leaves(value: Json, *, without: str = "") -> frozenset[str]:
    """All `path=value` in a value, with a text left out of them: the object's own name."""
    found = _leaves("", value)
    return frozenset(text.replace(without, "") if without else text for text in found)


def _leaves(path: str, value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(f"{path}.{name}", item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(f"{path}[]", item)
    elif isinstance(value, str):
        yield from (f"{path}={line}" for line in value.split("\n"))
    else:
        yield f"{path}={json.dumps(value)}"
