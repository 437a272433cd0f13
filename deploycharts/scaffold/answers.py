"""From flags, files, a person and defaults to the answers; all that is wrong is said at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploycharts import documents
from deploycharts.errors import Problems, UserError
from deploycharts.scaffold.question import Answers, Question, Value, WrongAnswer
from deploycharts.source import Source

if TYPE_CHECKING:
    from deploycharts.scaffold.facts import Facts


@dataclass(frozen=True, slots=True)
class Given:
    """A value that somebody gave, as text (`--set`) or as read from a file, and where.

    A weak one, from an earlier run, is forgotten where it does not fit any more.
    """

    value: object
    where: Source
    is_text: bool = False
    weak: bool = False


Ask = Callable[[Question, Mapping[str, Value], "Value | None"], "Value | None"]
"""Asks a person one question, given earlier answers and the proposal; None: not now."""


def resolve(
    questions: Sequence[Question],
    facts: Facts,
    given: Mapping[str, Given],
    *,
    ask: Ask | None = None,
) -> Answers:
    """All answers: what was given, else what a person says, else the defaults.

    Raises:
        Problems: every missing and every invalid answer, each with how to give it.
    """
    answers, problems = _walk(questions, facts, given, ask)
    _refuse(problems)
    return answers


def refuse_unusable(
    questions: Sequence[Question], facts: Facts, given: Mapping[str, Given]
) -> None:
    """Say what was given wrong before anybody is asked ten questions.

    Raises:
        Problems: answers that can never be used, whatever the others are.
    """
    _, problems = _walk(questions, facts, given, None)
    _refuse([problem for problem in problems if isinstance(problem, _NotUsable)])


class _NotUsable(UserError):
    """An answer that was given and can never be used, whatever the others are."""


def _walk(
    questions: Sequence[Question], facts: Facts, given: Mapping[str, Given], ask: Ask | None
) -> tuple[Answers, list[UserError]]:
    answers: dict[str, Value] = {}
    problems: list[UserError] = list(_unknown_keys(questions, given))
    for question in questions:
        try:
            if question.applies(answers):
                answers[question.name] = _answer(question, facts, given, answers, ask)
            elif not problems:
                _refuse_meaningless(question, given)
        except UserError as error:
            problems.append(error)
            answers[question.name] = _stand_in(question, answers, facts)
    return answers, problems


def _refuse(problems: Sequence[UserError]) -> None:
    if problems:
        count = "one of the answers" if len(problems) == 1 else f"{len(problems)} of the answers"
        raise Problems(f"{count} cannot be used", problems)


def read_file(path: Path) -> dict[str, Given]:
    """The answers in a YAML file, each with its line.

    Raises:
        UserError: the file is not readable or not a mapping.
    """
    import yaml

    from deploycharts.registry.marks import lines_of

    source = Source(str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("cannot read the answers", where=source, why=str(error)) from None
    body = documents.load(text, source)
    if not isinstance(body, dict):
        raise UserError("an answers file is a mapping: NAME: ANSWER", where=source)
    node = yaml.compose(text, Loader=documents.HelmLoader)
    lines = lines_of(node)
    body |= dict(_mappings(node))
    return {key: Given(value, Source(str(path), lines.get((key,)))) for key, value in body.items()}


def _mappings(node: object) -> Iterator[tuple[str, dict[str, documents.Json]]]:
    """Answers that are mappings, as they are written: yes, 1e3 and null are texts in them."""
    import yaml

    assert isinstance(node, yaml.MappingNode)
    for key, value in node.value:
        if isinstance(value, yaml.MappingNode) and all(
            isinstance(part, yaml.ScalarNode) and name.value != "<<" for name, part in value.value
        ):
            yield str(key.value), {str(name.value): str(part.value) for name, part in value.value}


def parse_settings(settings: Iterable[str]) -> dict[str, Given]:
    """The answers given as `--set KEY=VALUE`; the last of the same key counts.

    Raises:
        UserError: one of them has no "=".
    """
    given: dict[str, Given] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise UserError(f"--set {setting}: write --set KEY=VALUE")
        given[key.strip()] = Given(value, Source(f"--set {key.strip()}"), is_text=True)
    return given


def from_text(question: Question, text: str, answers: Answers, facts: Facts) -> Value:
    """The value that was typed.

    Raises:
        WrongAnswer: it cannot be taken.
    """
    return _checked(question, question.parse(text), answers, facts)


def how_to_give(question: Question) -> str:
    """What to type, so that the question is answered."""
    return f"--set {question.name}={question.example}, or {question.name}: in the answers file"


def to_yaml(answers: Answers, questions: Sequence[Question]) -> str:
    """The answers file that reproduces the run, with the questions as comments."""
    import json

    lines = ["# Answers for create-new-service --answers FILE"]
    for question in questions:
        if question.name in answers:
            value = json.dumps(answers[question.name], ensure_ascii=False)
            lines.append(f"{question.name}: {value}")
    return "\n".join(lines) + "\n"


def _answer(
    question: Question,
    facts: Facts,
    given: Mapping[str, Given],
    answers: Answers,
    ask: Ask | None,
) -> Value:
    mine = given.get(question.name)
    fixed = question.fixed(answers, facts)
    if fixed is not None and mine is None:
        return fixed
    if mine is not None:
        try:
            value = question.parse(str(mine.value)) if mine.is_text else question.accept(mine.value)
            _refuse_other(value, fixed, answers)
            return _checked(question, value, answers, facts)
        except WrongAnswer as wrong:
            if not mine.weak:
                raise _invalid(question, mine, str(wrong)) from None
    if fixed is not None:
        return fixed
    proposal = question.default(answers, facts)
    said = ask(question, answers, proposal) if ask is not None else None
    value_or_none = proposal if said is None else said
    if value_or_none is None:
        raise UserError(
            f"{question.name} is missing", why=question.help, next_step=how_to_give(question)
        )
    try:
        return _checked(question, value_or_none, answers, facts)
    except WrongAnswer as wrong:
        raise UserError(
            f"{question.name}: {wrong}", why=f"proposed: {question.show(value_or_none)}",
            next_step=how_to_give(question),
        ) from None  # fmt: skip


def _refuse_other(value: Value, fixed: Value | None, answers: Answers) -> None:
    if fixed is not None and value != fixed:
        raise WrongAnswer(f"{value!r} does not fit the chart {answers['chart']}: it has {fixed!r}")


def _stand_in(question: Question, answers: Answers, facts: Facts) -> Value:
    """Something in place of a wrong answer, so that the answers after it are looked at too."""
    proposal = question.default(answers, facts)
    return question.parse(question.example) if proposal is None else proposal


def _checked(question: Question, value: Value, answers: Answers, facts: Facts) -> Value:
    wrong = question.problem(value, answers, facts)
    if wrong:
        raise WrongAnswer(wrong)
    return value


def _invalid(question: Question, given: Given, wrong: str) -> UserError:
    what = wrong if given.is_text else f"{question.name}: {wrong}"
    return _NotUsable(what, where=given.where, next_step=how_to_give(question))


def _unknown_keys(questions: Sequence[Question], given: Mapping[str, Given]) -> Iterable[UserError]:
    known = [question.name for question in questions]
    for key, one in given.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=2, cutoff=0.5)
            why = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"
            yield _NotUsable(f"there is no question {key!r}", where=one.where, why=why)


def _refuse_meaningless(question: Question, given: Mapping[str, Given]) -> None:
    mine = given.get(question.name)
    if mine is not None and not mine.weak:
        raise UserError(
            f"{question.name} has no meaning with these answers", where=mine.where,
            next_step="leave it out",
        )  # fmt: skip
