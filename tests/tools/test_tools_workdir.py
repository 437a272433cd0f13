"""Where temporary folders are made."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from deploycharts.tools import workdir
from deploycharts.tools.workdir import private_folder


@pytest.fixture(autouse=True)
def nobody_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)


def test_a_folder_is_private_and_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)

    with private_folder("purpose") as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700

    assert not list(tmp_path.iterdir())


def test_memory_that_has_room_and_runs_programs_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workdir, "_MEMORY", tmp_path)
    monkeypatch.setattr(os, "statvfs", facts(free=2**30))

    with private_folder("purpose") as folder:
        assert folder.parent == tmp_path


@pytest.mark.parametrize(("free", "flags"), [(64 * 2**20, 0), (2**30, os.ST_NOEXEC)])
def test_memory_that_a_container_limits_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, flags: int
) -> None:
    monkeypatch.setattr(workdir, "_MEMORY", tmp_path)
    monkeypatch.setattr(os, "statvfs", facts(free=free, flags=flags))

    assert workdir.temporary() == Path(tempfile.gettempdir())


def test_a_system_without_it_takes_its_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workdir, "_MEMORY", tmp_path / "missing")

    assert workdir.temporary() == Path(tempfile.gettempdir())


def facts(*, free: int, flags: int = 0) -> object:
    """A `statvfs` of which the free room and the mount's flags are as told."""
    block = 4096
    told = os.statvfs_result((block, block, 0, 0, free // block, 0, 0, 0, flags, 255))
    return lambda _: told
