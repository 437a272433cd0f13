"""`deploy ENVIRONMENT SERVICE...`: roll out."""

from __future__ import annotations

import click

from deploycharts.cli.params import (
    YesCommand,
    common_options,
    environment_argument,
    services_argument,
    yes_option,
)


@click.command(cls=YesCommand)
@environment_argument
@services_argument
@click.option("--release", help="Only this release of each service.")
@yes_option
@click.option("--dry-run", is_flag=True, help="Show the plan, change nothing.")
@click.option("--full", is_flag=True, help="Show all changes, however many.")
@common_options
def command(
    environment: str, services: tuple[str, ...], release: str | None, yes: str | None,
    dry_run: bool, full: bool, output: str,
) -> int:  # fmt: skip
    """Roll out services to an environment, or to all production datacenters, primary last.

    Shows what changes, asks before production, follows the pods, tells the reason of a failure, and
    then brings back all that this deployment touched.
    """
    from deploycharts.cli.deploy import talk
    from deploycharts.cli.deploy.group import VERBS
    from deploycharts.console import console
    from deploycharts.deployment.prepare import prepare, require_something
    from deploycharts.deployment.run import run
    from deploycharts.deployment.select import select
    from deploycharts.errors import Exit
    from deploycharts.registry.repository import discover

    repository = discover()
    environments, chosen = select(repository, environment, services, verbs=VERBS)
    plan = prepare(repository, environments, chosen, release=release)
    require_something(plan)
    words = [environment, *services, *(["--release", release] if release else [])]
    if output == "text":
        talk.show_plan(plan, full=full)
    if dry_run or not plan.acting:
        if output == "json":
            import json

            console.out(json.dumps({"schemaVersion": 1, "plan": plan.as_json()}))
        return Exit.DONE
    if not talk.require_word(
        plan.id, plan.environments, yes, " ".join(["deploy", *words]), subject=", ".join(services)
    ):
        console.say("nothing was changed")
        return Exit.INTERRUPTED
    outcome = run(plan, listen=talk.listener)
    return talk.conclude(outcome, output=output, command=words)
