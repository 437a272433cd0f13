"""What the comparison engine says: changes, facts, consequences and folds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TypeAlias

from deploycharts.documents import Json, ObjectKey
from deploycharts.source import Source
from deploycharts.target import Target

Scalar: TypeAlias = "bool | int | float | str | None"


class Op(Enum):
    """What happens at a place.

    MOVE with a path is a new order of a list: `new` holds the identities (or the former positions)
    of its items in their new order. MOVE without a path is a renamed object: `old` and `new` are
    the two keys. PATCH changes lines of a text: `new` is a list of [first line, removed lines,
    inserted lines].
    """

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"
    MOVE = "move"
    PATCH = "patch"


@dataclass(frozen=True, slots=True)
class Item:
    """An element of a list: by the fields that identify it, else by its position.

    A position counts in the base; that of an added item counts in the head.
    """

    by: tuple[tuple[str, Scalar], ...] = ()
    index: int | None = None

    def __str__(self) -> str:
        if not self.by:
            return f"[{self.index}]"
        values = [(name, value) for name, value in self.by if value is not None]
        if len(values) == 1:
            return f"[{values[0][1]}]"
        return "[" + ",".join(f"{name}={value}" for name, value in values) + "]"


@dataclass(frozen=True, slots=True)
class Inside:
    """The step from a text into the YAML or JSON document that it holds."""

    def __str__(self) -> str:
        return "!"


INSIDE = Inside()
FieldPath: TypeAlias = "tuple[str | Item | Inside, ...]"


def show_path(path: FieldPath) -> str:
    """The path as people read it: `spec.containers[main].image`, `data[app.yaml]!port`."""
    shown = ""
    for element in path:
        if not isinstance(element, str):
            shown += str(element)
        elif "." in element or "/" in element or not element:
            shown += f"[{element}]"
        else:
            shown += f".{element}" if shown and not shown.endswith("!") else element
    return shown


def names(path: FieldPath) -> tuple[str, ...]:
    """The field names of a path, without items of lists."""
    return tuple(element for element in path if isinstance(element, str))


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between base and head. Without a path it is the whole object."""

    op: Op
    object: ObjectKey
    path: FieldPath
    old: Json = None
    new: Json = None

    @property
    def is_embedded(self) -> bool:
        """Whether it lies in a document within a text; a fact holds the change of that text."""
        return INSIDE in self.path


class FactKind(Enum):
    """Why a difference is not shown as a change."""

    SPELLING = "the same value, written differently"
    DEFAULT = "a default, written out or left out"
    ORDER = "another order of items that are found by key"
    TEXT = "the text around a change inside it"
    FORMAT = "the same document, formatted differently"
    CHECKSUM = "a checksum of configuration"
    VERSION_LABEL = "the chart's version in a label"
    DUPLICATE = "the object is rendered more than once; the last one counts"


@dataclass(frozen=True, slots=True)
class Fact:
    """A difference without a meaning of its own; `change` is what makes the head exact."""

    kind: FactKind
    object: ObjectKey
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """The structural difference of two lists of documents."""

    target: Target
    changes: tuple[Change, ...] = ()
    facts: tuple[Fact, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether both sides are the same to the letter of their documents."""
        return not self.changes and not any(fact.change for fact in self.facts)

    def exact(self) -> Iterator[Change]:
        """The changes that together turn the base into the head exactly."""
        for change in self.changes:
            if not change.is_embedded:
                yield change
        for fact in self.facts:
            if fact.change is not None:
                yield fact.change


class ConsequenceKind(Enum):
    """What a change set does to what runs."""

    RESTARTS = "restarts"
    UNNOTICED = "unnoticed"
    RECREATES = "recreates"
    IMMUTABLE = "immutable"
    SCALES = "scales"
    AUTOSCALER = "autoscaler"
    OPENS = "opens"
    CLOSES = "closes"
    REQUESTS = "requests"
    IMAGE = "image"
    REMOVES_STATE = "removes state"
    REMOVES = "removes"
    STAYS = "stays"
    CREATES = "creates"
    RUNS = "runs"
    DUPLICATE = "duplicate"
    OTHER = "other"
    NO_EFFECT = "no effect"


class Risk(IntEnum):
    """How much attention a consequence needs."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a change set does, in one sentence.

    Attributes:
        object: the object that it happens to; None for the whole target.
        because: the changes that it follows from.
        sentence: without a full stop; where `pods` counts, it holds `{pods}`.
        pods: how many pods it concerns.
    """

    target: Target
    kind: ConsequenceKind
    object: ObjectKey | None
    because: tuple[Change, ...]
    risk: Risk
    sentence: str
    pods: int | None = None

    def __str__(self) -> str:
        return self.sentence.replace("{pods}", count(self.pods or 0, "pod"))


class Certainty(Enum):
    """How the cause of a change was established."""

    ALONE = "alone"
    TOGETHER = "together"
    EACH = "each suffices"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Cause:
    """The lines that made a change."""

    sources: tuple[Source, ...]
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Fold:
    """One change with all the targets that have it.

    Attributes:
        change: with placeholders for the names of service, environment and release, unless
            `literal`.
        targets: who has it.
        absent: who was expected to have it and does not: other targets of the same services.
        different: who has another change at the same place instead.
        fact: set if it is no change of its own, but a fact.
        positions: where the positions in lists and texts differ from those of `change`.
        outlier: most of the targets that change this place change it differently.
    """

    change: Change
    targets: frozenset[Target]
    absent: frozenset[Target] = frozenset()
    cause: Cause | None = None
    different: frozenset[Target] = frozenset()
    fact: FactKind | None = None
    literal: bool = False
    positions: tuple[tuple[Target, tuple[int, ...]], ...] = ()
    outlier: bool = False


def count(number: int, noun: str) -> str:
    """`1 pod`, `2 pods`, `2 policies`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("cy") else f"{number} {noun}s"
