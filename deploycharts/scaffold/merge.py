"""Three-way merge of a service's files: as they were made, as they are, as made now."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from deploycharts.errors import UserError
from deploycharts.scaffold import lineends
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
    """What becomes of one file.

    Attributes:
        fate: what happened to it.
        text: its contents; None where there is no file.
        executable: whether it can be run.
        remark: what else changes: its executable bit.
    """

    fate: Fate
    text: str | None
    executable: bool = False
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """One file on one side of a merge; `text` is None where there is no file."""

    text: str | None
    executable: bool = False


MergeText = Callable[[str, str, str], "tuple[str, bool]"]
"""Merges owner's, base and template's text; whether lines are in conflict."""


def merge_file(base: Side, mine: Side, theirs: Side, merge_text: MergeText) -> Merged:
    """Merge one file: its lines, and whether it can be run.

    Args:
        base: as the template made it.
        mine: as it is.
        theirs: as the template makes it now.
        merge_text: merges three texts.
    """
    merged = merge(base.text, mine.text, theirs.text, merge_text)
    if merged.text is None:
        return merged
    if mine.text is None:
        return replace(merged, executable=theirs.executable)
    is_owners = theirs.text is None or mine.executable != base.executable
    executable = mine.executable if is_owners else theirs.executable
    if executable == mine.executable:
        return replace(merged, executable=executable)
    remark = "now executable" if executable else "no longer executable"
    fate: Fate = "updated" if merged.fate == "same" else merged.fate
    return replace(merged, fate=fate, executable=executable, remark=remark)


def merge(base: str | None, mine: str | None, theirs: str | None, merge_text: MergeText) -> Merged:
    """Merge the lines of one file. No line of the owner's is lost, and its line ends stay.

    Args:
        base: as the template made it.
        mine: as it is.
        theirs: as the template makes it now.
        merge_text: merges three texts with LF at the ends of their lines.
    """
    if theirs is None:
        return _dropped(base, mine)
    if mine is None:
        return Merged("added", theirs) if base is None else Merged("owner-deleted", None)
    own, old, new = lineends.plain(mine), lineends.plain(base or ""), lineends.plain(theirs)
    if own == new or (base is not None and old == new):
        return Merged("same", mine)
    if own == old and base is not None:
        return Merged("updated", lineends.like(new, mine))
    text, has_conflicts = merge_text(own, old, new)
    return Merged("conflict" if has_conflicts else "merged", lineends.like(text, mine))


def _dropped(base: str | None, mine: str | None) -> Merged:
    if mine is None:
        return Merged("same", None)
    is_unedited = base is not None and lineends.plain(mine) == lineends.plain(base)
    return Merged("dropped", None) if is_unedited else Merged("kept", mine)


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
