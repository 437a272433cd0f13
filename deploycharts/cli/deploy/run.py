"""`deploy ENVIRONMENT SERVICE...`: roll out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deploycharts.cli.params import (
    YesCommand,
    common_options,
    environment_argument,
    plan_options,
    services_argument,
    yes_option,
)

if TYPE_CHECKING:
    from deploycharts.deployment.plan import Plan, Wish


@click.command(cls=YesCommand)
@environment_argument
@services_argument
@plan_options
@yes_option
@click.option("--dry-run", is_flag=True, help="Show the plan, change nothing.")
@click.option("--full", is_flag=True, help="Show all changes, however many.")
@common_options
def command(
    environment: str, services: tuple[str, ...], wish: Wish, yes: str | None,
    dry_run: bool, full: bool, output: str,
) -> int:  # fmt: skip
    """Roll out services to an environment, or to all production datacenters, primary last.

    Shows what changes, asks before production, follows the pods, tells the reason of a failure, and
    then brings back all that this deployment touched.
    """
    from deploycharts.cli.deploy import showing
    from deploycharts.console import console
    from deploycharts.errors import Exit

    plan = make(environment, services, wish)
    if output == "text":
        showing.show_plan(plan, full=full)
    if dry_run or not plan.acting:
        if output == "json":
            import json

            console.out(json.dumps(showing.describe(plan), ensure_ascii=False))
        return Exit.DONE
    return carry_out(plan, yes, " ".join(["deploy", *words(environment, services, wish)]), output)


def make(environment: str, services: tuple[str, ...], wish: Wish) -> Plan:
    """The plan for the words of a command line."""
    from deploycharts.cli.deploy.group import VERBS
    from deploycharts.deployment.prepare import prepare, require_something
    from deploycharts.deployment.select import require_skippable, select
    from deploycharts.registry.repository import discover

    repository = discover()
    environments, chosen = select(repository, environment, services, verbs=VERBS)
    require_skippable(repository, environments, wish.skip, wish.reason)
    plan = prepare(repository, environments, chosen, wish=wish)
    require_something(plan)
    return plan


def words(environment: str, services: tuple[str, ...], wish: Wish) -> list[str]:
    """The words that make this plan again."""
    import shlex

    found = [environment, *services]
    found += ["--release", wish.release] if wish.release else []
    found += [word for name in wish.skip for word in ("--skip", name)]
    found += [word for name in wish.pause_before for word in ("--pause-before", name)]
    found += ["--reason", shlex.quote(wish.reason)] if wish.reason else []
    found += ["--emergency", shlex.quote(wish.emergency)] if wish.emergency else []
    found += ["--take-over"] if wish.take_over else []
    return found


def carry_out(plan: Plan, yes: str | None, again: str, output: str) -> int:
    """Ask for a word where one is needed, then run the plan and tell how it ended.

    Args:
        plan: what was shown.
        yes: see `talk.require_word`.
        again: the command line that makes this plan again.
        output: text or json.
    """
    from deploycharts.cli.deploy import talk, watching
    from deploycharts.console import console
    from deploycharts.deployment.entrance import require_open
    from deploycharts.deployment.run import run

    require_open(plan)
    subject = ", ".join(plan.services)
    if not talk.require_word(plan.id, plan.environments, yes, again, subject=subject):
        return talk.declined(plan.id, output)
    watch = watching.Watch()
    outcome = run(plan, listen=watch, operator=talk.operator())
    if table := watch.table():
        console.say(table)
    return talk.conclude(outcome, output=output)
