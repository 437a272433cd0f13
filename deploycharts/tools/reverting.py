"""Commits that brought something, and taking them back in the work tree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.tools import process

_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{40})")
_ANY = range(256)


def touching(root: Path, base: str, head: str, paths: Sequence[str]) -> tuple[str, ...]:
    """The commits after `base`, up to `head`, that touch files and are not yet reverted.

    Args:
        root: the folder that `paths` start at, in a work tree.
        base: a commit.
        head: a commit.
        paths: files and folders.

    Returns:
        The newest first, as they are reverted; merges are left out. None where this checkout does
        not contain both commits.
    """
    for commit in (base, head):
        words = ["git", "merge-base", "--is-ancestor", commit, "HEAD"]
        if not commit or process.run(words, cwd=root, ok=_ANY).code != 0:
            return ()
    words = ["git", "log", "--no-merges", "--topo-order", "--format=%H", f"{base}..{head}", "--"]
    listed = process.run([*words, *paths], cwd=root, ok=_ANY)
    later = process.run(["git", "log", "--format=%B", f"{base}..HEAD"], cwd=root, ok=_ANY)
    reverted = set(_REVERTS.findall(later.out))
    return tuple(each for each in listed.out.split() if each not in reverted)


def command(commits: Sequence[str]) -> tuple[str, ...]:
    """The command that takes commits back, each by a commit of its own."""
    return ("git", "revert", "--no-edit", *(commit[:12] for commit in commits))


def revert(root: Path, commits: Sequence[str]) -> None:
    """Take commits back, all or none.

    Raises:
        UserError: they do not go back without a person's help; the tree is as it was.
    """
    head = process.run(["git", "rev-parse", "HEAD"], cwd=root).out.strip()
    _require_nothing_begun(root)
    done = process.run(command(commits), cwd=root, ok=_ANY)
    if done.code == 0:
        return
    process.run(["git", "revert", "--abort"], cwd=root, ok=_ANY)
    process.run(["git", "reset", "-q", "--keep", head], cwd=root, ok=_ANY)
    raise UserError(
        "the commits do not go back by themselves; the tree is as it was",
        why=done.err.strip()[-1000:] or done.out.strip()[-1000:],
        next_step=" ".join(command(commits)),
    )


def _require_nothing_begun(root: Path) -> None:
    """Ours would be aborted together with a revert that somebody is in the middle of."""
    words = ["git", "rev-parse", "--git-path", "REVERT_HEAD", "--git-path", "sequencer"]
    for path in process.run(words, cwd=root).out.split("\n"):
        if path and Path(root, path).exists():
            raise UserError("a revert or cherry-pick is under way here", next_step="git status")
