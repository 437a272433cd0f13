"""Reading the states of many services by one process of helmfile."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploycharts.tools import process, programs
from deploycharts.tools.helmfile import (
    NO_RELEASES,
    Call,
    State,
    given,
    quiet_environment,
    recorded,
    recording,
)
from deploycharts.tools.versions import Feature

_SOURCE = re.compile(r"^#  Source: (.+)$", re.MULTILINE)


def read_many(
    state_files: Sequence[Path],
    environment: str,
    *,
    workdir: Path,
    values: Mapping[str, str] | None = None,
) -> tuple[dict[Path, State], tuple[Path, ...]]:
    """The states of many services in one environment, by one process for all.

    A service that has no release there has an empty state.

    Args:
        state_files: the services' helmfiles, of one repository or of several.
        environment: helmfile's name of the environment.
        workdir: a private folder for this call alone.
        values: environment values that go before those of the repository.

    Returns:
        The states, and the files that must be read one by one: helmfile stops at the first file
        that it does not like and says only which.
    """
    if not programs.can(Feature.HOOKS_DISABLED):
        return {}, tuple(state_files)
    env = {**quiet_environment(workdir), "HELMFILE_DISABLE_HOOKS": "true", "GOGC": "400"}
    listing = workdir / "many.yaml"
    argv = [
        str(programs.supported("helmfile")), "--file", str(listing), *recording(workdir),
        "--environment", environment, "--quiet", *given(values or {}),
    ]  # fmt: skip
    left = list(state_files)
    refused: list[Path] = []
    while left:
        listing.write_text(_listing(left, environment))
        for verb in (["build"], ["template", "--skip-deps", "--skip-cleanup"]):
            answer = process.run([*argv, *verb], env=env, ok=range(256))
            if answer.code not in (0, NO_RELEASES):
                break
            if verb == ["build"]:
                build = answer.out
        else:
            return _by_file(left, build, recorded(workdir)), tuple(refused)
        for file in workdir.glob("calls/*"):
            file.unlink()
        culprits = [file for file in left if f"in {file}:" in answer.err]
        if len(culprits) != 1:
            return {}, (*refused, *left)
        left.remove(culprits[0])
        refused += culprits
    return {}, tuple(refused)


def _listing(state_files: Sequence[Path], environment: str) -> str:
    paths = "".join(f"  - path: {json.dumps(str(file))}\n" for file in state_files)
    return f"environments: {{{json.dumps(environment)}: {{}}}}\nhelmfiles:\n{paths}"


def _by_file(state_files: Sequence[Path], build: str, calls: Sequence[Call]) -> dict[Path, State]:
    """What `build` and the calls say, to whom it belongs: by source comment and by folder."""
    texts: dict[str, str] = {}
    for part in re.split(r"^---[ \t]*$", build, flags=re.MULTILINE):
        named = _SOURCE.search(part)
        if named:
            texts[named[1]] = part
    folders: dict[Path, list[Call]] = {}
    for call in calls:
        folders.setdefault(call.folder, []).append(call)
    return {
        file: State(texts.get(str(file), ""), tuple(folders.get(file.parent, ())))
        for file in state_files
    }
