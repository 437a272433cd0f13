"""`deploy diff ENVIRONMENT SERVICE...`: what a deployment would change."""

from __future__ import annotations

import click

from deploycharts.cli.params import common_options, environment_argument, services_argument


@click.command()
@environment_argument
@services_argument
@click.option("--release", help="Only this release of each service.")
@click.option("--full", is_flag=True, help="Show all changes, however many.")
@click.option("--exit-code", is_flag=True, help="Exit 2 if there are changes.")
@common_options
def command(
    environment: str, services: tuple[str, ...], release: str | None, full: bool, exit_code: bool,
    output: str,
) -> int:  # fmt: skip
    """Show what a deployment would change, against the last revision that rolled out.

    ENVIRONMENT may be `all` too: staging beside the datacenters.

    The ID of the plan at the end is what `deploy … --yes=ID` takes.
    """
    from deploycharts.cli.deploy import showing
    from deploycharts.cli.deploy.group import VERBS
    from deploycharts.console import console
    from deploycharts.deployment.plan import Wish
    from deploycharts.deployment.prepare import prepare, require_something
    from deploycharts.deployment.select import select
    from deploycharts.errors import Exit
    from deploycharts.registry.repository import discover

    repository = discover()
    environments, chosen = select(repository, environment, services, verbs=VERBS, looking=True)
    plan = prepare(repository, environments, chosen, wish=Wish(release=release), looking=True)
    require_something(plan)
    if output == "json":
        import json

        console.out(json.dumps(showing.describe(plan), ensure_ascii=False))
    else:
        showing.show_plan(plan, full=full)
    return Exit.CHANGES if exit_code and plan.acting else Exit.DONE
