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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploycharts.errors import UserError

FOLDER = ".scaffold"
_INTENT = "intent.json"


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What to write below `root`.

    Attributes:
        root: the top of the repository.
        files: the new contents by path; None removes the file.
        before: the contents that are there now by path; None where there is no file.
    """

    root: Path
    files: Mapping[str, str | None]
    before: Mapping[str, str | None]

    def changes(self) -> dict[str, str]:
        """Each path and what happens to it: create, change, delete, same."""
        return {path: _verb(self.before[path], text) for path, text in self.files.items()}


def plan(root: Path, files: Mapping[str, str | None]) -> FilePlan:
    """The plan that makes `files` true, whatever is there now."""
    before = {path: _content(root / path) for path in files}
    return FilePlan(root, dict(files), before)


def apply(wanted: FilePlan) -> None:
    """Write the plan: all of it or nothing.

    Raises:
        UserError: a file is no longer as the plan found it; nothing is written.
    """
    with _alone(wanted.root) as folder:
        _recover(wanted.root, folder)
        todo = {p: t for p, t in wanted.files.items() if t != wanted.before[p]}
        for path in todo:
            if _content(wanted.root / path) != wanted.before[path]:
                raise UserError("somebody changed it in the meantime", where=path)
        _stage(folder, todo, wanted.before)
        _finish(wanted.root, folder)


def recover(root: Path) -> list[str]:
    """Finish or clear away what a killed run left behind; the paths that it finished."""
    if not (root / FOLDER).is_dir():
        return []
    with _alone(root) as folder:
        return _recover(root, folder)


def _stage(folder: Path, todo: Mapping[str, str | None], before: Mapping[str, str | None]) -> None:
    steps = []
    for number, (path, text) in enumerate(todo.items()):
        staged = None
        if text is not None:
            staged = f"new/{number}"
            _write_durably(folder / staged, text)
        steps.append(
            {"path": path, "staged": staged, "before": _hash(before[path]), "after": _hash(text)}
        )
    _write_durably(folder / "intent.tmp", json.dumps(steps, indent=1))
    (folder / "intent.tmp").replace(folder / _INTENT)
    _sync_folder(folder)


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
    found = _hash(_content(root / str(step["path"])))
    return found in {step["before"], step["after"]}


def _do(root: Path, folder: Path, step: Mapping[str, str | None]) -> None:
    target = root / str(step["path"])
    if step["staged"] is None:
        target.unlink(missing_ok=True)
        return
    staged = folder / step["staged"]
    if staged.is_file():
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


def _write_durably(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _content(path: Path) -> str | None:
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
