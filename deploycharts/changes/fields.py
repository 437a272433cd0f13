"""The structural difference of two bodies, field by field."""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from deploycharts.changes import embedded, lists, meaning
from deploycharts.changes.model import INSIDE, Change, Fact, FactKind, FieldPath, Op, names
from deploycharts.changes.noise import noise
from deploycharts.changes.texts import line_patch
from deploycharts.documents import Json, ObjectKey

_Body: TypeAlias = "Mapping[str, Json] | list[Json]"
_NOBODY = ObjectKey("", "", "", "")


class FieldDiff:
    """Collects what differs between two bodies of one object."""

    def __init__(self, key: ObjectKey, *, inside: bool = False) -> None:
        """Compare the bodies of `key`, or documents inside its texts, where all order counts."""
        self.key = key
        self.changes: list[Change] = []
        self.facts: list[Fact] = []
        self._inside = inside

    def compare(self, old: _Body, new: _Body) -> None:
        """Add the differences of two whole bodies, or of two documents inside texts."""
        if isinstance(old, list) and isinstance(new, list):
            self._lists((), old, new)
        elif not isinstance(old, list) and not isinstance(new, list):
            self._mappings((), old, new)

    def _values(self, path: FieldPath, old: Json, new: Json) -> None:
        if isinstance(old, dict) and isinstance(new, dict):
            self._mappings(path, old, new)
        elif isinstance(old, list) and isinstance(new, list):
            if may_differ(old, new):
                self._lists(path, old, new)
        elif type(old) is not type(new) or old != new:
            self._scalars(path, old, new)

    def _mappings(self, path: FieldPath, old: Mapping[str, Json], new: Mapping[str, Json]) -> None:
        for name, value in old.items():
            if name in new:
                other = new[name]
                if value is not other:
                    self._values((*path, name), value, other)
            else:
                self._one_sided(Change(Op.REMOVE, self.key, (*path, name), old=value), value)
        for name, value in new.items():
            if name not in old:
                self._one_sided(Change(Op.ADD, self.key, (*path, name), new=value), value)

    def _one_sided(self, change: Change, value: Json) -> None:
        is_own_namespace = change.path == ("metadata", "namespace")
        if not self._inside and (is_own_namespace or self._means_absent(change.path, value)):
            self._fact(FactKind.DEFAULT, change)
        else:
            self._change(change)

    def _scalars(self, path: FieldPath, old: Json, new: Json) -> None:
        change = Change(Op.REPLACE, self.key, path, old, new)
        if isinstance(old, str) and isinstance(new, str):
            if not self._inside and self._documents(path, old, new):
                return
            if "\n" in old and "\n" in new:
                change = Change(Op.PATCH, self.key, path, new=line_patch(old, new))
        if self._inside:
            self._change(change)
        elif meaning.same_meaning(self.key.group, names(path), old, new):
            self._fact(FactKind.SPELLING, change)
        elif self._means_absent(path, old) and self._means_absent(path, new):
            self._fact(FactKind.DEFAULT, change)
        else:
            self._change(change)

    def _documents(self, path: FieldPath, old: str, new: str) -> bool:
        """Compare two texts inside, if both hold documents."""
        if not embedded.may_hold_document(self.key.kind, path):
            return False
        found = _inside(old, new)
        if found is None:
            return False
        self.changes += [
            Change(each.op, self.key, (*path, INSIDE, *each.path), each.old, each.new)
            for each in found
        ]
        kind = FactKind.TEXT if found else FactKind.FORMAT
        self._fact(kind, Change(Op.PATCH, self.key, path, new=line_patch(old, new)))
        return True

    def _lists(self, path: FieldPath, old: Sequence[Json], new: Sequence[Json]) -> None:
        name = next((each for each in reversed(path) if isinstance(each, str)), "")
        found = lists.pair(name, old, new, embedded=self._inside)
        for base, head, item in found.pairs:
            self._values((*path, item), old[base], new[head])
        for base, item in found.removed:
            self._change(Change(Op.REMOVE, self.key, (*path, item), old=old[base]))
        for head, item in found.added:
            self._change(Change(Op.ADD, self.key, (*path, item), new=new[head]))
        self._order(path, found, old, new)

    def _order(
        self, path: FieldPath, found: lists.Pairing, old: Sequence[Json], new: Sequence[Json]
    ) -> None:
        order = new_order(found, new)
        if order is None:
            return
        name = next((each for each in reversed(path) if isinstance(each, str)), "")
        change = Change(Op.MOVE, self.key, path, new=order)
        matters = lists.order_matters(name, [*old, *new], embedded=self._inside)
        if found.is_reordered and matters:
            self._change(change)
        else:
            self._fact(FactKind.ORDER, change)

    def _means_absent(self, path: FieldPath, value: Json) -> bool:
        return meaning.is_default(self.key.group, self.key.kind, names(path), value)

    def _change(self, change: Change) -> None:
        kind = None if self._inside else noise(change)
        if kind is None:
            self.changes.append(change)
        else:
            self.facts.append(Fact(kind, self.key, change))

    def _fact(self, kind: FactKind, change: Change) -> None:
        if not self._inside:  # the fact about the text makes the head exact
            self.facts.append(Fact(kind, self.key, change))


def may_differ(old: Any, new: Any) -> bool:
    """Whether two bodies or lists are worth a look; cheaper than looking.

    `==` takes True for 1; marshal tells them apart, three times as fast as repr or JSON.
    """
    if old != new:
        return True
    try:
        return marshal.dumps(old, 0) != marshal.dumps(new, 0)
    except ValueError:  # marshal knows no `embedded.Ambiguous`
        return True


@lru_cache(maxsize=256)
def _inside(old: str, new: str) -> tuple[Change, ...] | None:
    """What differs between the documents in two texts; None if one of them holds none.

    Cached, since environments and releases often share their configuration.
    """
    before, after = embedded.parse(old), embedded.parse(new)
    if before is None or after is None or isinstance(before, list) != isinstance(after, list):
        return None
    found = FieldDiff(_NOBODY, inside=True)
    found.compare(before, after)
    return tuple(found.changes)


def new_order(found: lists.Pairing, new: Sequence[Json]) -> list[Json] | None:
    """The order to put a list in after its items changed; None if it has it already.

    Of items with a key their identities in the head's order; else where those that stayed were.
    """
    if found.key is None:
        stayed = sorted(range(len(found.pairs)), key=lambda each: found.pairs[each][1])
        return list(stayed) if found.is_reordered else None
    heads = [head for _, head, _ in found.pairs] + [head for head, _ in found.added]
    if heads == sorted(heads):
        return None
    identities = (lists.identity(found.key, item) or () for item in new)
    return [[[name, value] for name, value in identity] for identity in identities]
