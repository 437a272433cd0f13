"""The templates in an older state, from git's history."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.scaffold import gittree
from deploycharts.tools import process


@contextmanager
def templates_at(root: Path, folder: Path, tree: str, *, service: str) -> Iterator[Path]:
    """A folder with the templates whose name in git is `tree`; it is gone afterwards.

    Raises:
        UserError: git does not have them.
    """
    if gittree.digest(folder) == tree:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="create-new-service-") as name:
        work = Path(name)
        env = {**os.environ, "GIT_INDEX_FILE": str(work / "index")}
        for words in (["read-tree", tree], ["checkout-index", "--all", f"--prefix={work}/tree/"]):
            done = process.run(["git", *words], cwd=root, env=env, ok=range(256))
            if done.code != 0:
                raise UserError(
                    f"the templates that {service} was made from are not in git's history",
                    why=f"{done.err.strip()}\nThey are needed to tell the owner's edits from the "
                    "template's. A shallow clone does not have them.",
                    next_step="git fetch --unshallow",
                )
        yield work / "tree"
