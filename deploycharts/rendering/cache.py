"""What is remembered between runs: answers by the content of their questions.

Entries are files named by the sha256 of everything that decides their content, so they are never
out of date, and the folder may be deleted at any time. Only this user can read them; what secret
layers went into is never stored.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import platformdirs

from deploycharts.tools import programs

LIMIT_BYTES = 256 * 2**20
_PRUNE_EVERY_S = 3600
_UNUSED_S = 30 * 86_400.0
_GENERATION = "2"


class Cache:
    """A folder of answers; writing and reading never fail, at worst nothing is remembered."""

    def __init__(self, folder: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Use `folder`, made when the first answer is stored."""
        self._folder = folder
        self._limit_bytes = limit_bytes

    def get(self, key: str) -> bytes | None:
        """The answer stored under `key`, None if there is none."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        with suppress(OSError):
            os.utime(path)
        return content

    def put(self, key: str, content: bytes) -> None:
        """Store an answer; readers see all of it or nothing."""
        path = self._path(key)
        with suppress(OSError):
            if not path.parent.is_dir():
                self._make(path.parent)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def prune(self, *, now: float | None = None) -> None:
        """Forget what was not used for longest, until the folder is within its bound.

        Looks at most once in an hour.
        """
        stamp = self._folder / "pruned"
        at = time.time() if now is None else now
        with suppress(OSError):
            if stamp.exists() and at - stamp.stat().st_mtime < _PRUNE_EVERY_S:
                return
            self._make(self._folder)
            stamp.touch(mode=0o600)
            os.utime(stamp, (at, at))
            self._shrink()

    def _shrink(self) -> None:
        found = sorted(self._entries(), key=lambda each: each[1].st_mtime, reverse=True)
        total = 0
        for path, facts in found:
            total += facts.st_size
            if total > self._limit_bytes:
                path.unlink(missing_ok=True)

    def _entries(self) -> Iterator[tuple[Path, os.stat_result]]:
        for folder in (each for each in self._folder.iterdir() if each.is_dir()):
            for path in folder.iterdir():
                with suppress(OSError):
                    yield path, path.stat()

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key[2:]

    def _make(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Nobody else is to list it, whatever the umask and whoever made it.
        for each in (self._folder, folder):
            if each.stat().st_mode & 0o077:
                each.chmod(0o700)


def forget_unused(folder: Path, *, now: float | None = None) -> None:
    """Remove the folders in `folder` that nobody touched for a month."""
    at = time.time() if now is None else now
    with suppress(OSError):
        for each in folder.iterdir():
            if at - each.stat().st_mtime > _UNUSED_S:
                shutil.rmtree(each, ignore_errors=True)


def user_folder() -> Path:
    """Where all that is remembered for this user lies: DEPLOYCHARTS_CACHE if that is set."""
    chosen = os.environ.get("DEPLOYCHARTS_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("deploycharts")


def user_cache() -> Cache:
    """The cache of this user's answers."""
    return Cache(user_folder() / "answers")


def key(*parts: str) -> str:
    """The name of the answer to a question with these parts."""
    text = "\0".join((_GENERATION, *parts))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


@cache
def program_identity(name: str) -> str:
    """Which build of a program answers; a stat is cheaper than asking it for its version."""
    path = programs.supported(name).resolve()
    facts = path.stat()
    return f"{path} {facts.st_size} {facts.st_mtime_ns}"
