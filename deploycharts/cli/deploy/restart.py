"""`deploy restart ENVIRONMENT SERVICE...`: make all pods anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deploycharts.cli.params import (
    YesCommand,
    common_options,
    environment_argument,
    services_argument,
    yes_option,
)

if TYPE_CHECKING:
    from deploycharts.deployment.restart import Roll


@click.command(cls=YesCommand)
@environment_argument
@services_argument
@click.option("--release", help="Only this release of each service.")
@yes_option
@click.option("--dry-run", is_flag=True, help="Show what would be restarted, change nothing.")
@common_options
def command(
    environment: str, services: tuple[str, ...], release: str | None, yes: str | None,
    dry_run: bool, output: str,
) -> int:  # fmt: skip
    """Roll the pods of services anew, without touching their values: canary before main.

    Follows the pods as a deployment does; what fails to start gets its old pods back.
    """
    import json

    from deploycharts.cli.deploy import talk, watching
    from deploycharts.cli.deploy.group import VERBS
    from deploycharts.console import console
    from deploycharts.deployment import restart
    from deploycharts.deployment.select import select
    from deploycharts.errors import Exit
    from deploycharts.registry.repository import discover

    repository = discover()
    environments, chosen = select(repository, environment, services, verbs=VERBS)
    plan = restart.prepare(repository, environments, chosen, release=release)
    lines = [line for roll in plan.rolls for line in _lines(roll)]
    lines += [str(each) for each in plan.unread]
    if output == "text":
        for line in lines:
            console.say(f"  {line}")
        console.say(console.style(f"plan {plan.id}", "dim"))
    if dry_run:
        if output == "json":
            console.out(json.dumps({"schemaVersion": 1, "plan": plan.id, "restart": lines}))
        return Exit.DONE
    words = [environment, *services, *(["--release", release] if release else [])]
    again = " ".join(["deploy restart", *words])
    subject = f"the pods of {', '.join(services)}"
    if not talk.require_word(
        plan.id, plan.environments, yes, again, subject=subject, act="Restart"
    ):
        return talk.declined(plan.id, output)
    return talk.conclude(restart.run(plan, listen=watching.Watch()), output=output)


def _lines(roll: Roll) -> list[str]:
    from deploycharts.changes.model import count

    target, objects = roll.place.target, ", ".join(map(str, roll.objects))
    rolled = [f"{target}: restarts {count(roll.pods, 'pod')} of {objects}"] if objects else []
    return [*rolled, *(f"{target}: not {key}, {why}" for key, why in roll.left)]
