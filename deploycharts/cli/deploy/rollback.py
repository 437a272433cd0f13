"""`deploy rollback ENVIRONMENT SERVICE`: go back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deploycharts.cli.params import (
    ServiceName,
    YesCommand,
    common_options,
    environment_argument,
    yes_option,
)

if TYPE_CHECKING:
    from deploycharts.deployment.rollback import Rollback


@click.command(cls=YesCommand)
@environment_argument
@click.argument("service", type=ServiceName())
@click.option("--release", help="Only this release.")
@click.option(
    "--to",
    default="last-good",
    show_default=True,
    metavar="REVISION|ID|last-good",
    help="Where to: a revision of --release, a deployment's ID, or the last good one.",
)
@click.option("--reason", default="", metavar="TEXT", help="Why; it is kept with the hold.")
@yes_option
@click.option("--dry-run", is_flag=True, help="Show the way back, change nothing.")
@common_options
def command(
    environment: str, service: str, release: str | None, to: str, reason: str, yes: str | None,
    dry_run: bool, output: str,
) -> int:  # fmt: skip
    """Bring a service's releases back together to what ran before the last deployment.

    What was left is held, so that it is not deployed again by accident, and the `git revert` that
    goes with it is named. Also repairs a release that a killed helm has left pending.
    """
    import json
    import shlex
    from dataclasses import replace

    from deploycharts.cli.deploy import holding, talk, watching
    from deploycharts.cli.deploy.group import VERBS
    from deploycharts.console import console
    from deploycharts.deployment import aftermath
    from deploycharts.deployment import rollback as going_back
    from deploycharts.deployment.select import select
    from deploycharts.errors import Exit
    from deploycharts.registry.repository import discover
    from deploycharts.tools import reverting

    repository = discover()
    environments, chosen = select(repository, environment, [service], verbs=VERBS)
    reason = reason.strip()
    plan = going_back.prepare(
        repository, environments, chosen[0].name, release=release, to=to, reason=reason
    )
    if output == "text":
        _show(plan)
    if dry_run or not plan.returns:
        if output == "json":
            told = {"back": _lines(plan), "besides": _besides(plan)}
            console.out(json.dumps({"schemaVersion": 1, "plan": plan.id, **told}))
        return Exit.DONE
    words = [environment, service, *(["--release", release] if release else [])]
    words += ["--to", to] if to != "last-good" else []
    again = shlex.join(["deploy", "rollback", *words, *(["--reason", reason] if reason else [])])
    if not talk.require_word(plan.id, plan.environments, yes, again, subject=service):
        return talk.declined(plan.id, output)
    outcome = going_back.run(plan, listen=watching.Watch())
    after = aftermath.settle(repository.root, plan, outcome.undone)
    holding.say_left(after, environment, service)
    if after.commits:
        command = " ".join(reverting.command(after.commits))
        outcome = replace(outcome, owed=(*outcome.owed, command))
    code = talk.conclude(outcome, output=output)
    if output == "text" and yes is None and code == Exit.DONE:
        holding.offer_revert(repository.root, after)
    return code


def _show(plan: Rollback) -> None:
    from deploycharts.cli.deploy import showing
    from deploycharts.console import console

    names = [environment.name for environment in plan.environments]
    changes = showing.changes_text((each.difference for each in plan.returns), names, full=False)
    if changes:
        console.out(f"{changes}\n")
    for line in _besides(plan):
        console.say(f"  {console.style('!', 'yellow', 'bold')} {line}")
    for line in _lines(plan):
        console.say(f"  {line}")
    if plan.returns:
        console.say(console.style(f"plan {plan.id}", "dim"))


def _lines(plan: Rollback) -> list[str]:
    idle = [line for each in plan.idle for line in each.sentences()]
    return [*_returns(plan), *idle, *(str(each) for each in plan.unread)]


def _returns(plan: Rollback) -> list[str]:
    return [
        f"{each.place.target}: revision {each.current.number} ({each.current.status}) → "
        + ("uninstalled" if each.revision is None else f"revision {each.revision}")
        for each in plan.returns
    ]


def _besides(plan: Rollback) -> list[str]:
    """What else the ways back do, and what they do not undo; the same of several releases once."""
    targets: dict[str, list[str]] = {}
    for each in plan.returns:
        for sentence in each.besides.sentences():
            targets.setdefault(sentence, []).append(str(each.place.target))
    return [f"{', '.join(names)}: {sentence}" for sentence, names in targets.items()]
