"""Running other programs. The only importer of `sh`.

Captured runs go through `subprocess`: `sh` forks the whole process (39 ms with 1 GB of memory,
against 0.6 ms) and warns about its threads. Long runs that are watched line by line and interrupted
use `sh`.
"""

from __future__ import annotations

import logging
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploycharts.errors import UserError
from deploycharts.tools import plainwords

_TAIL_LINES = 20
_PIPE_BYTES = 2**20
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended. `code` is negative when a signal ended it."""

    argv: tuple[str, ...]
    code: int
    out: str = field(repr=False)
    err: str = field(repr=False)
    seconds: float

    @property
    def command_line(self) -> str:
        """The command as it can be pasted into a shell."""
        return shlex.join(self.argv)


class CommandFailed(UserError):
    """A program ended with a code that is not a success."""

    def __init__(self, result: Result, *, next_step: str = "") -> None:
        name = Path(result.argv[0]).name
        tail = (result.err.strip() or result.out.strip()).splitlines()[-_TAIL_LINES:]
        command = [] if name.startswith("helm") else [f"command: {result.command_line}"]
        super().__init__(
            f"{name} failed ({_ending(result.code)})",
            why="\n".join([plainwords.plain("\n".join(tail)), *command]),
            next_step=next_step,
        )
        self.result = result


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    ok: Sequence[int] = (0,),
    timeout_s: float | None = None,
) -> Result:
    """Run a program to its end and capture what it writes.

    Args:
        argv: the program and its arguments; never a secret among them, others can read them.
        cwd: the folder to run in.
        env: the whole environment, this process's own if None.
        stdin: what the program reads.
        ok: the exit codes that are no failure.
        timeout_s: after this the program is interrupted, as by Ctrl-C.

    Raises:
        CommandFailed: the exit code is not in `ok`, or the time is over.
        UserError: the program cannot be started.
    """
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            list(argv), cwd=cwd, env=dict(env) if env is not None else None,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise _not_started(argv, cwd, error) from None
    with process:
        try:
            out, err = process.communicate(stdin, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate()
            err += f"\ninterrupted after {timeout_s:g} s"
        except BaseException:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
    result = Result(tuple(argv), process.returncode, out, err, time.monotonic() - started)
    if result.code not in ok:
        raise CommandFailed(result)
    return result


@contextmanager
def lines(argv: Sequence[str], *, stdin: str, env: Mapping[str, str]) -> Iterator[Iterator[bytes]]:
    """Run a program and read the lines that it writes while it runs.

    On leaving it is ended if it still runs; how it ended is nobody's concern.

    Args:
        argv: the program and its arguments.
        stdin: all that the program reads.
        env: its whole environment.

    Raises:
        UserError: the program cannot be started.
    """
    with tempfile.TemporaryFile() as file:
        file.write(stdin.encode(errors="surrogateescape"))
        file.seek(0)
        try:
            process = subprocess.Popen(
                list(argv), env=dict(env), stdin=file, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, pipesize=_PIPE_BYTES,
            )  # fmt: skip
        except OSError as error:
            raise _not_started(argv, None, error) from None
        with process:
            try:
                assert process.stdout is not None
                yield iter(process.stdout)
            finally:
                process.kill()


class Running:
    """A program that runs beside us in a session of its own; our Ctrl-C does not reach it."""

    def __init__(self, argv: Sequence[str], command: Any, started: float) -> None:
        self._argv = tuple(argv)
        self._command = command
        self._started = started

    @property
    def pid(self) -> int:
        """The process ID, which is also its process group."""
        return int(self._command.pid)

    def is_alive(self) -> bool:
        """Whether it, or anything that it started, still runs."""
        return bool(self._command.is_alive()) or group_is_alive(self.pid)

    def interrupt(self) -> None:
        """Ask it, and all that it started, to stop, as Ctrl-C would; then `wait` for its end."""
        self._send(signal.SIGINT)

    def kill(self) -> None:
        """End it, and all that it started, at once. Never helm: it has to record how it ended."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            if self.is_alive():
                os.killpg(self.pid, number)

    def wait(self) -> Result:
        """Wait for the end, also of all that it started and left behind when it was killed.

        A failure is in the result's code, not raised.
        """
        self._command.wait()
        while group_is_alive(self.pid):
            time.sleep(_POLL_S)
        return Result(
            self._argv,
            int(self._command.exit_code),
            self._command.stdout.decode(errors="replace"),
            self._command.stderr.decode(errors="replace"),
            time.monotonic() - self._started,
        )


def start(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Running:
    """Start a program and go on.

    Args:
        argv: the program and its arguments.
        cwd: the folder to run in.
        env: the whole environment, this process's own if None.
        on_line: called in another thread with each line that it writes to either stream.
    """
    import sh

    logging.getLogger("sh").setLevel(logging.WARNING)
    options: dict[str, Any] = {
        "_bg": True, "_bg_exc": False, "_new_session": True, "_in": "", "_tty_out": False,
        "_return_cmd": True, "_decode_errors": "replace", "_ok_code": range(-64, 256),
    }  # fmt: skip
    if on_line is not None:
        options |= {"_out": on_line, "_err": on_line, "_tee": {"out", "err"}}
    if cwd is not None:
        options["_cwd"] = str(cwd)
    if env is not None:
        options["_env"] = dict(env)
    started = time.monotonic()
    try:
        return Running(argv, sh.Command(argv[0])(*argv[1:], **options), started)
    except (sh.CommandNotFound, sh.ForkException) as error:
        raise UserError(f"cannot start {argv[0]}", why=str(error).splitlines()[0]) from None


def is_alive(pid: int) -> bool:
    """Whether a process lives; one that ended and that nobody waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state != "Z"


def group_is_alive(group: int) -> bool:
    """Whether a process of a group lives; ended ones that nobody waited for do not."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    members = [*_members(group)]
    return not Path("/proc/self/stat").exists() or any(state != "Z" for state in members)


def _members(group: int) -> Iterator[str]:
    """The states of the processes of a group, where there is a /proc."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, member_of = stat.read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(member_of) == group:
            yield state


def interrupt_group(group: int, *, timeout_s: float) -> bool:
    """Interrupt a process group that somebody else started; whether it ended in time."""
    deadline = time.monotonic() + timeout_s
    try:
        os.killpg(group, signal.SIGINT)
    except ProcessLookupError:
        return True
    while time.monotonic() < deadline:
        if not group_is_alive(group):
            return True
        time.sleep(_POLL_S)
    return False


def _not_started(argv: Sequence[str], cwd: Path | None, error: OSError) -> UserError:
    missing_folder = cwd is not None and not cwd.is_dir()
    return UserError(
        f"cannot start {argv[0]}",
        why=f"the folder {cwd} does not exist" if missing_folder else str(error.strerror or error),
    )


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
