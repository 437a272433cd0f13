"""Rendering a unit with some of the hunks between two trees, each combination once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import TypeAlias

from deploycharts.changes.compare import compare
from deploycharts.changes.model import Change
from deploycharts.documents import Document
from deploycharts.errors import UserError
from deploycharts.rendering.hunks import Hunk, apply, put
from deploycharts.target import Target
from deploycharts.tools.workdir import private_folder

Render: TypeAlias = Callable[[Path, Target], Sequence[Document]]
"""Renders a target in a tree. It raises UserError where that fails, and is called by threads."""

BothSides: TypeAlias = tuple[Sequence[Document], Sequence[Document]]
Choice: TypeAlias = frozenset[Hunk]
Changes: TypeAlias = tuple[Change, ...]


class Spent(Exception):
    """No more renders are allowed."""


class Workshop:
    """Copies of the base tree, in which hunks are tried; and how many renders are left."""

    def __init__(
        self, base: Path, head: Path, render: Render, folder: Path, *, workers: int, budget: int
    ) -> None:
        self.base = base
        self.head = head
        self._budget = budget
        self._render = render
        self._free: SimpleQueue[Path] = SimpleQueue()
        self.pool = ThreadPoolExecutor(max_workers=workers)
        for number in range(workers):
            self._free.put(folder / str(number))

    def render(self, target: Target, chosen: Choice) -> tuple[Document, ...] | None:
        """The documents of the base with the chosen hunks; None if it does not render."""
        if not chosen:
            return self._render_side(self.base, target)
        self._spend()
        folder = self._free.get()
        try:
            if not folder.exists():
                shutil.copytree(
                    self.base, folder, symlinks=True, copy_function=_link,
                    ignore=shutil.ignore_patterns(".git"),
                )  # fmt: skip
            apply(self.base, self.head, chosen, folder)
            return tuple(self._render(folder, target))
        except UserError:
            return None
        finally:
            for path in {hunk.path for hunk in chosen}:
                put(self.base / path, folder / path)
            self._free.put(folder)

    def render_head(self, target: Target) -> tuple[Document, ...] | None:
        """The documents of the head; None if it does not render."""
        return self._render_side(self.head, target)

    def _render_side(self, tree: Path, target: Target) -> tuple[Document, ...] | None:
        self._spend()
        try:
            return tuple(self._render(tree, target))
        except UserError:
            return None

    def _spend(self) -> None:
        self._budget -= 1
        if self._budget < 0:
            raise Spent


@contextmanager
def workshop(
    base: Path, head: Path, render: Render, *, workers: int, budget: int
) -> Iterator[Workshop]:
    """A workshop in a private folder that is removed again."""
    with private_folder("causes", wait=False) as folder:
        made = Workshop(base, head, render, folder, workers=workers, budget=budget)
        with made.pool:
            yield made


class Trials:
    """The trials of one target: what changes against the base with which hunks."""

    def __init__(
        self, made: Workshop, target: Target, hunks: Sequence[Hunk], known: BothSides | None = None
    ) -> None:
        """Start with both sides: as they are `known`, else rendered, the base twice."""
        self.target = target
        self.all = frozenset(hunks)
        self._workshop = made
        self._known: dict[Choice, Changes | None] = {}
        self.unstable: Changes = ()
        self._base: Sequence[Document] | None
        head: Sequence[Document] | None
        if known is not None:
            self._base, head = known
        else:
            nothing: Choice = frozenset()
            self._base, again, head = made.pool.map(
                lambda ask: ask(),
                (
                    lambda: made.render(target, nothing),
                    lambda: made.render(target, nothing),
                    lambda: made.render_head(target),
                ),
            )
            if self._base is not None and again is not None:
                self.unstable = compare(target, self._base, again).changes
        self._known[self.all] = self._against_base(head)

    @property
    def is_new(self) -> bool:
        """Whether the base does not render the target, or knows nothing of it."""
        return not self._base

    def changes(self, chosen: Choice) -> Changes | None:
        """What the chosen hunks change; None if the base does not render with them alone."""
        if chosen not in self._known:
            self._known[chosen] = self._against_base(self._workshop.render(self.target, chosen))
        return self._known[chosen]

    def several(self, choices: Sequence[Choice]) -> list[Changes | None]:
        """The same for several choices at a time."""
        missing = [each for each in dict.fromkeys(choices) if each not in self._known]
        list(self._workshop.pool.map(self.changes, missing))
        return [self.changes(each) for each in choices]

    def _against_base(self, documents: Sequence[Document] | None) -> Changes | None:
        if documents is None or self._base is None:
            return None
        return compare(self.target, self._base, documents).changes


def _link(source: str, copy: str) -> str:
    """A second name for a file where the file system can, else a copy."""
    try:
        os.link(source, copy, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, copy, follow_symlinks=False)
    return copy
