"""Finding helm, helmfile and the programs of the control planes in versions that will do."""

from __future__ import annotations

import json
import os
import shutil
import sys
from functools import cache
from pathlib import Path

import platformdirs

from deploycharts.errors import UserError
from deploycharts.tools import process
from deploycharts.tools.versions import SUPPORTED, Feature, Version

_ASKING = {
    "helm": ("version", "--template", "{{.Version}}"),
    "helmfile": ("version", "--output", "short"),
}
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
def version(name: str) -> Version:
    """The version of helm or helmfile, as the program itself calls it.

    Raises:
        UserError: it is missing, does not say its version, or is none that we can drive.
    """
    path = find(name)
    stamp = _stamp(path)
    have = Version.parse(_remembered().get(stamp, ""))
    if have is None:
        have = _ask(name, path)
        _remember(stamp, str(have))
    objection = SUPPORTED[name].objection(name, have)
    if objection:
        raise UserError(objection, where=path, next_step=_install(name))
    return have


@cache
def can(feature: Feature) -> bool:
    """Whether the program that is there has a feature.

    Raises:
        UserError: as `version`.
    """
    return version(feature.program) >= feature.since


def supported(name: str) -> Path:
    """Helm or helmfile, in versions that we can drive, each of them and both together.

    Raises:
        UserError: as `version`, or helmfile is too old for this helm.
    """
    helm = version("helm")
    if name == "helmfile" and helm.major > 3 and not can(Feature.HELM_4):
        raise UserError(
            f"helmfile {version('helmfile')} does not know helm {helm.major}",
            where=find("helmfile"),
            why=f"helm is {find('helm')}, version {helm}",
            next_step=f"{_install('helmfile')} that is {Feature.HELM_4.since} or newer",
        )
    version(name)
    return find(name)


def _ask(name: str, path: Path) -> Version:
    """What the program says in the field for its version: others name those of Go and the like."""
    env = {**os.environ, "HELMFILE_UPGRADE_NOTICE_DISABLED": "1"}  # else it asks the network
    answer = process.run([str(path), *_ASKING[name]], env=env, ok=range(256))
    have = Version.parse(answer.out) if answer.code == 0 else None
    if have is None:
        raise UserError(
            f"{path} does not say its version",
            why=(answer.err + answer.out).strip()[:500],
            next_step=_install(name),
        )
    return have


def _install(name: str) -> str:
    return _INSTALL.format(variable=f"DEPLOYCHARTS_{name.upper()}")


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
