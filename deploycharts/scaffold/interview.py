"""Asking a person: the questions in turn, an interrupted run resumed, the review at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from deploycharts.scaffold import answers as answering
from deploycharts.scaffold.answers import Given
from deploycharts.scaffold.memory import Memory
from deploycharts.scaffold.prompter import Prompter
from deploycharts.scaffold.question import Answers, Question, Value, WrongAnswer
from deploycharts.scaffold.questions import BY_NAME, QUESTIONS
from deploycharts.scaffold.tree import Tree, outline
from deploycharts.source import Source

if TYPE_CHECKING:
    from deploycharts.scaffold.facts import Facts

_FEATURES = "What should it have? Everything can be added or switched off later."


class Quit(Exception):
    """The person chose to make nothing."""


class Interview:
    """One conversation about one new service."""

    def __init__(self, prompter: Prompter, facts: Facts, memory: Memory) -> None:
        self._prompter = prompter
        self._facts = facts
        self._memory = memory
        self._said: dict[str, Value] = {}
        self._ticked: list[str] | None = None

    def hold(self, given: Mapping[str, Given]) -> Answers:
        """Ask everything that was not given, resuming an interrupted run if the person likes."""
        answering.refuse_unusable(QUESTIONS, self._facts, given)
        remembered = self._resume(self._memory.load())
        self._said = dict(remembered)
        weak = {key: Given(v, Source("the interrupted run"), weak=True) for key, v in
                remembered.items()}  # fmt: skip
        return answering.resolve(QUESTIONS, self._facts, {**weak, **given}, ask=self._ask)

    def review(
        self, answers: Answers, *, build: Callable[[Answers], Tree],
        verbs: Callable[[Tree], Mapping[str, str]],
    ) -> tuple[Answers, Tree]:  # fmt: skip
        """Show answers and files until the person says create.

        Raises:
            Quit: the person does not want it.
        """
        while True:
            tree = build(answers)
            self._prompter.show(_summary(answers, verbs(tree)))
            todo = {
                "create": "yes", "edit": "no, change an answer", "show": "show a file first",
                "quit": "no, keep the answers and quit",
            }  # fmt: skip
            choice = self._prompter.choose("Create these files?", todo)
            if choice == "create":
                return answers, tree
            if choice == "quit":
                raise Quit
            if choice == "edit":
                answers = self._edit(answers)
            else:
                path = self._prompter.choose(
                    "Which file do you want to see?", {path: path for path in tree}
                )
                self._prompter.show(f"\n--- {path}\n{tree[path]}---")

    def _resume(self, remembered: Answers) -> Answers:
        if not remembered:
            return {}
        name = f" for {remembered['name']}" if "name" in remembered else ""
        choices = {
            "resume": f"continue with its {len(remembered)} answers{name}",
            "fresh": "start over",
        }
        if self._prompter.choose("An earlier run was interrupted.", choices) == "resume":
            return remembered
        self._memory.forget()
        return {}

    def _ask(
        self, question: Question, answers: Mapping[str, Value], proposal: Value | None
    ) -> Value | None:
        if question.feature:
            return self._ask_features(question, answers)
        if not question.asked:
            return None
        value = self._put(question, answers, proposal)
        self._remember(question, value)
        return value

    def _ask_features(self, question: Question, answers: Mapping[str, Value]) -> Value:
        if self._ticked is None:
            offered = [q for q in QUESTIONS if q.feature and q.applies(answers)]
            on = [q.name for q in offered if q.default(answers, self._facts)]
            self._prompter.show("\n  Changes: the containers, objects and values of the chart")
            self._ticked = self._prompter.tick(_FEATURES, offered, on)
            for one in offered:
                self._remember(one, one.name in self._ticked)
        return question.name in self._ticked

    def _put(self, question: Question, answers: Answers, proposal: Value | None) -> Value:
        shown = "" if proposal is None else question.show(proposal)

        def problem(text: str) -> str | None:
            try:
                answering.from_text(question, text, answers, self._facts)
            except WrongAnswer as wrong:
                return str(wrong)
            return None

        self._prompter.show(_explained(question))
        known = question.choices or question.offered(answers, self._facts)
        is_list = question.type == "list"
        possible = [c for c in known if is_list or problem(c[0]) is None]
        offered = replace(question, choices=tuple(possible))
        return question.parse(self._prompter.ask(offered, shown, problem))

    def _remember(self, question: Question, value: Value) -> None:
        self._said[question.name] = value
        self._memory.save(self._said)

    def _edit(self, answers: Answers) -> Answers:
        choices = {key: f"{key:<14}{BY_NAME[key].show(value)}" for key, value in answers.items()}
        name = self._prompter.choose("Which answer do you want to change?", choices)
        question = BY_NAME[name]
        before = {key: value for key, value in answers.items() if _comes_before(key, name)}
        value = self._put(question, before, answers[name])
        chosen = dict(_own(answers, self._facts)) | {name: value}
        self._said = chosen
        self._memory.save(chosen)
        weak = {
            key: Given(value, Source("the review"), weak=key != name)
            for key, value in chosen.items()
        }
        return answering.resolve(QUESTIONS, self._facts, weak, ask=self._ask_anew(answers))

    def _ask_anew(self, known: Answers) -> answering.Ask:
        """Ask only what had no meaning before, or has no default."""

        def ask(
            question: Question, answers: Mapping[str, Value], proposal: Value | None
        ) -> Value | None:
            if question.name in known and proposal is not None:
                return None
            if not question.asked:
                return None
            return self._put(question, answers, proposal)

        return ask


def _explained(question: Question) -> str:
    """What a question means and what its answer changes."""
    return f"\n  {question.help}\n  Changes: {question.changes}" if question.changes else ""


def _own(answers: Answers, facts: Facts) -> dict[str, Value]:
    """The answers that differ from the proposals: the others follow what they depend on."""
    return {
        key: value
        for key, value in answers.items()
        if value != BY_NAME[key].default({k: v for k, v in answers.items() if k != key}, facts)
    }


def _comes_before(one: str, other: str) -> bool:
    order: Sequence[str] = list(BY_NAME)
    return order.index(one) < order.index(other)


def _summary(answers: Answers, verbs: Mapping[str, str]) -> str:
    width = max(map(len, answers), default=0) + 2
    rows = [f"  {key:<{width}}{BY_NAME[key].show(value)}" for key, value in answers.items()]
    files = [f"  {line}" for line in outline(verbs, hide="create")]
    return "\n".join(["", "Answers", *rows, "", "Files", *files, ""])
