"""The questions themselves: types, limits, and that all places show the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from deploycharts.cli.create_new_service import command
from deploycharts.scaffold import names
from deploycharts.scaffold.question import Question, Value, WrongAnswer
from deploycharts.scaffold.questions import BY_NAME, FEATURES, QUESTIONS
from tests.scaffold.scaffold_builders import ROOT, answers, facts, repository


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_an_example_can_be_typed(question: Question) -> None:
    value = question.parse(question.example)
    assert question.accept(value) == value
    assert question.parse(question.show(value)) == value


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_help_and_documentation_name_every_answer(question: Question) -> None:
    said = CliRunner().invoke(command, ["--help"]).output
    assert f"  {question.name} " in said
    documented = (ROOT / "docs" / "scaffolding.md").read_text()
    assert f"| `{question.name}` | {question.type} |" in documented


@pytest.mark.parametrize("option", [name for param in command.params for name in param.opts])
def test_every_option_is_documented(option: str) -> None:
    if option.startswith("--") and option not in {"--no-color"}:
        assert option in (ROOT / "docs" / "scaffolding.md").read_text()


@pytest.mark.parametrize("kind", ["service", "worker", "cronjob"])
def test_defaults_are_valid_answers(tmp_path: Path, kind: str) -> None:
    repository(tmp_path)
    known = facts(tmp_path)
    everything: dict[str, Value] = dict.fromkeys(FEATURES, True)
    chosen = answers(known, kind=kind, **everything)
    for name, value in chosen.items():
        assert BY_NAME[name].problem(value, chosen, known) is None, name


@pytest.mark.parametrize(
    ("name", "text"),
    [("port", "abc"), ("port", "1.5"), ("port", "８０８０"), ("tls", "maybe"), ("env", "A")],
)
def test_what_cannot_be_typed(name: str, text: str) -> None:
    with pytest.raises(WrongAnswer):
        BY_NAME[name].parse(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", True),
        ("port", "8080"),
        ("port", True),
        ("tls", "yes"),
        ("deployers", "me"),
        ("env", {"A": 1}),
    ],
)
def test_what_a_file_cannot_say(name: str, value: object) -> None:
    with pytest.raises(WrongAnswer):
        BY_NAME[name].accept(value)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (names.image, "r.example.org:5000/a/b:1", "r.example.org:5000/a/b"),
        (names.image, f"a/b:1@sha256:{'0' * 64}", "a/b@sha256:123"),
        (names.image, "docker.io/library/httpd:2.4", "A/b:1"),
        (names.host, "a.example.org", "localhost"),
        (names.schedule, "*/5 1-3 * * 1,2", "60 * * * *"),
        (names.schedule, "@daily", "daily"),
        (names.schedule, "0 0 1 1 0", "0 0 1 13 0"),
        (names.cpu, "1.5", "0"),
        (names.cpu, "100m", "100M"),
        (names.memory, "1Gi", "1G"),
        (names.path, "/a/b?c=d", "a"),
        (names.plain_text, "R&D: a 'b'", "a\nb"),
        (names.variable, "A_1", "A=1"),
        (names.identity, "group:team.a", "-x"),
    ],
)  # fmt: skip
def test_the_limits_of_small_texts(check: object, good: str, bad: str) -> None:
    assert callable(check)
    assert check(good) is None
    assert check(bad)
