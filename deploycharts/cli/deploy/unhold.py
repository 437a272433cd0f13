"""`deploy unhold ENVIRONMENT SERVICE...`: lift holds."""

from __future__ import annotations

import click

from deploycharts.cli.params import EnvironmentWord, common_options, services_argument


@click.command()
@click.argument("environment", type=EnvironmentWord(), metavar="ENVIRONMENT|all")
@services_argument
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with the hold.")
@common_options
def command(environment: str, services: tuple[str, ...], reason: str, output: str) -> int:
    """Lift all holds on services and on contents of them, whoever holds them."""
    from deploycharts.cli.deploy import holding
    from deploycharts.deployment import holds

    return holding.carry_out(
        holds.lift, environment, services, reason, output=output, verb="unhold",
        nothing="nothing is held there",
    )  # fmt: skip
