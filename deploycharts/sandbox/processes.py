"""The processes of a sandbox, known by their command lines.

No process IDs are written down: an ID can belong to another program by the time it is read, and
files of them do not survive a crash between start and note.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.sandbox import egress

_PROC = Path("/proc")
_PROGRAMS = frozenset(
    {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"}
)
# The shell ends at once, so that the program belongs to the system and not to us.
_LAUNCH = '"$@" >>"$0" 2>&1 </dev/null & echo $!'


@dataclass(frozen=True, slots=True)
class Process:
    """A running process and how it was started."""

    pid: int
    argv: tuple[str, ...]


def find(folder: Path) -> list[Process]:
    """The running programs of the sandbox in `folder`, whoever started them, oldest ID first."""
    marker = f"{folder}/"
    everything = _from_proc() if _has_proc() else _from_ps()
    return sorted((each for each in everything if _belongs(each, marker)), key=lambda p: p.pid)


def start(argv: Sequence[str], *, cwd: Path, log: Path, environment: Mapping[str, str]) -> int:
    """Start a program that outlives us and our terminal, and return its process ID."""
    launched = subprocess.run(
        ["/bin/sh", "-c", _LAUNCH, str(log), *argv], cwd=cwd, start_new_session=True, check=True,
        env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return int(launched.stdout)


def kill(pids: Iterable[int], *, wait_s: float = 10) -> None:
    """End processes at once and wait until they are gone. Their data is safe in etcd's log.

    Raises:
        UserError: one does not go.
    """
    left = list(pids)
    for pid in left:
        _signal(pid)
    deadline = time.monotonic() + wait_s
    while left := [pid for pid in left if is_alive(pid)]:
        if time.monotonic() > deadline:
            raise UserError(f"process {left[0]} does not end", next_step=f"kill -9 {left[0]}")
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    state = _state(pid)
    return state != "" and state[0] not in "ZX"


def memory_bytes(pid: int) -> int:
    """The memory that a process occupies, 0 if it is gone."""
    if _has_proc():
        try:
            pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
        except OSError:
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")
    return int(_ps("-o", "rss=", "-p", str(pid)).strip() or 0) * 1024


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables without those that change what the programs of a sandbox do.

    An API server would send its calls to pods and kubelets to a proxy; etcd does not start when a
    variable contradicts its command line.
    """
    return {
        name: value
        for name, value in environment.items()
        if not name.lower().endswith("_proxy") and not name.startswith(("ETCD_", "KWOK_"))
    }


def _belongs(process: Process, marker: str) -> bool:
    program, *arguments = process.argv
    is_ours = Path(program).name in _PROGRAMS or egress.MODULE in arguments
    return is_ours and any(marker in each for each in arguments)


def _has_proc() -> bool:
    return (_PROC / "self" / "cmdline").exists()


def _from_proc() -> Iterator[Process]:
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if folder.stat().st_uid != os.getuid():
                continue
            argv = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        except OSError:
            continue
        if argv:
            yield Process(int(folder.name), tuple(argv))


def _from_ps() -> Iterator[Process]:
    for line in _ps("-x", "-ww", "-o", "pid=,args=").splitlines():
        pid, *argv = line.split()
        if argv:
            yield Process(int(pid), tuple(argv))


def _state(pid: int) -> str:
    if not _has_proc():
        return _ps("-o", "stat=", "-p", str(pid)).strip()
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _signal(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout
