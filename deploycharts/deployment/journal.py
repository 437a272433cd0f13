"""The journal of a deployment: the intent is on disk before the act, the result after it.

Whatever kills us, the last line is then an intent without a result, or the truth. One file for each
deployment, one JSON object a line, readable by its owner only.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs

from deploycharts.documents import Json
from deploycharts.target import Target
from deploycharts.tools.process import group_is_alive, is_alive


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def default_folder() -> Path:
    """Where journals are kept: DEPLOYCHARTS_JOURNAL, else the user's state folder."""
    named = os.environ.get("DEPLOYCHARTS_JOURNAL")
    return Path(named) if named else platformdirs.user_state_path("deploycharts") / "deployments"


class Journal:
    """Appends to one deployment's journal; every line is on disk before `append` returns."""

    def __init__(
        self, folder: Path, deployment: str, *, clock: Callable[[], datetime] = now
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"{deployment}.jsonl"
        self.deployment = deployment
        self._clock = clock
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, kind: str, **facts: Json) -> None:
        """Write one line: what happened or is about to, and when."""
        line = {"at": self._clock().isoformat(timespec="milliseconds"), "kind": kind, **facts}
        os.write(self._file, (json.dumps(line, ensure_ascii=False) + "\n").encode())
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def deployment_id(plan: str) -> str:
    """A sortable ID: UTC time to the second, then the plan's."""
    return f"{now():%Y%m%d-%H%M%S}-{plan}"


@contextmanager
def begun(plan: str, folder: Path | None, /, **facts: Json) -> Iterator[Journal]:
    """The journal of a command that begins now; its first line says who, where and which process.

    Args:
        plan: the ID of what was shown.
        folder: where journals are kept, None for the usual place.
        facts: what else its first line says.
    """
    book = Journal(folder or default_folder(), deployment_id(plan))
    try:
        book.append("begun", host=socket.gethostname(), pid=os.getpid(), **facts)
        yield book
    finally:
        book.close()


@dataclass(frozen=True, slots=True)
class Story:
    """What a journal tells."""

    deployment: str
    path: Path
    lines: tuple[Mapping[str, Any], ...]

    @property
    def begun(self) -> Mapping[str, Any]:
        """Its first line: who, what, from which tree."""
        return self.lines[0] if self.lines else {}

    @property
    def is_finished(self) -> bool:
        """Whether its end was written."""
        return any(line["kind"] == "outcome" for line in self.lines)

    @property
    def open_intent(self) -> Mapping[str, Any] | None:
        """The last act that was begun and whose result is not written, if any."""
        opened: Mapping[str, Any] | None = None
        for line in self.lines:
            if line["kind"] == "intent":
                opened = line
            elif line["kind"] == "result":
                opened = None
        return None if self.is_finished else opened

    def is_running(self) -> bool:
        """Whether its process still lives on this machine."""
        return not self.is_finished and self._lives(int(self.begun.get("pid") or 0))

    def orphan(self, target: Target) -> int | None:
        """The process group of the helm that a killed deployment left at work on a release.

        A deployment acts on several releases at once: another release's helm is never meant.
        """
        if self.is_finished or self.is_running():
            return None
        started = [
            int(line["pid"])
            for line in self.lines
            if line["kind"] == "started" and line["target"] == str(target)
        ]
        is_here = self.begun.get("host") == socket.gethostname()
        return started[-1] if started and is_here and group_is_alive(started[-1]) else None

    def _lives(self, pid: int) -> bool:
        return pid > 0 and self.begun.get("host") == socket.gethostname() and is_alive(pid)


def read(folder: Path, deployment: str) -> Story | None:
    """The story of one deployment, None if this machine has no journal of it."""
    path = folder / f"{deployment}.jsonl"
    if not path.is_file():
        return None
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:  # torn by a crash: the act it announces was not begun
            break
    return Story(deployment, path, tuple(lines))


def whoami() -> str:
    """The user and machine of this process, as journals and helm's history name them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def who_left(folder: Path, target: Target, deployment: str, description: str) -> str:
    """Who left a release in the middle, as far as this machine's journals tell.

    Args:
        folder: where journals are kept.
        target: the release.
        deployment: the ID that the release carries, empty if none.
        description: helm's description of the revision.
    """
    story = read(folder, deployment) if deployment else None
    if story is None:
        return (
            f"another helm or deployment is at work, or was killed there ({description}); "
            "wait for it, or go back"
        )
    who = story.begun.get("author", "somebody")
    if story.is_running():
        return f"deployment {deployment} of {who} is still running (pid {story.begun['pid']})"
    orphan = story.orphan(target)
    if orphan is not None:
        return (
            f"deployment {deployment} of {who} was killed; the helm that it started still runs "
            f"(process group {orphan}), {story.path} tells more"
        )
    return f"deployment {deployment} of {who} ended there without finishing; {story.path} tells how"
