"""The conversation: what is asked, what is remembered, what the review can change."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from deploycharts.errors import Exit, Problems
from deploycharts.scaffold import create as creating
from deploycharts.scaffold import memory
from deploycharts.scaffold.create import Wanted
from deploycharts.scaffold.prompter import Problem
from deploycharts.scaffold.question import Question
from tests.scaffold.scaffold_builders import create, files

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unverified")]


class Script:
    """A person who gives prepared answers, and proposals elsewhere.

    `says` has lists of answers by question; a wrong one is followed by the next.
    """

    def __init__(
        self, says: Mapping[str, list[str]] | None = None, *, ticks: Sequence[str] = (),
        chooses: Sequence[str] = ("create",), stops_at: str = "",
    ) -> None:  # fmt: skip
        self.says = {key: list(answers) for key, answers in (says or {}).items()}
        self.ticks = list(ticks)
        self.chooses = list(chooses)
        self.stops_at = stops_at
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.shown: list[str] = []

    def ask(self, question: Question, proposal: str, problem: Problem) -> str:
        self.asked.append(question.name)
        if question.name == self.stops_at:
            raise KeyboardInterrupt
        prepared = self.says.get(question.name, [])
        while True:
            text = prepared.pop(0) if prepared else proposal
            wrong = problem(text)
            if wrong is None:
                return text
            assert prepared, f"{question.name}: {wrong}"
            self.complaints.append(wrong)

    def tick(self, text: str, questions: Sequence[Question], on: Sequence[str]) -> list[str]:
        self.asked.append("features")
        return [*self.ticks, *on]

    def choose(self, text: str, choices: Mapping[str, str]) -> str:
        choice = self.chooses.pop(0)
        assert choice in choices, (choice, list(choices))
        return choice

    def show(self, text: str) -> None:
        self.shown.append(text)


def run(root: Path, script: Script, **wanted: object) -> int:
    return creating.run(root, Wanted(**wanted), script)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["service", "worker", "cronjob"])
def test_at_most_ten_questions(root: Path, kind: str) -> None:
    script = Script({"name": ["demo"], "kind": [kind]})
    assert run(root, script) == Exit.DONE
    assert len(script.asked) <= 10
    assert (root / "charts/demo/Chart.yaml").is_file()


def test_a_wrong_answer_is_corrected_on_the_spot(root: Path) -> None:
    script = Script({"name": ["on", "Demo", "demo"], "image": ["x:latest", "x.example.org/x:1"]})
    assert run(root, script) == Exit.DONE
    assert len(script.complaints) == 3
    assert "x.example.org/x" in (root / "helmfile.d/services/demo/values.yaml").read_text()


def test_what_was_given_is_not_asked(root: Path) -> None:
    script = Script()
    assert run(root, script, name="demo", settings=("port=9000", "tls=true")) == Exit.DONE
    assert "name" not in script.asked
    assert "port" not in script.asked
    assert (root / "charts/demo/templates/tls-certificate.yaml").is_file()


@pytest.mark.parametrize("given", ["port=abc", "prot=1", "name=on"])
def test_what_was_given_wrong_is_said_before_the_first_question(root: Path, given: str) -> None:
    script = Script({"name": ["demo"]})
    with pytest.raises(Problems):
        run(root, script, settings=(given,))
    assert script.asked == []


def test_what_has_a_meaning_only_later_is_no_mistake(root: Path) -> None:
    script = Script({"name": ["demo"], "kind": ["cronjob"]})
    assert run(root, script, settings=("schedule=1 2 * * *",)) == Exit.DONE
    assert "schedule" not in script.asked


def test_features_are_asked_together(root: Path) -> None:
    script = Script({"name": ["demo"]}, ticks=["ingress", "cronjobs"])
    assert run(root, script) == Exit.DONE
    assert script.asked.count("features") == 1
    assert (root / "charts/demo/templates/httproute.yaml").is_file()
    assert (root / "charts/demo/templates/cronjobs.yaml").is_file()


def test_ctrl_c_leaves_no_file_and_the_next_run_resumes(root: Path, talk: io.StringIO) -> None:
    before = files(root)
    said = {"name": ["demo"], "description": ["Says hello"]}
    assert run(root, Script(said, stops_at="image")) == Exit.INTERRUPTED
    assert files(root) == before
    assert "the answers are kept" in talk.getvalue()
    script = Script(chooses=["resume", "create"])
    assert run(root, script) == Exit.DONE
    assert "name" not in script.asked
    assert "image" in script.asked
    assert "Says hello" in (root / "charts/demo/Chart.yaml").read_text()
    assert memory.of_repository(root).load() == {}


def test_starting_afresh_forgets_the_interrupted_run(root: Path) -> None:
    assert run(root, Script({"name": ["demo"]}, stops_at="kind")) == Exit.INTERRUPTED
    script = Script({"name": ["other"]}, chooses=["fresh", "create"])
    assert run(root, script) == Exit.DONE
    assert (root / "charts/other").is_dir()


def test_a_remembered_answer_that_does_not_fit_any_more_is_asked_again(root: Path) -> None:
    assert run(root, Script({"name": ["demo"]}, stops_at="contact")) == Exit.INTERRUPTED
    assert create("demo") == Exit.DONE
    script = Script({"name": ["demo2"]}, chooses=["resume", "create"])
    assert run(root, script) == Exit.DONE
    assert (root / "charts/demo2").is_dir()


def test_quitting_at_the_review_writes_nothing(root: Path) -> None:
    before = files(root)
    assert run(root, Script({"name": ["demo"]}, chooses=["quit"])) == Exit.INTERRUPTED
    assert files(root) == before


def test_the_review_shows_answers_files_and_contents(root: Path) -> None:
    chooses = ["show", "charts/demo/values.yaml", "create"]
    script = Script({"name": ["demo"]}, chooses=chooses)
    assert run(root, script) == Exit.DONE
    summary, file, _ = script.shown[-3:]
    assert "Answers" in summary
    assert "_base.tpl" in summary
    assert "name: demo" in file


def test_an_edit_at_the_review_changes_what_follows_from_it(root: Path) -> None:
    script = Script({"name": ["demo", "shop"]}, chooses=["edit", "name", "create"])
    assert run(root, script) == Exit.DONE
    values = (root / "helmfile.d/services/shop/values.yaml").read_text()
    assert "docker-registry.wikimedia.org/shop" in values
    assert not (root / "charts/demo").exists()


def test_an_edit_of_the_kind_asks_what_is_new_and_forgets_the_rest(root: Path) -> None:
    says = {"name": ["demo"], "kind": ["service", "cronjob"], "schedule": ["1 2 * * *"],
            "memory": ["1Gi"]}  # fmt: skip
    chooses = ["edit", "memory", "edit", "kind", "create"]
    script = Script(says, chooses=chooses)
    assert run(root, script) == Exit.DONE
    values = (root / "helmfile.d/services/demo/values.yaml").read_text()
    assert "1 2 * * *" in values
    assert "port" not in values
    assert "memory: 1Gi" in (root / "charts/demo/values.yaml").read_text()


def test_with_defaults_nobody_is_asked(root: Path) -> None:
    script = Script()
    assert run(root, script, name="demo", defaults=True) == Exit.DONE
    assert script.asked == []
