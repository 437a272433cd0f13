from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from deploycharts.cli import entry
from deploycharts.cli.sandbox import command
from deploycharts.console import console
from deploycharts.errors import Exit


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose sandbox was never started, and the folder that commands run in."""
    (tmp_path / "helmfile.d").mkdir()
    (tmp_path / "helmfile.d" / "environments.yaml").write_text("environments: {}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Written:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._out, self._err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(console, "out_stream", self._out)
        monkeypatch.setattr(console, "err_stream", self._err)

    @property
    def out(self) -> str:
        return self._out.getvalue()

    @property
    def err(self) -> str:
        return self._err.getvalue()


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    return Written(monkeypatch)


def run(*words: str) -> int:
    return entry.run("sandbox", lambda: command, words)


@pytest.mark.sandbox
def test_a_sandbox_that_was_never_started_is_shown_as_stopped(
    checkout: Path, written: Written
) -> None:
    assert run("status") == Exit.CHECK_FAILED

    lines = written.out.splitlines()
    assert lines[0].split() == ["COMPONENT", "ENVIRONMENT", "PID", "STATE", "MEMORY"]
    assert sum("stopped" in line for line in lines) == 14
    assert not (checkout / ".sandbox").exists()


@pytest.mark.sandbox
def test_status_as_json_is_one_document(checkout: Path, written: Written) -> None:
    assert run("status", "-o", "json") == Exit.CHECK_FAILED

    answer = json.loads(written.out)
    assert answer["whole"] is False
    assert {each["state"] for each in answer["components"]} == {"stopped"}


def test_down_without_a_sandbox_is_fine(checkout: Path, written: Written) -> None:
    assert run("down") == Exit.DONE


def test_a_kubeconfig_that_is_not_there_yet_names_the_next_command(
    checkout: Path, written: Written
) -> None:
    assert run("kubeconfig", "staging") == Exit.USER_ERROR
    assert "next: sandbox up" in written.err

    assert run("kubeconfig", "staging", "--service", "echoserver") == Exit.USER_ERROR
    assert "next: deploy cluster staging" in written.err


def test_the_path_of_a_kubeconfig_is_data(checkout: Path, written: Written) -> None:
    file = checkout / ".sandbox" / "credentials" / "eqiad" / "echoserver.kubeconfig"
    file.parent.mkdir(parents=True)
    file.write_text("{}")

    assert run("kubeconfig", "eqiad", "--service", "echoserver") == Exit.DONE
    assert written.out == f"{file}\n"


def test_an_unknown_environment_has_its_own_exit_code(checkout: Path, written: Written) -> None:
    assert run("kubeconfig", "stagin") == Exit.UNKNOWN_NAME
    assert "staging" in written.err


def test_outside_a_repository_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: Written
) -> None:
    monkeypatch.chdir(tmp_path)

    assert run("up") == Exit.USER_ERROR
    assert not list(tmp_path.iterdir())
