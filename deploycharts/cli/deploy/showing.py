"""Showing a plan: what it changes, what that does, its steps and gates."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from deploycharts.console import console
from deploycharts.documents import Json
from deploycharts.report import live

_MOST_WARNINGS = 5

if TYPE_CHECKING:
    from deploycharts.changes.model import Consequence, Fold
    from deploycharts.deployment.plan import Difference, Plan, Step
    from deploycharts.deployment.symptoms import Trouble

    _Digest: TypeAlias = tuple[tuple[Fold, ...], tuple[Consequence, ...]]


def show_plan(plan: Plan, *, full: bool = False) -> None:
    """Write the folded changes of a plan, what they do, and its steps."""
    names = [environment.name for environment in plan.environments]
    digest = _digest(step.difference for step in plan.steps)
    changes = _text(digest, names, full=full)
    for line in [*_commit_lines(plan), *_live_lines(plan)]:
        console.say(line)
    if changes:
        console.out(f"{changes}\n")
    for step in plan.steps:
        for line in _step_lines(step):
            console.say(line)
    for line in _left_lines(plan):
        console.say(console.style(line, "yellow"))
    reason = f" · {plan.wish.reason}" if plan.wish.reason else ""
    console.say(console.style(f"plan {plan.id} · {plan.tree} · {plan.author}{reason}", "dim"))
    for line in _refusal_lines(plan):
        console.say(console.style(line, "red", "bold"))
    for warning in _warnings(digest[1]):
        console.say(console.style(f"‼ {warning}", "red", "bold"))


def _refusal_lines(plan: Plan) -> list[str]:
    """What would be refused, and the fields of others that `--take-over` takes."""
    from deploycharts.deployment.objections import RefusalKind

    found = []
    for step in plan.steps:
        for refusal in step.refusals:
            taken = refusal.kind is RefusalKind.CONFLICT and plan.wish.take_over
            what = "will be taken over" if taken else "will be refused"
            may = "" if refusal.is_certain else ", as far as can be told now"
            found.append(f"‼ {what}{may}: {step.target}: {refusal}")
    left = len(found) - _MOST_WARNINGS
    return [*found[:_MOST_WARNINGS], *([f"‼ and {left} more"] if left > 0 else [])]


def _commit_lines(plan: Plan) -> list[str]:
    from deploycharts.deployment.commits import brought
    from deploycharts.report import commits

    if not plan.steps:
        return []
    root = plan.steps[0].place.environment.root
    found = brought(root, plan.steps, plan.tree.commit)
    return commits.lines(found, dirty=plan.tree.dirty, style=console.style)


def _live_lines(plan: Plan) -> list[str]:
    from deploycharts.deployment.drift import DriftKind
    from deploycharts.report import livestate

    by_hand = {DriftKind.MANUAL, DriftKind.GONE}
    found = [
        (str(step.target), str(drift), drift.kind in by_hand)
        for step in plan.steps
        for drift in step.drifts
    ]
    return livestate.lines(found, style=console.style)


def _step_lines(step: Step) -> list[str]:
    if step.action.value == "nothing":
        return [live.skipped(step.target, step.remark, style=console.style)]
    gates = [live.gate(gate.state.value, gate.sentence, style=console.style) for gate in step.gates]
    remark = f" ({step.remark})" if step.remark else ""
    now = f"now at revision {step.expected_revision}" if step.expected_revision else "new"
    then = f"; then {', '.join(check.name for check in step.checks)}" if step.checks else ""
    before = [
        live.noted(step.target, f"before this deployment: {problem}", style=console.style)
        for problem in _once_each(step.problems)
    ]
    left = [f"    {sentence}" for sentence in step.left]
    doing = f"  {step.target}: {step.action.value}, {now}{remark}{then}"
    return [*before, *gates, doing, *left]


def _once_each(problems: Sequence[Trouble]) -> list[str]:
    """Each problem once, with how many pods have it; the gravest first."""
    found: dict[tuple[str, str, str], list[Trouble]] = {}
    for problem in problems:
        found.setdefault(problem.identity, []).append(problem)
    lines = [
        f"{those[0]}" + (f" (and {len(those) - 1} more)" if len(those) > 1 else "")
        for those in found.values()
    ]
    return lines[:_MOST_WARNINGS]


def _left_lines(plan: Plan) -> list[str]:
    """What the plan leaves as it is: releases that no helmfile declares, and environments."""
    lines = []
    for target in plan.undeclared:
        way = f"deploy remove {target.environment} {target.service} --release {target.release}"
        lines += [
            f"  {target}: installed, but no longer in the helmfile; it stays as it is",
            f"    to take it away: {way}",
        ]
    for left in plan.former:
        lines += [f"  {left}", f"    to take it away: {left.removal}"]
    left_out = [environment.name for environment in plan.skipped]
    return [*lines, *(f"  {name}: left out, {plan.wish.reason}" for name in left_out)]


def changes_text(
    differences: Iterable[Difference], environments: Sequence[str], *, full: bool
) -> str:
    """What differs and what that does, as text for a terminal; empty if nothing changes."""
    return _text(_digest(differences), environments, full=full)


def changes_document(
    differences: Iterable[Difference], environments: Sequence[str]
) -> dict[str, Json]:
    """What differs and what that does, for JSON."""
    from deploycharts.report.jsonform import changes_json

    folds, consequences = _digest(differences)
    return changes_json(folds, consequences, environments=environments)


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


def describe(plan: Plan) -> dict[str, Json]:
    """A plan and what it changes, for JSON."""
    from deploycharts.deployment.commits import brought

    names = [environment.name for environment in plan.environments]
    document = changes_document((step.difference for step in plan.steps), names)
    root = plan.steps[0].place.environment.root
    commits: list[Json] = [each.as_json() for each in brought(root, plan.steps, plan.tree.commit)]
    return {**document, "commits": commits, "plan": plan.as_json()}


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
