"""Values that know the lines that set them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from deploycharts.documents import Json
from deploycharts.source import Source

KeyPath: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """A place that sets a value.

    Attributes:
        source: the line of the key.
        last_line: where the value ends; the line of the key if it is short.
        also: other lines that the value comes through: an anchor, an alias, a merge key.
        secret: whether the value must never be shown.
        doubt: why `source` may not be the right line; empty if it is.
    """

    source: Source
    last_line: int | None = None
    value: Json = field(default=None, repr=False, hash=False)
    also: tuple[Source, ...] = ()
    secret: bool = False
    doubt: str = ""

    def covers(self, place: Source) -> bool:
        """Whether `place` is one of the lines that set the value."""
        if place in self.also:
            return True
        first, last, line = self.source.line, self.last_line, place.line
        if place.path != self.source.path or first is None or line is None:
            return False
        return first <= line <= (last or first)


@dataclass(slots=True)
class Leaf:
    """A value that Helm replaces as a whole: a scalar, a list, null."""

    origin: Origin
    shadowed: tuple[Origin, ...] = ()


@dataclass(slots=True)
class Table:
    """A map, which Helm merges key by key."""

    origin: Origin
    items: dict[str, Leaf | Table] = field(default_factory=dict)
    shadowed: tuple[Origin, ...] = ()


Marked: TypeAlias = Leaf | Table


def plain(value: Marked) -> Json:
    """The value without the lines."""
    if isinstance(value, Table):
        return {key: plain(item) for key, item in value.items.items()}
    return value.origin.value


def leaves(value: Marked, prefix: KeyPath = ()) -> Iterator[tuple[KeyPath, Marked]]:
    """The leaves and the empty maps, each with its path."""
    if isinstance(value, Table) and value.items:
        for key, item in value.items.items():
            yield from leaves(item, (*prefix, key))
    else:
        yield prefix, value


def origins(value: Marked) -> tuple[Origin, ...]:
    """All that sets the value or anything in it, what is shadowed there included."""
    if isinstance(value, Leaf):
        return (value.origin, *value.shadowed)
    inner = tuple(each for item in value.items.values() for each in origins(item))
    own = (value.origin,) if not value.items else ()
    return (*own, *inner, *value.shadowed)


def copy(value: Marked) -> Marked:
    """A copy whose tables can be changed without changing the original's."""
    if isinstance(value, Leaf):
        return Leaf(value.origin, value.shadowed)
    items = {key: copy(item) for key, item in value.items.items()}
    return Table(value.origin, items, value.shadowed)


def with_origins(table: Table, change: Callable[[Origin], Origin]) -> Table:
    """A copy in which all origins are changed."""
    items: dict[str, Marked] = {}
    for key, item in table.items.items():
        if isinstance(item, Table):
            items[key] = with_origins(item, change)
        else:
            shadowed = tuple(change(each) for each in item.shadowed)
            items[key] = Leaf(change(item.origin), shadowed)
    shadowed = tuple(change(each) for each in table.shadowed)
    return Table(change(table.origin), items, shadowed)


def show_key(path: KeyPath) -> str:
    """`image.tag`; a dot in a name gets a backslash before it, as in Helm's --set."""
    return ".".join(name.replace(".", "\\.") for name in path)


def read_key(text: str) -> KeyPath:
    """The path that `show_key` shows as `text`."""
    parts = re.findall(r"((?:\\.|[^.\\])+)", text)
    return tuple(re.sub(r"\\(.)", r"\1", part) for part in parts)
