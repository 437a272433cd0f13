"""What git says of the repository that is deployed from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploycharts.tools import process


@dataclass(frozen=True, slots=True)
class Tree:
    """The checked-out commit, and whether files differ from it."""

    commit: str
    dirty: bool

    def __str__(self) -> str:
        if not self.commit:
            return "no commit"
        return f"commit {self.commit[:10]}{' with uncommitted changes' if self.dirty else ''}"


def tree(root: Path) -> Tree:
    """The state of the work tree at `root`; an empty commit where there is no git."""
    head = process.run(["git", "rev-parse", "--verify", "-q", "HEAD"], cwd=root, ok=range(256))
    if head.code != 0:
        return Tree("", dirty=True)
    status = process.run(
        ["git", "--no-optional-locks", "status", "--porcelain"], cwd=root, ok=range(256)
    )
    return Tree(head.out.strip(), bool(status.out.strip()))
