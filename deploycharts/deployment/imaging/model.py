"""An edit of an image before it is made."""

from __future__ import annotations

from dataclasses import dataclass, field

from deploycharts.changes.reference import Reference
from deploycharts.rendering.marked import KeyPath, show_key
from deploycharts.source import Source
from deploycharts.target import Target


@dataclass(frozen=True, slots=True)
class Move:
    """A container that the edit gives another image."""

    target: Target
    container: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A container that keeps its image in spite of the edit.

    Attributes:
        by: the line that wins over the edited one; None if it is not known.
    """

    target: Target
    container: str
    image: str
    by: Source | None


@dataclass(frozen=True, slots=True)
class ImageEdit:
    """What would be written, and what becomes of it.

    Attributes:
        line: where the value is set after the edit.
        before: the file's text; None if it does not exist yet.
        after: what it is to be; the same if there is nothing to do.
        goals: the images that containers are to run.
        moves: none if there is nothing to do.
    """

    service: str
    version: str
    line: Source
    key: KeyPath
    before: str | None = field(repr=False)
    after: str = field(repr=False)
    goals: tuple[Reference, ...]
    moves: tuple[Move, ...]
    kept: tuple[Kept, ...]

    @property
    def key_name(self) -> str:
        """The key as people write it."""
        return show_key(self.key)
