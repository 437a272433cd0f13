"""Older helmfiles and helms: what is asked of them is what they know."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploycharts.rendering.release import evaluate
from deploycharts.tools import helmfile, helmfile_many
from tests.conftest import Place
from tests.services import Deployable
from tests.standins import older_helmfile, program

pytestmark = pytest.mark.slow

# Notes what it is asked, one word a line, and does nothing.
_NOTING = """#!/bin/sh
[ "$1" = version ] && printf v{version} && exit
printf '%s\\n' "$@" -- >> {notes}
"""
_HOOKED = """
hooks:
  - {{name: note, events: [prepare, cleanup], command: touch, args: [{marker}]}}
"""


@pytest.mark.parametrize("version", ["1.2.0", "1.4.1"])
def test_an_older_helmfile_reads_the_shared_state_and_runs_no_hooks(
    tmp_path: Path, place: Place, version: str
) -> None:
    service = Deployable(tmp_path / "tree", None)
    marker = tmp_path / "ran"
    state = service.folder / "helmfile.yaml.gotmpl"
    state.write_text(state.read_text() + _HOOKED.format(marker=marker))
    newer = helmfile.read(state, "staging", workdir=_folder(tmp_path, "newer"))
    place("helmfile", older_helmfile(tmp_path, version))

    found = helmfile.read(state, "staging", workdir=_folder(tmp_path, "older"))
    many, left = helmfile_many.read_many([state], "staging", workdir=_folder(tmp_path, "many"))

    assert not marker.exists()
    assert "trackMode: helm-legacy" in newer.build
    assert "trackMode" not in found.build
    assert [call.layers for call in found.calls] == [call.layers for call in newer.calls]
    assert (many, left) == ({}, (state,))


@pytest.mark.parametrize(
    ("helm_version", "helmfile_version", "waits"),
    [
        ("4.2.4", "1.8.0", ["--wait=legacy"]),
        ("4.2.4", "1.4.1", ["--wait", "--wait=legacy"]),
        ("3.18.0", "1.8.0", ["--wait"]),
        ("3.18.0", "1.1.0", ["--wait"]),
    ],
)
def test_an_upgrade_says_what_it_is_whichever_helmfile_starts_it(
    tmp_path: Path,
    place: Place,
    helm_version: str,
    helmfile_version: str,
    waits: list[str],
) -> None:
    service = Deployable(tmp_path / "tree", None)
    state, notes = service.folder / "helmfile.yaml.gotmpl", tmp_path / "notes"
    workdir = _folder(tmp_path, "sync")
    repository = service.repository
    (main,) = (
        each
        for each in evaluate(
            repository, repository.service(service.name), repository.environment("staging")
        )
        if each.target.release == "main"
    )
    assert main.aim is not None
    place("helm", program(tmp_path / "helm", _NOTING, version=helm_version, notes=notes))
    place("helmfile", older_helmfile(tmp_path, helmfile_version))

    running = helmfile.sync(
        state, "staging", "main", planned=main.fingerprint, workdir=workdir, aim=main.aim.words(),
        description="it's \"so\"", labels={"deployment": "d-1"}, on_line=print,
    )  # fmt: skip
    assert running.wait().code == 0

    calls = [each.splitlines() for each in notes.read_text().split("--\n")]
    (upgrade,) = (words for words in calls if "upgrade" in words)
    at = upgrade.index("--description")
    assert upgrade[at : at + 4] == ["--description", 'it\'s "so"', "--labels", "deployment=d-1"]
    assert [word for word in upgrade if word in {"--wait", "--wait=legacy"}] == waits


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir(mode=0o700)
    return folder
