"""What a review finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from deploycharts.changes.masking import Masker
from deploycharts.changes.model import ChangeSet, Consequence, Fold
from deploycharts.documents import Document
from deploycharts.errors import UserError
from deploycharts.rendering.release import Release
from deploycharts.source import Source
from deploycharts.target import Target

FIXTURES = "fixtures"
"""Stands where a release has its environment, for a chart rendered with one of its fixtures."""


class When(Enum):
    """On which side of the range something fails."""

    BEFORE = "failed before"
    NOW = "fails"
    BOTH = "failed before, too"


@dataclass(frozen=True, slots=True)
class Failure:
    """A service or fixture that does not evaluate or render; `who` is a target or a service."""

    who: str
    when: When
    error: UserError

    @property
    def is_open(self) -> bool:
        """Whether it fails on the side that is reviewed."""
        return self.when is not When.BEFORE


@dataclass(frozen=True, slots=True)
class Unit:
    """One release, or one chart with one fixture, on both sides; None where there is none."""

    target: Target
    base: Release | None
    head: Release | None

    @property
    def is_fixture(self) -> bool:
        """Whether it is a chart with a fixture: nothing that is deployed."""
        return self.target.environment == FIXTURES


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes in a unit, secrets masked by `mask`; a fixture has no consequences.

    Attributes:
        left: what stays where the release was, if it moves: then its base is empty.
    """

    unit: Unit
    changes: ChangeSet
    base: tuple[Document, ...] = field(repr=False)
    head: tuple[Document, ...] = field(repr=False)
    mask: Masker = field(repr=False, compare=False)
    consequences: tuple[Consequence, ...] = ()
    left: tuple[Document, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Idle:
    """An edited line without effect in some releases, and the lines that override it there."""

    line: Source
    by: tuple[Source, ...]
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many releases and fixtures there are, were looked at, and change."""

    releases: int = 0
    fixtures: int = 0
    releases_changed: int = 0
    fixtures_changed: int = 0
    rendered: int = 0
    skipped_services: int = 0
    skipped_charts: int = 0


@dataclass(frozen=True, slots=True)
class Review:
    """Everything that a review found.

    Attributes:
        base: what the changes are against, as people call it.
        head: what is reviewed.
        environments: in roll-out order.
        differences: of all units that were compared and change, by target.
        folds: each change once, those of fixtures among them.
        consequences: of releases.
        failures: nothing that fails is left out.
        idle: edited lines that other lines override.
        remarks: what else a reviewer should know, a sentence each, the idle lines among it.
        broken_claims: units that change though none of their inputs does; only with --all.
    """

    base: str
    head: str
    environments: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    folds: tuple[Fold, ...] = ()
    consequences: tuple[Consequence, ...] = ()
    failures: tuple[Failure, ...] = ()
    idle: tuple[Idle, ...] = ()
    remarks: tuple[str, ...] = ()
    counts: Counts = Counts()
    broken_claims: tuple[str, ...] = ()

    @property
    def has_changes(self) -> bool:
        """Whether any unit renders differently, in meaning or in form."""
        return bool(self.differences)
