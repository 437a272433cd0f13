"""`deploy cluster`: namespaces and identities of services, for administrators."""

from __future__ import annotations

import click

from deploycharts.cli.params import EnvironmentWord, ServiceName, common_options


@click.command()
@click.argument("environment", type=EnvironmentWord(), metavar="ENVIRONMENT|all")
@click.argument("services", type=ServiceName(), nargs=-1, metavar="[SERVICE...]")
@click.option("--diff", is_flag=True, help="Show what would change, and change nothing.")
@common_options
def command(environment: str, services: tuple[str, ...], diff: bool, output: str) -> int:
    """Make namespace, limits and identities of services from their registry entries.

    Acts with administrators' credentials; everything else that deploy does uses the service's own.
    """
    import json

    from deploycharts.console import console
    from deploycharts.deployment import clusterstep
    from deploycharts.registry.repository import discover

    repository = discover()
    chosen = repository.environments if environment == "all" else repository.select(environment)
    grants = clusterstep.compare_all(repository, chosen, services or repository.registered_names)
    done: list[dict[str, str]] = []

    def said(grant: clusterstep.Grant, what: str) -> None:
        service = grant.registration.service
        done.append({"environment": grant.environment.name, "service": service, "done": what})
        if output == "text":
            console.out(f"{grant.environment.name} {service}: {what}")

    if diff:
        for grant in grants:
            if grant.is_new or not grant.changes.is_empty:
                number = len(grant.changes.changes)
                said(grant, "would be made" if grant.is_new else f"{number} changes")
    else:
        clusterstep.carry_out(repository, grants, said=said)
    if output == "json":
        console.out(json.dumps({"schemaVersion": 1, "done": done}))
    elif not done:
        console.say(f"{len(grants)} registry entries hold already; nothing to do")
    return 0
