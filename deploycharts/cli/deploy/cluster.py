"""`deploy cluster`: namespaces and identities of services, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from deploycharts.cli.params import (
    EnvironmentWord,
    ServiceName,
    YesCommand,
    common_options,
    yes_option,
)

if TYPE_CHECKING:
    from deploycharts.deployment.clusterstep import ClusterPlan, Grant
    from deploycharts.registry.repository import Repository


@click.command(cls=YesCommand)
@click.argument("environment", type=EnvironmentWord(), metavar="ENVIRONMENT|all")
@click.argument("services", type=ServiceName(), nargs=-1, metavar="[SERVICE...]")
@click.option("--diff", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--full", is_flag=True, help="Show all changes, however many.")
@click.option(
    "--removing",
    multiple=True,
    metavar="SERVICE",
    help="Confirm that something is taken away from this service.",
)
@yes_option
@common_options
def command(
    environment: str, services: tuple[str, ...], diff: bool, full: bool,
    removing: tuple[str, ...], yes: str | None, output: str,
) -> int:  # fmt: skip
    """Create the namespace, limits and identities of services from their registration files.

    Shows what changes, and asks before production. What a service loses is confirmed by its name.
    Acts with administrators' credentials; everything else that deploy does uses the service's own.
    """
    from deploycharts.cli.deploy import talk
    from deploycharts.deployment import clusterstep
    from deploycharts.errors import Exit
    from deploycharts.registry.repository import discover

    repository = discover()
    chosen = repository.environments if environment == "all" else repository.select(environment)
    plan = clusterstep.compare_all(repository, chosen, services or repository.registered_names)
    if output == "text":
        _show(plan, full=full)
    if diff:
        if output == "json":
            _json(plan, done=[])
        return Exit.DONE
    again = " ".join(["deploy cluster", environment, *services])
    if not _is_agreed(plan, yes, removing, again):
        return talk.declined(plan.id, output)
    _carry_out(repository, plan, output)
    return Exit.DONE


def _is_agreed(plan: ClusterPlan, yes: str | None, removing: tuple[str, ...], again: str) -> bool:
    from deploycharts.cli.deploy import talk

    names = dict.fromkeys(grant.registration.service for grant in plan.acting)
    subject = f"what the clusters grant to {', '.join(names)}"
    if not talk.require_word(
        plan.id, plan.environments, yes, again, subject=subject, look="--diff"
    ):
        return False
    repeated = f"{again} --yes={plan.id}" if yes else again
    return talk.require_names([*plan.taken_away()], removing, repeated, option="--removing")


def _show(plan: ClusterPlan, *, full: bool) -> None:
    from deploycharts.cli.deploy import showing
    from deploycharts.console import console

    if not plan.acting:
        number = len(plan.grants)
        console.say(f"nothing to do: {number} registrations are already as their files say")
        return
    names = [environment.name for environment in plan.environments]
    changes = showing.changes_text((g.difference for g in plan.acting), names, full=full)
    console.out(f"{changes}\n")
    for service, lines in plan.taken_away().items():
        for line in lines:
            console.say(console.style(f"‼ {service} loses in {line}", "red", "bold"))
    console.say(console.style(f"plan {plan.id}", "dim"))


def _carry_out(repository: Repository, plan: ClusterPlan, output: str) -> None:
    from deploycharts.console import console
    from deploycharts.deployment import clusterstep

    done: list[dict[str, str]] = []

    def said(grant: Grant, what: str) -> None:
        service = grant.registration.service
        done.append({"environment": grant.environment.name, "service": service, "done": what})
        if output == "text":
            console.out(f"{grant.environment.name} {service}: {what}")

    clusterstep.carry_out(repository, plan, said=said)
    if output == "json":
        _json(plan, done=done)


def _json(plan: ClusterPlan, *, done: list[dict[str, str]]) -> None:
    import json

    from deploycharts.cli.deploy import showing
    from deploycharts.console import console

    names = [environment.name for environment in plan.environments]
    changes: dict[str, Any] = showing.changes_document((g.difference for g in plan.acting), names)
    document = {**changes, "plan": plan.id, "takenAway": plan.taken_away(), "done": done}
    console.out(json.dumps(document, ensure_ascii=False))
