"""Changes as JSON and back, exactly."""

from __future__ import annotations

from deploycharts.changes.model import INSIDE, Change, FieldPath, Inside, Item, Op, Scalar
from deploycharts.documents import Json, ObjectKey


def change_to_json(change: Change) -> dict[str, Json]:
    """A change as JSON; `old` and `new` only where the operation has them."""
    key = change.object
    found: dict[str, Json] = {
        "op": change.op.value,
        "object": {
            "group": key.group,
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
        },
        "path": [_element_to_json(element) for element in change.path],
    }
    if change.op in (Op.REMOVE, Op.REPLACE) or change.old is not None:
        found["old"] = change.old
    if change.op is not Op.REMOVE:
        found["new"] = change.new
    return found


def change_from_json(value: Json) -> Change:
    """The change that `change_to_json` wrote.

    Raises:
        ValueError: it is not one.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is no change")
    path = value.get("path")
    return Change(
        Op(value.get("op")),
        key_from_json(value.get("object")),
        _path(path if isinstance(path, list) else []),
        value.get("old"),
        value.get("new"),
    )


def key_to_json(key: ObjectKey) -> dict[str, Json]:
    """An object's key as JSON."""
    return {
        "group": key.group,
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
    }


def key_from_json(value: Json) -> ObjectKey:
    """The object's key that `key_to_json` wrote.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is no key of an object")
    fields = (str(value.get(name) or "") for name in ("group", "kind", "namespace", "name"))
    return ObjectKey(*fields)


def _element_to_json(element: str | Item | Inside) -> Json:
    if isinstance(element, str):
        return element
    if isinstance(element, Inside):
        return {"inside": True}
    if element.by:
        return {"by": [[name, value] for name, value in element.by]}
    return {"index": element.index}


def _path(elements: list[Json]) -> FieldPath:
    return tuple(_element(element) for element in elements)


def _element(value: Json) -> str | Item | Inside:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is no part of a path")
    if "inside" in value:
        return INSIDE
    by = value.get("by")
    if isinstance(by, list):
        pairs = [pair for pair in by if isinstance(pair, list) and len(pair) == 2]
        return Item(by=tuple((str(name), _scalar(each)) for name, each in pairs))
    index = value.get("index")
    return Item(index=index if isinstance(index, int) else None)


def _scalar(value: Json) -> Scalar:
    return None if isinstance(value, dict | list) else value
