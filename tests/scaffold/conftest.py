from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploycharts.console import console
from deploycharts.scaffold import imagetags, verify
from deploycharts.scaffold.verify import Verified
from tests.scaffold.scaffold_builders import repository


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


@pytest.fixture(autouse=True, scope="session")
def _git_of_nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No git settings of the person who runs the tests."""
    config = tmp_path_factory.mktemp("git") / "config"
    config.write_text("[user]\nname = Test\nemail = test@example.org\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(config))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


@pytest.fixture(autouse=True)
def _nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No remembered answers of the person who runs the tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path.with_name(f"{tmp_path.name}-state")))


@pytest.fixture(autouse=True)
def _no_registry(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No image registry is asked, except by the tests of that."""
    if "registry" not in request.fixturenames:
        monkeypatch.setattr(imagetags, "offered", lambda _repository, _pattern: ())


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, talk: io.StringIO) -> Path:
    """A repository without services; the working folder."""
    repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def unverified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are not rendered and checked: for tests of something else, which are many."""
    monkeypatch.setattr(verify, "verify", lambda *_args, **_options: Verified(0, ()))


@pytest.fixture
def made(
    tmp_path: Path, pristine: Path, monkeypatch: pytest.MonkeyPatch, talk: io.StringIO
) -> Path:
    """A copy of the module's `pristine` repository, the working folder."""
    root = tmp_path / "repository"
    shutil.copytree(pristine, root)
    monkeypatch.chdir(root)
    return root
