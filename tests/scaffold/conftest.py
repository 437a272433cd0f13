from __future__ import annotations

import io
from pathlib import Path

import pytest
from scaffold_builders import repository

from deploycharts.console import console


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the program says to a person."""
    stream = io.StringIO()
    monkeypatch.setattr(console, "err_stream", stream)
    return stream


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the program writes to standard output."""
    stream = io.StringIO()
    monkeypatch.setattr(console, "out_stream", stream)
    return stream


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings and no remembered answers of the person who runs the tests."""
    home = tmp_path_factory.mktemp("home")
    for name, value in {
        "XDG_STATE_HOME": str(home / "state"),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }.items():
        monkeypatch.setenv(name, value)
    (home / "gitconfig").write_text("[user]\nname = Test\nemail = test@example.org\n")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, talk: io.StringIO) -> Path:
    """A repository without services; the working folder."""
    repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
