"""Folds as rows: a place and what happens there, grouped by who has it and by object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from deploycharts.changes.model import Certainty, FactKind, Fold, Item, show_path
from deploycharts.documents import ObjectKey
from deploycharts.report import values
from deploycharts.report.phrases import Universe, named, target_phrase
from deploycharts.target import Target

_POD = "spec.template.spec."
_MOST_VARIANTS = 3
_CERTAINTIES = {Certainty.TOGETHER: "together", Certainty.EACH: "(each suffices)"}


@dataclass(frozen=True, slots=True)
class Row:
    """One place of one object.

    Attributes:
        path: empty for the whole object.
        text: the change on one line, None where `lines` tell it.
        fold: the change, or one of the variants that the row stands for.
        variants: how many different changes of this place the row stands for.
    """

    path: str
    text: str | None
    lines: tuple[values.Line, ...]
    fold: Fold
    variants: int = 1


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of one object."""

    object: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The blocks that the same targets have."""

    phrase: str
    targets: frozenset[Target]
    outlier: bool
    blocks: tuple[Block, ...]


def rows(folds: Iterable[Fold], *, full: bool) -> list[Row]:
    """A row for each change; places with many different values become one row."""
    places: dict[tuple[ObjectKey, str], list[Fold]] = {}
    for each in folds:
        if each.fact is None:
            places.setdefault((each.change.object, _place(each)), []).append(each)
    found: list[Row] = []
    for variants in places.values():
        if len(variants) > _MOST_VARIANTS and not full:
            found.append(_varied(variants))
        else:
            found += [_row(each, full=full) for each in variants]
    return found


def _place(each: Fold) -> str:
    bare = [
        Item(index=0) if isinstance(part, Item) and not part.by else part
        for part in each.change.path
    ]
    return show_path(tuple(bare))


def _row(each: Fold, *, full: bool) -> Row:
    inline = values.inline(each.change)
    return Row(
        path=_named(show_path(each.change.path), each, full=full),
        text=None if inline is None else _named(inline, each, full=True),
        lines=tuple(
            replace(line, text=_named(line.text, each, full=True))
            for line in values.lines(each.change, full=full)
        ),
        fold=each,
    )


def _varied(variants: list[Fold]) -> Row:
    most = max(variants, key=lambda each: len(each.targets))
    row = _row(most, full=False)
    targets = frozenset[Target]().union(*(each.targets for each in variants))
    together = replace(most, targets=targets, different=frozenset(), outlier=False)
    remark = values.Line(" ", f"{len(variants)} different changes; the most frequent:")
    lines = (values.Line(" ", row.text),) if row.text is not None else row.lines
    return Row(row.path, None, (remark, *lines), together, len(variants))


def _named(text: str, each: Fold, *, full: bool) -> str:
    if not full and text.startswith(_POD):
        text = f"…{text.removeprefix(_POD)}"
    return text if each.literal else named(text, each.targets)


def cause_text(each: Fold) -> str:
    """Which lines made the change: `values.yaml:4`, several `together` or `each`."""
    if each.cause is None:
        return ""
    if each.cause.certainty is Certainty.UNKNOWN or not each.cause.sources:
        return "cause unknown"
    sources = ", ".join(map(str, each.cause.sources))
    if len(each.cause.sources) == 1:
        return sources
    return f"{sources} {_CERTAINTIES.get(each.cause.certainty, '')}".rstrip()


def object_name(each: Fold) -> str:
    """`Deployment/echo-main`, in the names of the fold's targets."""
    name = str(each.change.object)
    return name if each.literal else named(name, each.targets)


def groups(found: Iterable[Row], universe: Universe) -> list[Group]:
    """The rows by who has them: outliers first, then what most targets have."""
    members: dict[tuple[str, frozenset[Target], bool], list[Row]] = {}
    for row in found:
        each = row.fold
        phrase = target_phrase(each.targets, universe, each.absent)
        members.setdefault((phrase, each.targets, each.outlier), []).append(row)
    return [
        Group(phrase, targets, outlier, tuple(blocks(own)))
        for (phrase, targets, outlier), own in members.items()
    ]


def blocks(found: Iterable[Row]) -> list[Block]:
    """The rows by object, in the order in which objects first occur."""
    members: dict[str, list[Row]] = {}
    for row in found:
        members.setdefault(object_name(row.fold), []).append(row)
    return [Block(name, tuple(own)) for name, own in members.items()]


def facts_phrase(folds: Sequence[Fold]) -> str:
    """What is left out and why, counted: `12 × a checksum of configuration`."""
    kinds = Counter[FactKind]()
    for each in folds:
        if each.fact is not None and each.fact is not FactKind.TEXT:
            kinds[each.fact] += len(each.targets)
    return "; ".join(f"{number} × {kind.value}" for kind, number in kinds.most_common())
