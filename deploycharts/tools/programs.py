"""Finding helm, helmfile and the programs of the control planes in versions that will do."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from functools import cache
from pathlib import Path

import platformdirs

from deploycharts.errors import UserError
from deploycharts.tools import process

_MINIMUM = {"helm": (3, 18, 0), "helmfile": (1, 1, 0)}
_INSTALL = "scripts/setup builds it, or put one on PATH, or name one in {variable}"


@cache
def find(name: str) -> Path:
    """The program `name`: named in DEPLOYCHARTS_<NAME>, beside this Python, or on PATH.

    Raises:
        UserError: there is none.
    """
    variable = f"DEPLOYCHARTS_{name.upper().replace('-', '_')}"
    beside = str(Path(sys.prefix) / "bin")
    explicit = os.environ.get(variable)
    search = None if explicit else os.pathsep.join([beside, os.environ.get("PATH", "")])
    found = shutil.which(explicit or name, path=search)
    if found is None:
        raise UserError(
            f"{explicit or name} is not there",
            why=f"{variable} names it" if explicit else f"looked in {beside} and in PATH",
            next_step=_INSTALL.format(variable=variable),
        )
    return Path(found)


@cache
def version(name: str) -> str:
    """The version of helm or helmfile without a leading v, for instance "4.2.4".

    Raises:
        UserError: it is missing, does not say its version, or is older than we can drive.
    """
    path = find(name)
    stamp = _stamp(path)
    remembered = _remembered().get(stamp)
    if remembered is not None:
        return remembered
    env = {**os.environ, "HELMFILE_UPGRADE_NOTICE_DISABLED": "1"}  # else it asks the network
    answer = process.run([str(path), "version"], env=env, ok=range(256))
    numbers = re.search(r"(\d+)\.(\d+)\.(\d+)", answer.out + answer.err)
    if answer.code != 0 or numbers is None:
        raise UserError(
            f"{path} does not say its version",
            why=(answer.err or answer.out).strip()[:500],
            next_step=_INSTALL.format(variable=f"DEPLOYCHARTS_{name.upper()}"),
        )
    have = tuple(int(number) for number in numbers.groups())
    if have < _MINIMUM[name]:
        minimum = ".".join(map(str, _MINIMUM[name]))
        raise UserError(
            f"{name} {numbers[0]} is too old: {minimum} or newer is needed",
            where=path,
            next_step=_INSTALL.format(variable=f"DEPLOYCHARTS_{name.upper()}"),
        )
    _remember(stamp, numbers[0])
    return numbers[0]


def _memory() -> Path:
    named = os.environ.get("DEPLOYCHARTS_CACHE")
    folder = Path(named) if named else platformdirs.user_cache_path("deploycharts")
    return folder / "versions.json"


def _stamp(path: Path) -> str:
    """What changes when another program is put in the place of this one."""
    real = path.resolve()
    facts = real.stat()
    return f"{real} {facts.st_size} {facts.st_mtime_ns}"


def _remembered() -> dict[str, str]:
    try:
        found = json.loads(_memory().read_text())
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _remember(stamp: str, version: str) -> None:
    """Asking costs 0.1 s each time; where the cache cannot be written we ask again."""
    path = _memory()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({**_remembered(), stamp: version}))
        temporary.replace(path)
    except OSError:
        return
