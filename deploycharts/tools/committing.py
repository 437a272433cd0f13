"""Committing one file of a work tree and nothing else."""

from __future__ import annotations

from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.tools import process

_ANY = range(256)


def is_as_committed(root: Path, path: str) -> bool | None:
    """Whether a file is as in the last commit, or neither there nor here; None without git.

    An index that says otherwise counts as a change.
    """
    if process.run(["git", "rev-parse", "--verify", "-q", "HEAD"], cwd=root, ok=_ANY).code != 0:
        return None
    words = ["git", "--no-optional-locks", "status", "--porcelain", "--ignored", "--", path]
    status = process.run(words, cwd=root, ok=_ANY)
    return not status.out.strip() if status.code == 0 else None


def commit_file(root: Path, path: str, message: str) -> str:
    """Commit a file as it lies there; what else is changed or staged stays so.

    Returns:
        The commit's name, shortened.

    Raises:
        UserError: git does not make the commit; the file stays as it is.
    """
    words = ["git", "add", "--", path]
    done = process.run(words, cwd=root, ok=_ANY)
    if done.code == 0:
        words = ["git", "commit", "-q", "--only", "-m", message, "--", path]
        done = process.run(words, cwd=root, ok=_ANY)
    if done.code != 0:
        raise UserError(
            f"git does not commit {path}, which is edited",
            why=(done.err.strip() or done.out.strip())[-1000:],
            next_step=f"git commit --only -m '{message}' -- {path}",
        )
    return process.run(["git", "rev-parse", "--short", "HEAD"], cwd=root).out.strip()
