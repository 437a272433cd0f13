"""What a question is: one specification for prompts, flags, files, help, the schema and tests."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from deploycharts.scaffold.facts import Facts

Value: TypeAlias = str | int | bool | list[str] | dict[str, str]
Answers: TypeAlias = Mapping[str, Value]
Type = Literal["text", "number", "flag", "choice", "list", "map"]

_TRUE = frozenset({"true", "yes", "y", "on"})
_FALSE = frozenset({"false", "no", "n", "off"})


class WrongAnswer(Exception):
    """An answer that cannot be taken; the message says why."""


def _always(_answers: Answers) -> bool:
    return True


def _fine(_value: Value, _answers: Answers, _facts: Facts) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to know about a new service.

    Attributes:
        name: the key in answers files and of --set.
        text: the question itself.
        help: a sentence more, for --help and the schema.
        type: what kind of value answers it.
        default: the answer that is proposed, from earlier answers and facts; None: there is none.
        choices: the possible values of a choice, each with its explanation.
        check: says what is wrong with a value of the right type, or None.
        applies: whether the question has a meaning, given earlier answers.
        fixed: what a chart that exists has decided already; None: nothing.
        changes: what the answer changes, for the interview.
        offered: values of a text or list that the repository or the cluster knows, each with a
            remark; another one can be typed.
        asked: whether a person is asked; else the default is taken, and the review can change it.
        feature: a flag for something that can be added later; features are asked together.
        example: a valid value as it would be typed.
    """

    name: str
    text: str
    help: str
    type: Type = "text"
    default: Callable[[Answers, Facts], Value | None] = lambda _answers, _facts: None
    choices: tuple[tuple[str, str], ...] = ()
    check: Callable[[Value, Answers, Facts], str | None] = _fine
    applies: Callable[[Answers], bool] = _always
    fixed: Callable[[Answers, Facts], Value | None] = lambda _answers, _facts: None
    changes: str = ""
    offered: Callable[[Answers, Facts], Sequence[tuple[str, str]]] = lambda _answers, _facts: ()
    asked: bool = False
    feature: bool = False
    example: str = ""

    def parse(self, text: str) -> Value:
        """The value that a person typed.

        Raises:
            WrongAnswer: it is not of the question's type.
        """
        text = text.strip()
        if self.type == "number":
            return _number(text)
        if self.type == "flag":
            return _flag(text)
        if self.type == "list":
            return _parts(text)
        if self.type == "map":
            return _map(text)
        return text

    def accept(self, value: object) -> Value:
        """The value found in a file, if it is of the question's type.

        Raises:
            WrongAnswer: it is not.
        """
        matches = {
            "text": isinstance(value, str),
            "choice": isinstance(value, str),
            "number": isinstance(value, int) and not isinstance(value, bool),
            "flag": isinstance(value, bool),
            "list": isinstance(value, list) and all(isinstance(item, str) for item in value),
            "map": isinstance(value, dict) and all(isinstance(v, str) for v in value.values()),
        }
        if matches[self.type]:
            return value  # type: ignore[return-value]
        raise WrongAnswer(_mismatch(self.type, value))

    def problem(self, value: Value, answers: Answers, facts: Facts) -> str | None:
        """What is wrong with a value of the right type, or None."""
        if self.type == "choice" and value not in dict(self.choices):
            return f"{value!r} is none of {', '.join(name for name, _ in self.choices)}"
        return self.check(value, answers, facts)

    def show(self, value: Value) -> str:
        """The value as a person would type it."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, list):
            return _joined(value)
        if isinstance(value, dict):
            return _joined(f"{key}={item}" for key, item in value.items())
        return str(value)


def _parts(text: str) -> list[str]:
    """What is between commas; a part with a comma in it stands in double quotes."""
    rows = csv.reader([text], skipinitialspace=True)
    return [part.strip() for row in rows for part in row if part.strip()]


def _joined(parts: Iterable[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="").writerow(list(parts))
    return (
        stream.getvalue().replace(",", ", ") if '"' not in stream.getvalue() else stream.getvalue()
    )


def _number(text: str) -> int:
    if not text.removeprefix("-").isdecimal() or not text.isascii():
        raise WrongAnswer(f"{text!r} is not a whole number")
    return int(text)


def _flag(text: str) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise WrongAnswer(f"{text!r} is neither yes nor no")


def _map(text: str) -> dict[str, str]:
    pairs = _parts(text)
    wrong = next((pair for pair in pairs if "=" not in pair), None)
    if wrong is not None:
        raise WrongAnswer(f"{wrong!r} is not KEY=VALUE")
    return {key.strip(): item.strip() for key, _, item in (pair.partition("=") for pair in pairs)}


def _mismatch(wanted: Type, value: object) -> str:
    words = {
        "text": "a text", "choice": "a text", "number": "a whole number", "flag": "true or false",
        "list": "a list of texts", "map": "a mapping of texts to texts",
    }  # fmt: skip
    hint = ""
    if wanted in {"text", "choice"} and isinstance(value, bool | int | float):
        hint = " (that is how YAML reads it; put it in quotes if you mean text)"
    return f"{value!r} is not {words[wanted]}{hint}"
