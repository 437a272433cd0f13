"""Compare two lists of documents: the head against the base."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deploycharts.changes.codec import key_to_json
from deploycharts.changes.fields import FieldDiff, may_differ
from deploycharts.changes.identity import by_key, renames
from deploycharts.changes.lifecycle import is_kept
from deploycharts.changes.model import Change, ChangeSet, Fact, FactKind, Op
from deploycharts.documents import Document, ObjectKey
from deploycharts.target import Target


def compare(target: Target, base: Sequence[Document], head: Sequence[Document]) -> ChangeSet:
    """What changes for `target` from `base` to `head`.

    Mask secrets first (`masking.Masker`): what goes in here comes out in reports.
    """
    before, _ = by_key(base)
    after, duplicates = by_key(head)
    changes: list[Change] = []
    facts = [Fact(FactKind.DUPLICATE, key) for key in duplicates]
    removed = {key: each for key, each in before.items() if key not in after}
    added = {key: each for key, each in after.items() if key not in before}
    going = {key: each for key, each in removed.items() if not is_kept(each)}
    renamed = renames(going, added)
    for key, old in renamed.items():
        changes.append(Change(Op.MOVE, key, (), old=key_to_json(old), new=key_to_json(key)))
        _fields(key, before[old], after[key], changes, facts)
    changes += _whole_objects(Op.REMOVE, removed, skip=renamed.values())
    changes += _whole_objects(Op.ADD, added, skip=renamed)
    for key, each in after.items():
        other = before.get(key)
        if other is not None and other is not each and may_differ(other.body, each.body):
            _fields(key, other, each, changes, facts)
    return ChangeSet(target, tuple(changes), tuple(facts))


def _whole_objects(
    op: Op, documents: dict[ObjectKey, Document], *, skip: Iterable[ObjectKey]
) -> list[Change]:
    skipped = frozenset(skip)
    return [
        Change(Op.ADD, key, (), new=dict(each.body))
        if op is Op.ADD
        else Change(Op.REMOVE, key, (), old=dict(each.body))
        for key, each in documents.items()
        if key not in skipped
    ]


def _fields(
    key: ObjectKey, old: Document, new: Document, changes: list[Change], facts: list[Fact]
) -> None:
    found = FieldDiff(key)
    found.compare(old.body, new.body)
    changes += found.changes
    facts += found.facts
