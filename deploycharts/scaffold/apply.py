"""Writing a file plan so that all of it is there, or nothing, whenever the process is killed.

Everything is staged on the same file system and made durable, then the intent is written; from that
moment the plan is finished by this run or by the next one. Before it, the next run clears away.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.scaffold.tree import Tree

FOLDER = ".scaffold"
_INTENT = "intent.json"


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What to write below `root`.

    Attributes:
        root: the top of the repository.
        files: the new contents by path; None removes the file.
        before: the contents that are there now by path; None where there is no file.
        executable: whether a file can be run afterwards, by path; a file that is not named
            stays as it is, and a new one cannot be run.
    """

    root: Path
    files: Mapping[str, str | None]
    before: Mapping[str, str | None]
    executable: Mapping[str, bool] = field(default_factory=dict)

    def changes(self) -> dict[str, str]:
        """Each path and what happens to it: create, change, delete, same."""
        return {path: _verb(self.before[path], text) for path, text in self.files.items()}

    def is_done(self, path: str) -> bool:
        """Whether a file is already as it shall be."""
        wanted = self.files[path]
        if wanted is None or wanted != self.before[path]:
            return wanted == self.before[path]
        target = self.root / path
        return self.executable.get(path, is_executable(target)) == is_executable(target)


def plan(
    root: Path, files: Mapping[str, str | None], executable: Mapping[str, bool] | None = None
) -> FilePlan:
    """The plan that makes `files` true, whatever is there now."""
    before = {path: content(root / path) for path in files}
    return FilePlan(root, dict(files), before, dict(executable or {}))


def of_tree(root: Path, tree: Tree) -> FilePlan:
    """The plan that writes a tree."""
    return plan(root, tree, dict.fromkeys(tree.executable, True))


def is_executable(path: Path) -> bool:
    """Whether the owner of a file may run it, as git sees it."""
    try:
        return bool(path.stat().st_mode & stat.S_IXUSR)
    except OSError:
        return False


def apply(wanted: FilePlan) -> None:
    """Write the plan: all of it or nothing.

    Raises:
        UserError: a file is no longer as the plan found it; nothing is written.
    """
    with _alone(wanted.root) as folder:
        _recover(wanted.root, folder)
        todo = {p: t for p, t in wanted.files.items() if not wanted.is_done(p)}
        for path in todo:
            if content(wanted.root / path) != wanted.before[path]:
                raise UserError("somebody changed it in the meantime", where=path)
        _stage(folder, todo, wanted)
        _finish(wanted.root, folder)


def recover(root: Path) -> list[str]:
    """Finish or clear away what a killed run left behind; the paths that it finished."""
    if not (root / FOLDER).is_dir():
        return []
    with _alone(root) as folder:
        return _recover(root, folder)


def _stage(folder: Path, todo: Mapping[str, str | None], wanted: FilePlan) -> None:
    steps = []
    for number, (path, text) in enumerate(todo.items()):
        staged = None
        if text is not None:
            staged = f"new/{number}"
            _write_durably(folder / staged, text, mode=_mode(wanted, path))
        before = _hash(wanted.before[path])
        steps.append({"path": path, "staged": staged, "before": before, "after": _hash(text)})
    _write_durably(folder / "intent.tmp", json.dumps(steps, indent=1))
    (folder / "intent.tmp").replace(folder / _INTENT)
    _sync_folder(folder)


def _mode(wanted: FilePlan, path: str) -> int | None:
    """The permissions of a file that is written: the old one's, but for the executable bits."""
    target = wanted.root / path
    old = stat.S_IMODE(target.stat().st_mode) if target.is_file() else None
    executable = wanted.executable.get(path)
    if executable is None:
        return old
    mode = (0o666 & ~_umask()) if old is None else old
    if executable == bool(mode & stat.S_IXUSR):
        return mode
    return mode | (mode & 0o444) >> 2 if executable else mode & ~0o111


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _recover(root: Path, folder: Path) -> list[str]:
    if (folder / _INTENT).is_file():
        return _finish(root, folder)
    _clear(folder)
    return []


def _finish(root: Path, folder: Path) -> list[str]:
    steps = json.loads((folder / _INTENT).read_text())
    touched = [step["path"] for step in steps if not _is_as_expected(root, step)]
    if touched:
        raise UserError(
            "an interrupted run cannot be finished: somebody changed the files since",
            where=touched[0],
            why="\n".join(touched),
            next_step=f"put them back, or give that run up: rm -r {FOLDER}",
        )
    for step in steps:
        _do(root, folder, step)
    for parent in sorted({str((root / step["path"]).parent) for step in steps}):
        if Path(parent).is_dir():
            _sync_folder(Path(parent))
    (folder / _INTENT).unlink()
    _clear(folder)
    return [step["path"] for step in steps]


def _is_as_expected(root: Path, step: Mapping[str, str | None]) -> bool:
    found = _hash(content(root / str(step["path"])))
    return found in {step["before"], step["after"]}


def _do(root: Path, folder: Path, step: Mapping[str, str | None]) -> None:
    target = root / str(step["path"])
    if step["staged"] is None:
        target.unlink(missing_ok=True)
        return
    staged = folder / step["staged"]
    if staged.is_file():
        if target.is_symlink():
            target = target.resolve()  # the owner's link stays, and what it leads to changes
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(target)


def _clear(folder: Path) -> None:
    shutil.rmtree(folder / "new", ignore_errors=True)
    (folder / "intent.tmp").unlink(missing_ok=True)


@contextmanager
def _alone(root: Path) -> Iterator[Path]:
    """The working folder, while no other run writes to this repository; removed at the end."""
    handle = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError("another create-new-service writes here now", where=root) from None
        folder = root / FOLDER
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
        yield folder
        if not (folder / _INTENT).exists():
            shutil.rmtree(folder)
    finally:
        os.close(handle)


def _write_durably(path: Path, text: str, *, mode: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def content(path: Path) -> str | None:
    """The text of a file; None if there is none.

    Raises:
        UserError: it is no file, or not text.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (IsADirectoryError, NotADirectoryError):
        raise UserError("something that is no file is in the way", where=path) from None
    except UnicodeDecodeError:
        raise UserError("this file is not text", where=path) from None


def _hash(text: str | None) -> str:
    return "absent" if text is None else hashlib.sha256(text.encode()).hexdigest()


def _verb(before: str | None, after: str | None) -> str:
    if before == after:
        return "same"
    if before is None:
        return "create"
    return "delete" if after is None else "change"
