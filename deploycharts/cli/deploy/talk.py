"""Showing a plan, asking for a person's word, telling what happens."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from deploycharts.console import console
from deploycharts.deployment import progress
from deploycharts.errors import Exit, Refused, StalePlan
from deploycharts.report import live

_MOST_WARNINGS = 5

if TYPE_CHECKING:
    from deploycharts.changes.model import Consequence, Fold
    from deploycharts.deployment.plan import Difference, Plan
    from deploycharts.deployment.progress import Event
    from deploycharts.deployment.run import Outcome
    from deploycharts.registry.environments import Environment

    _Digest: TypeAlias = tuple[tuple[Fold, ...], tuple[Consequence, ...]]


def show_plan(plan: Plan, *, full: bool = False) -> None:
    """Write the folded changes of a plan, what they do, and its steps."""
    names = [environment.name for environment in plan.environments]
    digest = _digest(step.difference for step in plan.steps)
    changes = _text(digest, names, full=full)
    if changes:
        console.out(f"{changes}\n")
    for step in plan.steps:
        if step.action.value == "nothing":
            console.say(live.skipped(step.target, step.remark, style=console.style))
        else:
            remark = f" ({step.remark})" if step.remark else ""
            now = f"now at revision {step.expected_revision}" if step.expected_revision else "new"
            console.say(f"  {step.target}: {step.action.value}, {now}{remark}")
    console.say(console.style(f"plan {plan.id} · {plan.tree} · {plan.author}", "dim"))
    for warning in _warnings(digest[1]):
        console.say(console.style(f"‼ {warning}", "red", "bold"))


def describe(differences: Iterable[Difference], environments: Sequence[str], *, full: bool) -> str:
    """What differs and what that does, as text for a terminal; empty if nothing changes."""
    return _text(_digest(differences), environments, full=full)


def _text(digest: _Digest, environments: Sequence[str], *, full: bool) -> str:
    import shutil

    from deploycharts.report.terminal import render_changes

    folds, consequences = digest
    if not folds:
        return ""
    return render_changes(
        folds,
        consequences,
        width=shutil.get_terminal_size((80, 24)).columns,
        full=full,
        coloured=console.is_coloured(sys.stdout),
        environments=environments,
    )


def _warnings(consequences: Iterable[Consequence]) -> list[str]:
    """The gravest consequences once more, where the question is read."""
    from deploycharts.changes.model import Risk

    return [f"{each.target}: {each}" for each in consequences if each.risk is Risk.HIGH][
        :_MOST_WARNINGS
    ]


def describe_json(plan: Plan) -> str:
    """A plan and what it changes, as one JSON document."""
    import json

    from deploycharts.report.jsonform import changes_json

    folds, consequences = _digest(step.difference for step in plan.steps)
    names = [environment.name for environment in plan.environments]
    document = changes_json(folds, consequences, environments=names)
    return json.dumps({**document, "plan": plan.as_json()}, ensure_ascii=False)


def _digest(differences: Iterable[Difference]) -> _Digest:
    from deploycharts.changes.consequences import consequences
    from deploycharts.changes.fold import fold

    found = list(differences)
    results = tuple(
        consequence
        for each in found
        if not each.changes.is_empty
        for consequence in consequences(
            each.changes, each.base, each.head, running=each.running, quota=each.quota
        )
    )
    return fold([each.changes for each in found]), results


def require_word(
    plan: str, touched: Sequence[Environment], yes: str | None, again: str, *, subject: str
) -> bool:
    """Whether a person agreed: always for staging, by answer or `--yes` for production.

    Args:
        plan: the ID of what was shown.
        touched: the environments that would be changed.
        yes: None without --yes, "" for a bare one, else the plan's ID.
        again: the command line to repeat with --yes=ID.
        subject: what is changed, as the question names it.

    Raises:
        StalePlan: --yes names another plan than the one that would be carried out.
        Refused: nobody can be asked, and --yes does not suffice here.
    """
    if yes and yes != plan:
        raise StalePlan(
            f"the plan is {plan} now, not {yes}",
            why="what would be deployed, or what is deployed, changed since it was shown",
            next_step=f"look at it again: {again} --dry-run",
        )
    if yes or not any(environment.is_production for environment in touched):
        return True
    has_terminal = _has_terminal()
    if yes == "" and (has_terminal or all(environment.sandbox for environment in touched)):
        return True
    if not has_terminal:
        raise Refused(
            "production changes only on a person's word, and there is no terminal to ask",
            why=f"the plan is {plan}; {again} --dry-run shows it",
            next_step=f"{again} --yes={plan}",
        )
    names = ", ".join(environment.name for environment in touched)
    return _ask(f"Change {subject} in {names}?")


def listener(event: Event) -> None:
    """Tell one event of a deployment on standard error."""
    style = console.style
    match event:
        case progress.Began(target, action, _):
            console.say(live.began(target, action, style=style))
        case progress.Skipped(target, why):
            console.say(live.skipped(target, why, style=style))
        case progress.Moved(target, ready, wanted, seconds):
            console.status(live.moved(target, ready, wanted, seconds))
        case progress.Appeared(trouble, fails_in_s):
            console.say(live.appeared(str(trouble), fails_in_s, style=style))
        case progress.Finished(target, action, revision, seconds):
            console.say(live.finished(target, action, revision, seconds, style=style))
        case progress.Failed(target, revision, evidence, _):
            reasons = tuple(str(trouble) for trouble in evidence.troubles)
            console.say(
                live.failed(target, revision, reasons, evidence.log_tail, evidence.events,
                            evidence.helm, style=style)
            )  # fmt: skip
        case progress.Said(text):
            console.say(f"  {text}")


def conclude(outcome: Outcome, *, output: str, command: Sequence[str]) -> int:
    """Write how it ended, and return the exit code."""
    if output == "json":
        import json

        console.out(json.dumps({"schemaVersion": 1, "outcome": outcome_json(outcome)}))
        return outcome.exit
    words = " ".join(command)
    if outcome.exit is Exit.DONE:
        console.say(console.style(f"done · deployment {outcome.deployment}", "green"))
    elif outcome.broken:
        console.say(console.style(f"NOT rolled back: {', '.join(outcome.broken)}", "red", "bold"))
        console.say(f"  next: deploy status {words}, then deploy rollback {words}")
    else:
        back = ", ".join(outcome.undone) or "nothing had been changed"
        console.say(console.style(f"rolled back: {back}", "yellow"))
        stopped = outcome.exit is Exit.INTERRUPTED
        console.say(f"  next: {'' if stopped else 'mend the cause, then '}deploy {words}")
    if outcome.exit is not Exit.DONE:
        console.say(console.style(f"  journal: {_short(outcome.journal)}", "dim"))
    return outcome.exit


def outcome_json(outcome: Outcome) -> dict[str, object]:
    """An outcome as JSON."""
    return {
        "exitCode": int(outcome.exit),
        "deployment": outcome.deployment,
        "journal": str(outcome.journal),
        "failed": outcome.failed,
        "rolledBack": list(outcome.undone),
        "notRolledBack": list(outcome.broken),
    }


def _ask(question: str) -> bool:
    """Ask on the terminal; what was typed before the question does not count."""
    import termios

    termios.tcflush(sys.stdin, termios.TCIFLUSH)
    try:
        return click.confirm(console.style(question, "bold"), default=False, err=True)
    except click.Abort:
        console.say()
        return False


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _short(path: Path) -> str:
    try:
        return f"~/{path.relative_to(Path.home())}"
    except ValueError:
        return str(path)
