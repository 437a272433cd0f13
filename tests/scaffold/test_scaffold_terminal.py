"""The real program in a real pseudo-terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
import yaml

from tests.scaffold.scaffold_builders import files

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
]

PROGRAM = "from deploycharts.cli.entry import create_new_service; create_new_service()"
DOWN, CLEAR = "\x1b[B", "\x15"


def environment() -> dict[str, str]:
    return {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "PROMPT_TOOLKIT_NO_CPR": "1"}


@pytest.fixture
def terminal(root: Path) -> Iterator[pexpect.spawn]:
    child = start(root)
    yield child
    child.close(force=True)


def start(root: Path, *words: str) -> pexpect.spawn:
    return pexpect.spawn(
        sys.executable, ["-c", PROGRAM, *words], cwd=str(root), env=environment(), timeout=30,
        encoding="utf-8", dimensions=(60, 120),
    )  # fmt: skip


def answer(child: pexpect.spawn, question: str, keys: str) -> None:
    child.expect_exact(question)
    child.send(f"{keys}\r")


def until_image(child: pexpect.spawn) -> None:
    child.expect_exact("What is the service called?")
    child.send("on\r")
    child.expect_exact("YAML reads")
    child.send(f"{CLEAR}demo\r")
    answer(child, "What kind of service", "")
    answer(child, "Which language is it written in", DOWN)
    answer(child, "Which version of the language", "")
    answer(child, "What does it do", f"{CLEAR}Says hello")
    answer(child, "Who maintains it", "")


def rest(child: pexpect.spawn) -> None:
    answer(child, "Which image", "")
    answer(child, "Which port", "")
    answer(child, "Which path", "")
    answer(child, "What should it have", " ")
    answer(child, "Which groups or users may deploy", "")
    answer(child, "Which host name", "")
    answer(child, "Which gateway", "")


def test_a_whole_run_with_a_wrong_answer_and_an_edit(root: Path, terminal: pexpect.spawn) -> None:
    until_image(terminal)
    rest(terminal)
    terminal.expect_exact("Create these files?")
    terminal.send(f"{DOWN}\r")
    terminal.expect_exact("Which answer do you want to change?")
    terminal.send(f"{DOWN * 3}\r")
    answer(terminal, "Which language is it written in", DOWN)
    terminal.expect_exact("python")
    terminal.expect_exact("Create these files?")
    terminal.send("\r")
    terminal.expect_exact("they lint")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert "Says hello" in (root / "charts/demo/Chart.yaml").read_text()
    assert (root / "charts/demo/templates/httproute.yaml").is_file()


def test_ctrl_c_and_resume(root: Path, terminal: pexpect.spawn) -> None:
    before = files(root)
    until_image(terminal)
    terminal.expect_exact("Which image")
    terminal.sendintr()
    terminal.expect_exact("the answers are kept")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert files(root) == before
    again = start(root)
    again.expect_exact("continue with its 6 answers for demo")
    again.send("\r")
    rest(again)
    again.expect_exact("Create these files?")
    again.send("\r")
    again.expect(pexpect.EOF)
    again.close()
    assert again.exitstatus == 0
    assert (root / "charts/demo/Chart.yaml").is_file()


def test_standard_output_has_nothing_but_what_was_asked_for(root: Path) -> None:
    command = f"{sys.executable} -c '{PROGRAM}' demo --dry-run --print-answers > answers.yaml"
    child = pexpect.spawn(
        "/bin/sh", ["-c", command], cwd=str(root), env=environment(), timeout=30, encoding="utf-8",
        dimensions=(60, 120),
    )  # fmt: skip
    answer(child, "What kind of service", "")
    answer(child, "Which language is it written in", "")
    answer(child, "What does it do", "")
    answer(child, "Who maintains it", "")
    rest(child)
    child.expect_exact("Create these files?")
    child.send("\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    printed = yaml.safe_load((root / "answers.yaml").read_text())
    assert printed["name"] == "demo"
    assert printed["ingress"] is True
