"""Where the programs start, and the only place that turns an outcome into an exit code."""

from __future__ import annotations

import itertools
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from deploycharts.console import console
from deploycharts.errors import Exit, Problems, UserError

if TYPE_CHECKING:
    import click


def deploy() -> None:
    """Program `deploy`."""
    sys.exit(run("deploy", lambda: _load("deploycharts.cli.deploy.group")))


def create_new_service() -> None:
    """Program `create-new-service`."""
    sys.exit(run("create-new-service", lambda: _load("deploycharts.cli.create_new_service")))


def review_charts() -> None:
    """Program `review-charts`."""
    sys.exit(run("review-charts", lambda: _load("deploycharts.cli.review_charts")))


def sandbox() -> None:
    """Program `sandbox`."""
    sys.exit(run("sandbox", lambda: _load("deploycharts.cli.sandbox")))


def run(name: str, load: Callable[[], click.Command], argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; nothing escapes but the code."""
    import click

    arguments = list(sys.argv[1:] if argv is None else argv)
    if "--no-color" in arguments:
        console.without_colour()
    try:
        return int(load().main(arguments, prog_name=name, standalone_mode=False) or 0)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.UsageError as error:
        return _wrong_usage(name, error, arguments)
    except UserError as error:
        report_error(error, arguments)
        return error.exit
    except (click.Abort, KeyboardInterrupt):
        console.say("\ninterrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except Exception as error:  # whatever gets here is a bug of ours
        return _bug(name, error, arguments)


def report_error(error: UserError, arguments: Sequence[str]) -> None:
    """Write a user's error: one JSON document with `-o json`, else a few lines."""
    if _wants_json(arguments):
        import json

        console.out(json.dumps({"schemaVersion": 1, "error": _as_json(error)}))
        return
    _say_error(error)


def _say_error(error: UserError, indent: str = "") -> None:
    where = f"{error.where}: " if error.where is not None else ""
    console.say(f"{indent}{console.style('error:', 'red', 'bold')} {where}{error.what}")
    for line in error.why.splitlines():
        console.say(f"{indent}  {line}")
    if isinstance(error, Problems):
        for one in error.errors:
            _say_error(one, indent + "  ")
    if error.next_step:
        console.say(f"{indent}  {console.style('next:', 'bold')} {error.next_step}")


def _as_json(error: UserError) -> dict[str, object]:
    fields: dict[str, object] = {
        "exitCode": int(error.exit), "what": error.what,
        "where": None if error.where is None else str(error.where),
        "why": error.why, "next": error.next_step,
    }  # fmt: skip
    if isinstance(error, Problems):
        fields["errors"] = [_as_json(one) for one in error.errors]
    return fields


def _wants_json(arguments: Sequence[str]) -> bool:
    pairs = itertools.pairwise(arguments)
    joined = any(a in {"-ojson", "--output=json"} for a in arguments)
    return joined or any(a in {"-o", "--output"} and b == "json" for a, b in pairs)


def _wrong_usage(name: str, error: click.UsageError, arguments: Sequence[str]) -> int:
    import click

    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        console.say(error.format_message())
        return Exit.USAGE
    command = error.ctx.command_path if error.ctx else name
    wrong = UserError(error.format_message().rstrip("."), next_step=f"{command} --help")
    wrong.exit = Exit.USAGE
    report_error(wrong, arguments)
    return Exit.USAGE


def _bug(name: str, error: Exception, arguments: Sequence[str]) -> int:
    import tempfile

    stamp = time.strftime("%Y%m%d-%H%M%S")
    handle, path = tempfile.mkstemp(prefix=f"{name}-bug-{stamp}-", suffix=".log")
    trace = "".join(traceback.format_exception(error))
    with os.fdopen(handle, "w") as log:
        log.write(f"python {sys.version}\nprogram {name}, {len(arguments)} arguments\n\n{trace}")
    console.say(f"{console.style('bug:', 'red', 'bold')} {type(error).__name__}: {error}")
    console.say(
        f"  This is a defect of {name}, not a mistake of yours. Please report it and attach"
    )
    console.say(f"  {Path(path)}")
    return Exit.BUG


def _load(module: str) -> click.Command:
    command: click.Command = import_module(module).command
    return command
