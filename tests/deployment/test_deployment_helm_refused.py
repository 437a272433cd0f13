"""A helm that cannot be driven is refused before anything is asked, shown or begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services import Deployable
from tests.standins import program

pytestmark = pytest.mark.slow

_OLD = """#!/bin/sh
[ "$1" = version ] && printf v3.17.4 && exit
echo "$@" >> {notes}
"""


@pytest.mark.parametrize(
    "words",
    [
        ("staging",),
        ("diff", "staging"),
        ("rollback", "staging"),
        ("remove", "staging", "--yes"),
    ],
)
def test_a_helm_that_is_too_old_is_refused_before_the_start(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    service = Deployable(tmp_path / "tree", None)
    credentials = service.kubeconfig("staging")
    credentials.parent.mkdir(parents=True)
    credentials.write_text(_NOBODY_ANSWERS)
    notes = tmp_path / "notes"
    helm = program(tmp_path / "helm", _OLD, notes=notes)

    ended = service.deploy(*words, env={"DEPLOYCHARTS_HELM": str(helm)})

    assert ended.code == 1, ended.err
    assert ended.err.startswith(f"error: {helm}: helm 3.17.4 is too old: 3.18.0 or newer is needed")
    assert "next: scripts/setup" in ended.err
    assert not notes.exists()
    assert not (service.root / ".journals").exists()


_NOBODY_ANSWERS = """\
apiVersion: v1
kind: Config
current-context: it
contexts: [{name: it, context: {cluster: it, user: it}}]
clusters: [{name: it, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: it, user: {token: it}}]
"""
