"""Programs that stand in for others."""

from __future__ import annotations

from pathlib import Path

from tests.services import PROGRAMS

_OLDER = """#!/bin/sh
[ "$1" = version ] && echo v{version} && exit
unset HELMFILE_DISABLE_HOOKS
case " $* " in *" --description "*|*" --track-mode "*)
  echo "unknown flag: --description" >&2
  exit 1
esac
exec {real} "$@"
"""


def older_helmfile(folder: Path, version: str) -> Path:
    """The real helmfile, which forgot what it learned since a version."""
    return program(folder / "helmfile", _OLDER, version=version, real=PROGRAMS / "helmfile")


def program(path: Path, text: str, **facts: object) -> Path:
    """Write a program whose text has places for facts."""
    path.write_text(text.format(**facts))
    path.chmod(0o700)
    return path
