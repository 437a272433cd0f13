"""Conflicts that nobody has resolved yet: the lines that a merge leaves in a file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deploycharts.errors import Exit, UserError
from deploycharts.source import Source

_MARKER = re.compile(r"(?:<{7}|>{7}|\|{7})(?: .*)?\r?")


@dataclass(frozen=True, slots=True)
class Conflict:
    """The first conflict marker in a file."""

    where: Source
    line: str


class Unresolved(UserError):
    """Files have conflict markers; merging over them would lose an owner's lines."""

    exit = Exit.CHECK_FAILED


def in_text(text: str, shown: str) -> Conflict | None:
    """The first conflict marker in a text, if there is one."""
    for number, line in enumerate(text.split("\n"), 1):
        if _MARKER.fullmatch(line):
            return Conflict(Source(shown, number), line.strip())
    return None


def in_folders(root: Path, folders: Iterable[str]) -> Iterator[Conflict]:
    """Every file with conflict markers in the folders or files, in their order."""
    for folder in folders:
        for path in _files(root / folder):
            text = path.read_bytes().decode("utf-8", "replace")
            found = in_text(text, path.relative_to(root).as_posix())
            if found is not None:
                yield found


def refuse(service: str, found: Iterable[Conflict]) -> None:
    """Refuse to merge into files with conflicts.

    Raises:
        Unresolved: there are some.
    """
    places = list(found)
    if places:
        raise Unresolved(
            f"{service} has unresolved conflicts: nothing is written",
            where=places[0].where,
            why="\n".join(f"{one.where}: {one.line}" for one in places),
            next_step="keep the lines you want, delete the lines that begin with <<<<<<<, |||||||, "
            f"======= and >>>>>>>, then create-new-service --update {service}",
        )


def _files(top: Path) -> Iterator[Path]:
    if top.is_file():
        yield top
    for folder, below, names in os.walk(top):
        below.sort()
        yield from (Path(folder) / name for name in sorted(names))
