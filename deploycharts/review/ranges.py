"""From words on the command line to the two trees that are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.rendering.trees import Tree
from deploycharts.tools import git
from deploycharts.tools.git import Files
from deploycharts.tools.workdir import private_folder

_SHORT = 10


@dataclass(frozen=True, slots=True)
class Sides:
    """The tree before and the tree that is reviewed."""

    base: Tree
    head: Tree

    @property
    def are_equal(self) -> bool:
        """Whether git knows them to be the same."""
        return self.base.files.id == self.head.files.id

    def each(self, act: Callable[[Tree], object]) -> None:
        """Do something with both, at the same time."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            for _ in pool.map(act, self):
                pass

    def __iter__(self) -> Iterator[Tree]:
        return iter((self.base, self.head))


@contextmanager
def sides(root: Path, words: str | None) -> Iterator[Sides]:
    """The two sides of a range, laid out on demand in a folder that goes with them.

    Args:
        root: the repository.
        words: as for `git diff`: BASE against the work tree, BASE..HEAD, or BASE...HEAD from where
            they parted. Without any: from where HEAD and the main branch parted to the work tree.

    Raises:
        UnknownName: a revision does not exist.
        UserError: there is no main branch, or no common history.
    """
    base, base_title, head = _parse(root, words)
    before = git.files_of(root, base)
    with _opened(root, head) as files, private_folder("review", wait=False) as workdir:
        folder = workdir.resolve()
        yield Sides(
            Tree(before, folder / "base", title=base_title),
            Tree(files, folder / "head", title=head or "the work tree"),
        )


def _opened(root: Path, head: str | None) -> AbstractContextManager[Files]:
    if head is None:
        return git.files_of_work_tree(root)
    return nullcontext(git.files_of(root, head))


def _parse(root: Path, words: str | None) -> tuple[str, str, str | None]:
    """The base, what it is called, and the head; None for the work tree."""
    if words is None:
        main = git.main_branch(root)
        if main is None:
            raise UserError(
                "this repository has no main branch to compare with",
                why="neither origin nor this clone has a branch main or master",
                next_step="review-charts BASE",
            )
        base = git.merge_base(root, main, git.commit(root, "HEAD"))
        return base, f"{main} ({base[:_SHORT]})", None
    base, dots, head = words.partition("...")
    if dots:
        parted = git.merge_base(root, git.commit(root, base), git.commit(root, head or "HEAD"))
        return parted, f"{base} ({parted[:_SHORT]})", head or "HEAD"
    base, dots, head = words.partition("..")
    if dots:
        return base or "HEAD", base or "HEAD", head or "HEAD"
    return base, base, None
