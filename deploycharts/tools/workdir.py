"""Private temporary folders, for what must not be readable by others even for a moment."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.tools import process
from deploycharts.tools.plainwords import PREFIX
from deploycharts.tools.process import is_alive

_ABANDONED_S = 900.0
_MEMORY = Path("/dev/shm")  # noqa: S108  # what is made there is private
_ROOM_BYTES = 512 * 1024**2


@contextmanager
def private_folder(purpose: str, *, wait: bool = True) -> Iterator[Path]:
    """A folder that only this user can enter (0700), below `temporary`; removed whatever happens.

    After a SIGKILL it stays; the next run removes it when its owner is dead and it is old enough
    that no program started by that owner still reads it. Without `wait` a process of its own
    removes it, which may take longer than we do: for many files without secrets.
    """
    place = temporary()
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{purpose}-{os.getpid()}-", dir=place))
    try:
        yield folder
    finally:
        if wait or not _remove_beside(folder):
            shutil.rmtree(folder, ignore_errors=True)


def temporary() -> Path:
    """Where temporary folders are made: $TMPDIR, else memory that has room for them, else a disk.

    Secrets in memory are on no disk, and the many small files of a review are written ten times
    as fast.
    """
    if not os.environ.get("TMPDIR") and _has_room(_MEMORY):
        return _MEMORY
    return Path(tempfile.gettempdir())


def _has_room(place: Path) -> bool:
    """Whether a place takes our files, and runs the programs that a repository brings."""
    try:
        facts = os.statvfs(place)
    except OSError:
        return False
    may_run = not facts.f_flag & os.ST_NOEXEC
    return may_run and os.access(place, os.W_OK) and facts.f_bavail * facts.f_frsize >= _ROOM_BYTES


def _remove_beside(folder: Path) -> bool:
    """Start the removal of a folder; False if that cannot be started."""
    script = 'rm -rf -- "$0" </dev/null >/dev/null 2>&1 &'
    try:
        process.run(["sh", "-c", script, str(folder)])
    except UserError:
        return False
    return True


def _sweep(temporary: Path) -> None:
    for folder in temporary.glob(f"{PREFIX}*-*-*"):
        pid = folder.name.split("-")[2]
        with suppress(OSError):
            facts = folder.lstat()
            mine = facts.st_uid == os.getuid() and folder.is_dir() and not folder.is_symlink()
            old = time.time() - facts.st_mtime > _ABANDONED_S
            if mine and old and pid.isdigit() and not is_alive(int(pid)):
                shutil.rmtree(folder, ignore_errors=True)
