"""Asking on a terminal. The only importer of questionary, which is imported when a question is put.

Prompts are written to standard error, so that standard output stays what the user asked for.
"""

from __future__ import annotations

import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deploycharts.console import console
from deploycharts.scaffold.prompter import Problem
from deploycharts.scaffold.question import Question

_ENUMERATIONS = {"list": "(separated by commas) ", "map": "(KEY=VALUE, separated by commas) "}
_OTHER = "\0other"
_HINT = "(space selects, enter continues)"


def is_terminal() -> bool:
    """Whether a person can be asked."""
    streams = (sys.stdin, sys.stderr)
    return all(stream is not None and stream.isatty() for stream in streams)


class TerminalPrompter:
    """Asks with questionary."""

    def ask(self, question: Question, proposal: str, problem: Problem) -> str:
        """One question; a choice is picked, everything else is typed."""
        import questionary

        if question.type == "choice" or (question.type == "text" and question.choices):
            choices = [
                questionary.Choice(_row(name, meaning, question), value=name)
                for name, meaning in question.choices
            ]
            if question.type == "text":
                choices.append(questionary.Choice("something else …", value=_OTHER))
            default = next((c for c in choices if c.value == proposal), None)
            picked = _put(lambda: questionary.select(question.text, choices, default=default))
            if picked != _OTHER:
                return str(picked)
        if question.type == "list" and question.choices:
            return self._several(question, proposal, problem)
        if question.type == "flag":
            is_on = proposal == "yes"
            return (
                "yes" if _put(lambda: questionary.confirm(question.text, default=is_on)) else "no"
            )
        if question.type in _ENUMERATIONS:
            return str(_put(lambda: questionary.text(
                question.text, default=proposal, validate=_guarded(problem),
                instruction=_ENUMERATIONS[question.type],
            )))  # fmt: skip
        # What is typed replaces the proposal; a prefilled text would have to be deleted first.
        typed = _put(
            lambda: questionary.text(
                question.text,
                validate=_guarded(lambda text: problem(text or proposal)),
                placeholder=[("ansibrightblack", proposal)],
            )
        )
        return str(typed) or proposal

    def _several(self, question: Question, proposal: str, problem: Problem) -> str:
        """Some of the known values, and others that are typed."""
        import questionary

        on = question.parse(proposal)
        assert isinstance(on, list)
        known = dict(question.choices)
        choices = [
            questionary.Choice(_row(name, remark, question), value=name, checked=name in on)
            for name, remark in [*known.items(), *((one, "") for one in on if one not in known)]
        ]
        choices.append(questionary.Choice("something else …", value=_OTHER))
        check = _guarded(lambda text: problem(text))
        picked = [str(one) for one in _put(lambda: questionary.checkbox(
            question.text, choices, instruction=_HINT,
            validate=lambda found: _OTHER in found or check(question.show(list(found))),
        ))]  # fmt: skip
        if _OTHER not in picked:
            return question.show(picked)
        ticked = question.show([one for one in picked if one != _OTHER])
        return str(_put(lambda: questionary.text(
            question.text, default=ticked, validate=check, instruction=_ENUMERATIONS["list"],
        )))  # fmt: skip

    def tick(self, text: str, questions: Sequence[Question], on: Sequence[str]) -> list[str]:
        """Several flags at once."""
        import questionary

        choices = [
            questionary.Choice(f"{q.name:<15}{q.help}", value=q.name, checked=q.name in on)
            for q in questions
        ]
        picked = _put(lambda: questionary.checkbox(text, choices, instruction=_HINT))
        return [str(name) for name in picked]

    def choose(self, text: str, choices: Mapping[str, str]) -> str:
        """One of several things to do."""
        import questionary

        _forget_type_ahead()
        listed = [questionary.Choice(shown, value=key) for key, shown in choices.items()]
        return str(_put(lambda: questionary.select(text, listed)))

    def show(self, text: str) -> None:
        """Lines of text between the questions."""
        console.say(text)


def _row(name: str, remark: str, question: Question) -> str:
    width = max(len(one) for one, _ in question.choices) + 2
    return f"{name or '(none)':<{width}}{remark}".rstrip()


def _forget_type_ahead() -> None:
    """An Enter pressed while something was computed must not answer the next question."""
    if sys.stdin.isatty():
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def _put(make: Callable[[], Any]) -> Any:
    """Ask so that Ctrl-C is an exception, and on standard error.

    The question is made within the session: it takes its output when it is made.
    """
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.output.defaults import create_output

    with create_app_session(output=create_output(stdout=sys.stderr)):
        return make().unsafe_ask()


def _guarded(problem: Problem) -> Callable[[str], bool | str]:
    """The validator that questionary wants; one that raised would hang the prompt."""

    def validate(text: str) -> bool | str:
        try:
            return problem(text) or True
        except Exception as error:  # shown, for the prompt would swallow it
            return f"internal error: {error}"

    return validate
