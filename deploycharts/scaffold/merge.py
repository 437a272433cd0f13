"""Three-way merge of a service's files: as they were made, as they are, as made now."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploycharts.errors import UserError
from deploycharts.tools import process

Fate = Literal["same", "added", "updated", "merged", "conflict", "owner-deleted", "dropped", "kept"]

MEANINGS: Mapping[Fate, str] = {
    "same": "nothing to do",
    "added": "new in the template",
    "updated": "the owner left it as it was made",
    "merged": "the owner's edits and the template's",
    "conflict": "both changed the same lines: look for <<<<<<<",
    "owner-deleted": "stays deleted",
    "dropped": "no longer in the template, and unedited: deleted",
    "kept": "no longer in the template, but edited: stays",
}


@dataclass(frozen=True, slots=True)
class Merged:
    """What becomes of one file; `text` is None where there is none."""

    fate: Fate
    text: str | None


MergeText = Callable[[str, str, str], "tuple[str, bool]"]
"""Merges owner's, base and template's text; whether lines are in conflict."""


def merge(base: str | None, mine: str | None, theirs: str | None, merge_text: MergeText) -> Merged:
    """Merge one file. No line of the owner's is lost.

    Args:
        base: as the template made it.
        mine: as it is.
        theirs: as the template makes it now.
        merge_text: merges three texts.
    """
    if theirs is None:
        return _dropped(base, mine)
    if mine is None:
        return Merged("added", theirs) if base is None else Merged("owner-deleted", None)
    if mine == theirs or base == theirs:
        return Merged("same", mine)
    if mine == base:
        return Merged("updated", theirs)
    text, has_conflicts = merge_text(mine, base or "", theirs)
    return Merged("conflict" if has_conflicts else "merged", text)


def _dropped(base: str | None, mine: str | None) -> Merged:
    if mine is None:
        return Merged("same", None)
    return Merged("dropped", None) if mine == base else Merged("kept", mine)


def git_merge_file(mine: str, base: str, theirs: str) -> tuple[str, bool]:
    """Merge texts line by line with git.

    Raises:
        UserError: git cannot.
    """
    with tempfile.TemporaryDirectory(prefix="create-new-service-") as folder:
        names = ("mine", "base", "theirs")
        for name, text in zip(names, (mine, base, theirs), strict=True):
            (Path(folder) / name).write_bytes(text.encode())
        argv = [
            "git", "merge-file", "--stdout", "--zdiff3",
            "-L", "the owner's", "-L", "as it was made", "-L", "the template's", *names,
        ]  # fmt: skip
        done = process.run(argv, cwd=Path(folder), ok=range(-64, 256))
    if not 0 <= done.code < 128:
        raise UserError("git cannot merge", why=done.err.strip() or done.command_line)
    return done.out, done.code > 0
