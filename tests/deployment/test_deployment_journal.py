"""The journal: whatever kills us, its last line is an open intent or the truth."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from deploycharts.deployment import journal
from deploycharts.deployment.journal import Journal, Story
from deploycharts.target import Target

MAIN = Target("echo", "staging", "main")
CANARY = Target("echo", "staging", "canary")


def _story(folder: Path, deployment: str = "d") -> Story:
    story = journal.read(folder, deployment)
    assert story is not None
    return story


def _begin(folder: Path, pid: int) -> Journal:
    book = Journal(folder, "d")
    book.append("begun", author="somebody@here", host=socket.gethostname(), pid=pid)
    return book


def test_an_intent_without_a_result_is_open(tmp_path: Path) -> None:
    book = _begin(tmp_path, os.getpid())
    book.append("intent", target="staging echo/main", action="upgrade")

    opened = _story(tmp_path).open_intent

    assert opened is not None
    assert opened["action"] == "upgrade"


def test_a_result_closes_the_intent_and_an_outcome_the_story(tmp_path: Path) -> None:
    book = _begin(tmp_path, os.getpid())
    book.append("intent", target="t")
    book.append("result", ok=True)
    assert _story(tmp_path).open_intent is None
    assert not _story(tmp_path).is_finished

    book.append("outcome", exit=0)

    assert _story(tmp_path).is_finished


def test_a_torn_last_line_does_not_count(tmp_path: Path) -> None:
    book = _begin(tmp_path, os.getpid())
    book.close()
    with book.path.open("a") as file:
        file.write('{"kind": "inte')

    story = _story(tmp_path)

    assert [line["kind"] for line in story.lines] == ["begun"]


def test_it_knows_whether_its_process_lives(tmp_path: Path) -> None:
    _begin(tmp_path, os.getpid())
    assert _story(tmp_path).is_running()
    assert "still running" in journal.who_left(tmp_path, MAIN, "d", "")

    (tmp_path / "d.jsonl").unlink()
    _begin(tmp_path, 2**22 + 1)

    assert not _story(tmp_path).is_running()
    assert "somebody@here ended there without finishing" in journal.who_left(
        tmp_path, MAIN, "d", ""
    )


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    book = Journal(tmp_path / "new", "d")

    assert stat.S_IMODE(book.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(book.path.parent.stat().st_mode) == 0o700


def test_the_helm_that_a_killed_deployment_left_is_found_by_its_own_release(tmp_path: Path) -> None:
    gone = 2**22 + 1
    book = _begin(tmp_path, gone)
    for target, pid in ((MAIN, os.getpgrp()), (CANARY, gone)):
        book.append("intent", target=str(target), action="upgrade")
        book.append("started", target=str(target), pid=pid)

    assert _story(tmp_path).orphan(MAIN) == os.getpgrp()
    assert _story(tmp_path).orphan(CANARY) is None
    assert "still runs" in journal.who_left(tmp_path, MAIN, "d", "")
    assert "still runs" not in journal.who_left(tmp_path, CANARY, "d", "")
