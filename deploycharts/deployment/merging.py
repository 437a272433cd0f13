"""What a client-side merge loses: it finds the items of a list by one field of each.

The keys are those of strategic merge patches (`patchMergeKey` in Kubernetes' own types). A
server-side apply finds ports by number and protocol, a merge by number alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deploycharts.changes.model import FieldPath, Item
from deploycharts.deployment.owners import value_at
from deploycharts.documents import Document, Json

_MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "ports": ("containerPort", "port"),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
}


def loses(path: FieldPath, released: Json) -> bool:
    """Whether an item on the path shares its merge key with another item of its list."""
    for position, element in enumerate(path):
        if not isinstance(element, Item) or not position:
            continue
        items = value_at(released, path[:position])
        item = value_at(released, path[: position + 1])
        name = str(path[position - 1])
        if isinstance(items, list) and _shares(name, item, items):
            return True
    return False


def is_endangered(each: Document) -> bool:
    """Whether a merge may lose an item of the object at all."""
    return any(_shares(name, item, items) for name, items in _lists(each.body) for item in items)


def _shares(name: str, item: Json, items: list[Json]) -> bool:
    if not isinstance(item, dict):
        return False
    for key in _MERGE_KEYS.get(name, ()):
        value = item.get(key)
        if value is not None:
            same = [each for each in items if isinstance(each, dict) and each.get(key) == value]
            return len(same) > 1
    return False


def _lists(value: object) -> Iterator[tuple[str, list[Json]]]:
    if isinstance(value, Mapping):
        for name, below in value.items():
            if name in _MERGE_KEYS and isinstance(below, list):
                yield name, below
            yield from _lists(below)
    elif isinstance(value, list):
        for each in value:
            yield from _lists(each)
