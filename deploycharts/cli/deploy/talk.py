"""Asking for a person's word before and during a deployment, telling how it ended."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploycharts.console import console
from deploycharts.errors import Exit, Refused, StalePlan

if TYPE_CHECKING:
    from deploycharts.deployment.control import Command
    from deploycharts.deployment.outcome import Outcome
    from deploycharts.deployment.questions import Operator
    from deploycharts.registry.environments import Environment


def require_word(
    plan: str, touched: Sequence[Environment], yes: str | None, again: str, *, subject: str,
    act: str = "Change", always: bool = False, look: str = "--dry-run",
) -> bool:  # fmt: skip
    """Whether a person agreed: always for staging, by answer or `--yes` for production.

    Args:
        plan: the ID of what was shown.
        touched: the environments that would be changed.
        yes: None without --yes, "" for a bare one, else the plan's ID.
        again: the command line to repeat with --yes=ID.
        subject: what is changed, as the question names it.
        act: what is done with it.
        always: ask for staging too: what is done cannot be taken back easily.
        look: the option that only shows the plan.

    Raises:
        StalePlan: --yes names another plan than the one that would be carried out.
        Refused: nobody can be asked, and --yes does not suffice here.
    """
    if yes and yes != plan:
        raise StalePlan(
            f"the plan is {plan} now, not {yes}",
            why="what would be deployed, or what is deployed, changed since it was shown",
            next_step=f"look at it again: {again} {look}",
        )
    if yes or not (always or any(environment.is_production for environment in touched)):
        return True
    has_terminal = _has_terminal()
    if yes == "" and (has_terminal or all(environment.sandbox for environment in touched)):
        return True
    if not has_terminal:
        raise Refused(
            "production changes only on a person's word, and there is no terminal to ask"
            if not always
            else "this is done only on a person's word, and there is no terminal to ask",
            why=f"the plan is {plan}; {again} {look} shows it",
            next_step=f"{again} --yes={plan}",
        )
    names = ", ".join(environment.name for environment in touched)
    return _ask(f"{act} {subject} in {names}?")


def require_names(names: Sequence[str], given: Sequence[str], again: str, *, option: str) -> bool:
    """Whether a person named each of `names`: with an option, or typed at the terminal.

    Args:
        names: of what is lost; none need no answer.
        given: those that the command line names already.
        again: the command line to repeat with the option.
        option: its name.

    Raises:
        Refused: nobody can be asked.
    """
    missing = [name for name in names if name not in given]
    if missing and not _has_terminal():
        raise Refused(
            f"{', '.join(missing)} would lose something, which is to be confirmed by name",
            next_step=" ".join([again, *(f"{option} {name}" for name in missing)]),
        )
    return all(_typed(name) for name in missing)


def _typed(name: str) -> bool:
    _forget_typed()
    console.prompt(console.style(f"Type {name} to take this away: ", "bold"))
    return sys.stdin.readline().strip() == name


def declined(plan: str, output: str) -> int:
    """Say that nobody agreed, so that nothing was changed; the exit code."""
    if output == "json":
        import json

        told = {"schemaVersion": 1, "plan": plan, "declined": True}
        console.out(json.dumps(told))
    else:
        console.say("nothing was changed")
    return Exit.INTERRUPTED


def operator() -> Operator:
    """Who is asked while a deployment runs."""
    from deploycharts.deployment.questions import Nobody

    return _Person() if _has_terminal() else Nobody()


class _Person:
    """The person at the terminal."""

    def agrees(self, question: str) -> bool:
        return _ask(question)

    def decide(self) -> Command:
        from deploycharts.deployment.control import Command

        console.say("interrupted: r rolls back what was touched, h holds: finishes the act and")
        console.say("stops there, g goes on; Ctrl-C again stops helm and leaves all as it is")
        known = {"r": Command.ROLL_BACK, "h": Command.HOLD, "g": Command.GO_ON}
        _forget_typed()
        while True:
            console.prompt(console.style("roll back, hold or go on? [r/h/g]: ", "bold"))
            answer = sys.stdin.readline()
            if not answer:
                return Command.ROLL_BACK
            if answer.strip().lower()[:1] in known:
                return known[answer.strip().lower()[:1]]


def conclude(outcome: Outcome, *, output: str) -> int:
    """Write how it ended, and return the exit code."""
    if output == "json":
        import json

        console.out(json.dumps({"schemaVersion": 1, "outcome": outcome_json(outcome)}))
        return outcome.exit
    _tell(outcome)
    for behind in outcome.behind:
        console.say(console.style(f"  behind: {behind}", "yellow"))
    for number, command in enumerate(outcome.owed):
        console.say(f"  {'next:' if number == 0 else '     '} {command}")
    if outcome.exit is not Exit.DONE:
        console.say(console.style(f"  journal: {_short(outcome.journal)}", "dim"))
    return outcome.exit


def _tell(outcome: Outcome) -> None:
    if outcome.why:
        console.say(console.style(outcome.why, "red"))
    if outcome.exit is Exit.DONE:
        console.say(console.style(f"done · deployment {outcome.deployment}", "green"))
    elif outcome.broken or outcome.not_removed:
        kind = "rolled back" if outcome.broken else "removed"
        names = ", ".join(outcome.broken or outcome.not_removed)
        console.say(console.style(f"NOT {kind}: {names}", "red", "bold"))
    elif outcome.held:
        held = f"left as it is: {', '.join(outcome.held)}"
        console.say(console.style(held, "yellow", "bold"))
    elif outcome.undone:
        back = ", ".join(outcome.undone)
        console.say(console.style(f"rolled back: {back}", "yellow"))
        if outcome.failed:
            console.say("  next: fix the cause, then deploy again")
    elif outcome.exit is Exit.USER_ERROR:
        console.say(console.style(f"done in part · deployment {outcome.deployment}", "yellow"))
    else:
        console.say(console.style("nothing was changed", "yellow"))


def outcome_json(outcome: Outcome) -> dict[str, object]:
    """An outcome as JSON."""
    return {
        "exitCode": int(outcome.exit),
        "deployment": outcome.deployment,
        "journal": str(outcome.journal),
        "failed": list(outcome.failed),
        "rolledBack": list(outcome.undone),
        "notRolledBack": list(outcome.broken),
        "notRemoved": list(outcome.not_removed),
        "held": list(outcome.held),
        "behind": list(outcome.behind),
        "next": list(outcome.owed),
        "why": outcome.why,
        "suspects": list(outcome.suspects),
    }


def _ask(question: str) -> bool:
    """Ask on the terminal; what was typed before the question does not count."""
    _forget_typed()
    try:
        return click.confirm(console.style(question, "bold"), default=False, err=True)
    except click.Abort:
        console.say()
        return False


def _forget_typed() -> None:
    import termios

    termios.tcflush(sys.stdin, termios.TCIFLUSH)


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _short(path: Path) -> str:
    try:
        return f"~/{path.relative_to(Path.home())}"
    except ValueError:
        return str(path)
