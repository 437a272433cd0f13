"""What git says of the repository that is deployed from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploycharts.errors import UserError, unknown
from deploycharts.tools import process
from deploycharts.tools.process import Result
from deploycharts.tools.workdir import private_folder

_MAIN_BRANCHES = ("origin/main", "origin/master", "main", "master")
_SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class Tree:
    """The checked-out commit, and whether files differ from it."""

    commit: str
    dirty: bool

    def __str__(self) -> str:
        if not self.commit:
            return "no commit"
        return f"commit {self.commit[:10]}{' with uncommitted changes' if self.dirty else ''}"


@dataclass(frozen=True, slots=True)
class Standing:
    """How the work tree stands to the main branch.

    Attributes:
        branch: the main branch; empty where none is known.
        missing: what keeps the tree from being the main branch's; empty if nothing does.
        next_step: how to mend that.
    """

    branch: str
    missing: str = ""
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as `git log` tells it; `at` is its author's time, ISO 8601."""

    id: str
    author: str
    at: str
    subject: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a git tree: its mode and the name of its content."""

    mode: str
    blob: str

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == "120000"


@dataclass(frozen=True, slots=True)
class Files:
    """All files of a git tree, and where git finds their contents.

    Attributes:
        id: the tree's name; equal trees have equal names.
        top: the top folder of the work tree.
        prefix: the repository's folder below `top`; "" if it is `top` itself.
        environ: what git needs in its environment to find new contents of the work tree.
    """

    id: str
    top: Path
    prefix: str
    environ: Mapping[str, str] = field(default_factory=dict)

    def entries(self) -> dict[str, Entry]:
        """The files below `prefix` by their path there, submodules left out."""
        where = f"{self.id}:{self.prefix}" if self.prefix else self.id
        listing = _git(self.top, "ls-tree", "-r", "-z", "--full-tree", where, env=self.environ)
        found = {}
        for line in filter(None, listing.out.split("\0")):
            facts, _, path = line.partition("\t")
            mode, _, blob = facts.split(" ")
            if mode != _SUBMODULE:
                found[path] = Entry(mode, blob)
        return found

    def lay_out(self, folder: Path, paths: Iterable[str]) -> None:
        """Write some of the files below `folder`, where all files have their place.

        Raises:
            CommandFailed: git cannot write them.
        """
        index = folder.with_name(f"{folder.name}.index")
        env = {**self.environ, "GIT_INDEX_FILE": str(index)}
        if not index.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _git(self.top, "read-tree", self.id, env=env)
        before = f"{self.prefix}/" if self.prefix else ""
        listing = "\0".join(f"{before}{path}" for path in paths)
        words = ["checkout-index", "--quiet", f"--prefix={folder}/", "-z", "--stdin"]
        _git(self.top, *words, env=env, stdin=listing)


def tree(root: Path) -> Tree:
    """The state of the work tree at `root`; an empty commit where there is no git."""
    head = process.run(["git", "rev-parse", "--verify", "-q", "HEAD"], cwd=root, ok=range(256))
    if head.code != 0:
        return Tree("", dirty=True)
    status = process.run(
        ["git", "--no-optional-locks", "status", "--porcelain"], cwd=root, ok=range(256)
    )
    return Tree(head.out.strip(), bool(status.out.strip()))


def standing(root: Path) -> Standing:
    """Whether what lies in the work tree was merged into the main branch."""
    found = tree(root)
    branch = main_branch(root) if found.commit else None
    if branch is None:
        return Standing("", "there is no main branch to compare with", "git branch --list --all")
    if found.dirty:
        return Standing(branch, "the tree has uncommitted changes", "git status")
    merged = _git(root, "merge-base", "--is-ancestor", found.commit, branch, ok=range(256))
    if merged.code != 0:
        missing = f"commit {found.commit[:10]} is not merged into {branch}"
        return Standing(branch, missing, f"git log {branch}..HEAD")
    return Standing(branch)


def has_commit(root: Path, revision: str) -> bool:
    """Whether this clone has a commit."""
    words = ["cat-file", "-e", f"{revision}^{{commit}}"]
    return _git(root, *words, ok=range(256)).code == 0


def log(root: Path, base: str, head: str, paths: Iterable[str]) -> tuple[Commit, ...]:
    """The commits that `head` has and `base` has not and that touch one of the paths, newest first.

    Raises:
        CommandFailed: this clone does not have one of them.
    """
    form = "--format=%H%x1f%an%x1f%aI%x1f%s"
    answer = _git(root, "log", form, f"{base}..{head}", "--", *paths)
    return tuple(Commit(*line.split("\x1f", 3)) for line in answer.out.splitlines())


def who_changed(root: Path, base: str, path: str) -> str:
    """Who changed a file or folder since the commit `base`, in words; empty if git cannot tell."""
    status = _git(root, "status", "--porcelain", "--", path, ok=range(256))
    if status.out.strip():
        return "not committed"
    words = ["log", "-1", "--format=%an in %h (%s)", f"{base}..HEAD", "--", path]
    return _git(root, *words, ok=range(256)).out.strip() if base else ""


def stat(root: Path, paths: Sequence[str]) -> str:
    """What `git diff --stat` says of some paths of the work tree against the last commit."""
    words = ["diff", "--stat=100", "--no-color", "HEAD", "--", *paths]
    return _git(root, *words, ok=range(256)).out


def commit(root: Path, revision: str) -> str:
    """The commit that a revision names.

    Raises:
        UnknownName: there is none; near branches and tags are named.
        UserError: this is no git repository.
    """
    words = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    answer = _git(root, *words, ok=range(256))
    if answer.code != 0:
        _require_repository(root)
        names = _git(root, "for-each-ref", "--format=%(refname:short)", ok=range(256)).out.split()
        raise unknown("revision", revision, names, next_step="git log --oneline")
    return answer.out.strip()


def main_branch(root: Path) -> str | None:
    """The branch that changes are merged into, as far as this clone knows."""
    told = _git(root, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD", ok=(0, 1))
    names = [told.out.strip()] if told.out.strip() else []
    refs = _git(root, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes")
    known = set(refs.out.split())
    return next((name for name in (*names, *_MAIN_BRANCHES) if name in known), None)


def merge_base(root: Path, one: str, other: str) -> str:
    """The commit where two revisions parted.

    Raises:
        UserError: they have no common history.
    """
    answer = _git(root, "merge-base", one, other, ok=range(256))
    if answer.code != 0:
        raise UserError(
            f"{one} and {other} have no common history",
            why=answer.err.strip() or "a shallow clone does not reach back to where they parted",
            next_step="git fetch --unshallow",
        )
    return answer.out.strip()


def files_of(root: Path, revision: str) -> Files:
    """The files of a commit.

    Raises:
        UnknownName: there is no such revision.
    """
    top, prefix = _top(root)
    named = _git(root, "rev-parse", f"{commit(root, revision)}^{{tree}}")
    return Files(named.out.strip(), top, prefix)


@contextmanager
def files_of_work_tree(root: Path) -> Iterator[Files]:
    """The files of the work tree: changed and untracked ones too, ignored ones not.

    Leaves the repository alone: index and new contents live in a private folder meanwhile.
    """
    top, prefix = _top(root)
    paths = _git(root, "rev-parse", "--git-path", "index", "--git-path", "objects").out.split("\n")
    index, objects = (Path(root, path).resolve() for path in paths[:2])
    with private_folder("worktree") as workdir:
        own = workdir / "index"
        if index.is_file():
            # With its time: by that git tells which files it must look into.
            shutil.copy2(index, own)
        (workdir / "objects").mkdir()
        others = [str(objects), *filter(None, [os.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES")])]
        env = {
            "GIT_OBJECT_DIRECTORY": str(workdir / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(others),
        }
        with_index = {**env, "GIT_INDEX_FILE": str(own)}
        _git(top, "add", "--all", "--ignore-errors", ".", env=with_index)
        named = _git(top, "write-tree", env=with_index)
        yield Files(named.out.strip(), top, prefix, env)


def _top(root: Path) -> tuple[Path, str]:
    answer = _git(root, "rev-parse", "--show-toplevel", "--show-prefix", ok=range(256))
    if answer.code != 0:
        _require_repository(root)
    top, prefix, *_ = [*answer.out.split("\n"), ""]
    return Path(top), prefix.rstrip("/")


def _require_repository(root: Path) -> None:
    answer = _git(root, "rev-parse", "--git-dir", ok=range(256))
    if answer.code != 0:
        raise UserError(
            "this is not a git repository",
            where=root,
            why=answer.err.strip(),
            next_step="git init && git add . && git commit",
        )


def _git(
    cwd: Path,
    *words: str,
    env: Mapping[str, str] | None = None,
    ok: range | tuple[int, ...] = (0,),
    stdin: str = "",
) -> Result:
    environ = {**os.environ, **(env or {})}
    return process.run(["git", *words], cwd=cwd, env=environ, ok=ok, stdin=stdin)
