from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploycharts.sandbox import processes
from tests.waiting import wait_until


@pytest.fixture(params=["/proc", "ps"], autouse=True)
def source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where processes are looked up: in /proc, or where there is none, with ps."""
    if request.param == "ps":
        if shutil.which("ps") is None:
            pytest.skip("there is no ps")
        monkeypatch.setattr(processes, "_PROC", Path("/nonexistent"))


Launch = Callable[[Path, str], int]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Starts a program that only looks like one of the sandbox: its name and its folder."""
    programs = tmp_path / "bin"
    programs.mkdir()
    pids: list[int] = []

    def start(folder: Path, name: str) -> int:
        program = programs / name
        if not program.is_symlink():
            program.symlink_to(Path(sys.executable).resolve())
        folder.mkdir(parents=True, exist_ok=True)
        pid = processes.start(
            [str(program), "-IS", "-c", "import time; time.sleep(600)", f"{folder}/data"],
            cwd=folder,
            log=folder / "log",
            environment=os.environ,
        )
        pids.append(pid)
        return pid

    yield start
    processes.kill(pids)


def test_a_started_program_outlives_its_starter_and_is_found(
    tmp_path: Path, launch: Launch
) -> None:
    folder = tmp_path / ".sandbox"

    pid = launch(folder, "etcd")

    wait_until(lambda: [each.pid for each in processes.find(folder)] == [pid])
    assert os.getsid(pid) != os.getsid(0)
    assert processes.memory_bytes(pid) > 0


def test_a_program_of_another_folder_or_name_is_not_found(tmp_path: Path, launch: Launch) -> None:
    folder = tmp_path / ".sandbox"
    ours = launch(folder, "kwok")
    launch(tmp_path / ".sandbox2", "kwok")
    launch(folder, "editor")

    wait_until(lambda: [each.pid for each in processes.find(folder)] == [ours])


def test_a_killed_program_is_gone(tmp_path: Path, launch: Launch) -> None:
    pid = launch(tmp_path / ".sandbox", "etcd")

    processes.kill([pid])

    assert not processes.is_alive(pid)
    assert not processes.find(tmp_path / ".sandbox")
    assert processes.memory_bytes(pid) == 0


def test_killing_what_has_gone_already_is_fine() -> None:
    processes.kill([2**22 + 1])


def test_variables_that_change_the_programs_are_removed() -> None:
    kept = processes.clean(
        {
            "HTTPS_PROXY": "http://p", "http_proxy": "http://p", "no_proxy": "x",
            "ETCD_NAME": "other", "KWOK_CONFIG": "other", "HOME": "/h",
        }
    )  # fmt: skip

    assert kept == {"HOME": "/h"}
