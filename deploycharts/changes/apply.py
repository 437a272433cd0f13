"""Apply a change set to the base: what comes out is the head, which proves the set complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deploycharts.changes.codec import key_from_json
from deploycharts.changes.identity import by_key
from deploycharts.changes.lists import identity, rank
from deploycharts.changes.model import Change, ChangeSet, Inside, Item, Op
from deploycharts.changes.texts import patch
from deploycharts.documents import Document, Json, ObjectKey


class DoesNotApply(ValueError):
    """The base is not the one that the change set was made from."""


@dataclass(slots=True)
class _Node:
    """The changes below one place."""

    own: list[Change] = field(default_factory=list)
    below: dict[str | Item | Inside, _Node] = field(default_factory=dict)


def apply(
    change_set: ChangeSet | Iterable[Change], base: Sequence[Document]
) -> tuple[Mapping[str, Json], ...]:
    """The bodies of the head: those of the base in their order, then the added ones.

    Raises:
        DoesNotApply: the base lacks what a change is about.
    """
    changes = change_set.exact() if isinstance(change_set, ChangeSet) else change_set
    documents, _ = by_key(base)
    bodies: dict[ObjectKey, Mapping[str, Json]] = {
        key: each.body for key, each in documents.items()
    }
    trees: dict[ObjectKey, _Node] = {}
    for change in changes:
        if change.path:
            _insert(trees.setdefault(change.object, _Node()), change)
        else:
            _whole_object(bodies, change)
    for key, tree in trees.items():
        if key not in bodies:
            raise DoesNotApply(f"there is no {key} in the base")
        bodies[key] = _mapping(bodies[key], tree)
    return tuple(bodies.values())


def _insert(tree: _Node, change: Change) -> None:
    for element in change.path:
        tree = tree.below.setdefault(element, _Node())
    tree.own.append(change)


def _whole_object(bodies: dict[ObjectKey, Mapping[str, Json]], change: Change) -> None:
    if change.op is Op.ADD and isinstance(change.new, dict):
        bodies[change.object] = change.new
        return
    base = key_from_json(change.old) if change.op is Op.MOVE else change.object
    if base not in bodies:
        raise DoesNotApply(f"there is no {base} in the base")
    body = bodies.pop(base)
    if change.op is Op.MOVE:
        bodies[change.object] = body


def _value(value: Json, tree: _Node) -> Json:
    for change in tree.own:
        if change.op in (Op.REPLACE, Op.ADD):
            value = change.new
        elif change.op is Op.PATCH:
            value = patch(str(value), change.new)
    if isinstance(value, list):
        return _list(value, tree)
    if isinstance(value, dict):
        return _mapping(value, tree)
    if tree.below:
        raise DoesNotApply(f"{value!r} has no fields")
    return value


def _mapping(value: Mapping[str, Json], tree: _Node) -> dict[str, Json]:
    result = dict(value)
    for name, node in tree.below.items():
        if not isinstance(name, str):
            raise DoesNotApply(f"a mapping has no item {name}")
        if any(change.op is Op.REMOVE for change in node.own):
            result.pop(name, None)
        else:
            result[name] = _value(result.get(name), node)
    return result


def _list(value: list[Json], tree: _Node) -> list[Json]:
    """Change and remove by the base's positions, then reorder, then insert by the head's."""
    if not tree.below and not tree.own:
        return value
    result = list(value)
    removed: set[int] = set()
    added: list[Change] = []
    for item, node in tree.below.items():
        if not isinstance(item, Item):
            raise DoesNotApply(f"a list has no field {item}")
        added += [change for change in node.own if change.op is Op.ADD]
        of_base = _Node([change for change in node.own if change.op is not Op.ADD], node.below)
        if not of_base.own and not of_base.below:
            continue
        index = _find(result, item)
        if any(change.op is Op.REMOVE for change in of_base.own):
            removed.add(index)
        else:
            result[index] = _value(result[index], of_base)
    kept = [each for index, each in enumerate(result) if index not in removed]
    return _by_identity(_with_added(_by_position(kept, tree), added), tree)


def _find(items: Sequence[Json], item: Item) -> int:
    if item.by:
        key = tuple(name for name, _ in item.by)
        for index, each in enumerate(items):
            if identity(key, each) == item.by:
                return index
    elif item.index is not None and item.index < len(items):
        return item.index
    raise DoesNotApply(f"there is no item {item}")


def _orders(tree: _Node) -> Iterator[list[Json]]:
    for change in tree.own:
        if change.op is Op.MOVE and isinstance(change.new, list) and change.new:
            yield change.new


def _by_position(items: list[Json], tree: _Node) -> list[Json]:
    """The items that stayed, in the order of the head if positions tell it."""
    for order in _orders(tree):
        if isinstance(order[0], int):
            return [items[index] for index in order if isinstance(index, int)]
    return items


def _by_identity(items: list[Json], tree: _Node) -> list[Json]:
    """All items, in the order of the head if identities tell it."""
    for order in _orders(tree):
        if isinstance(order[0], list):
            return [items[_find(items, _item(each))] for each in order]
    return items


def _with_added(items: list[Json], added: list[Change]) -> list[Json]:
    result = list(items)
    for change in sorted(added, key=_position):
        item = change.path[-1]
        keyed = not isinstance(item, Item) or item.index is None
        result.insert(len(result) if keyed else _position(change)[0], change.new)
    return result


def _position(change: Change) -> tuple[int, str]:
    item = change.path[-1]
    if not isinstance(item, Item):
        raise DoesNotApply(f"{item} is no item of a list")
    return item.index or 0, rank(item)


def _item(value: Json) -> Item:
    pairs = [pair for pair in value if isinstance(pair, list)] if isinstance(value, list) else []
    return Item(by=tuple((str(name), _scalar(each)) for name, each in pairs))


def _scalar(value: Json) -> bool | int | float | str | None:
    return None if isinstance(value, dict | list) else value
