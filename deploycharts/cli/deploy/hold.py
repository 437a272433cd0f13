"""`deploy hold ENVIRONMENT SERVICE...`: do not deploy here until it is lifted."""

from __future__ import annotations

import click

from deploycharts.cli.params import EnvironmentWord, common_options, services_argument


@click.command()
@click.argument("environment", type=EnvironmentWord(), metavar="ENVIRONMENT|all")
@services_argument
@click.option("--reason", required=True, metavar="TEXT", help="Why; who is refused reads it.")
@common_options
def command(environment: str, services: tuple[str, ...], reason: str, output: str) -> int:
    """Hold services: nothing of them is deployed there until somebody lifts it.

    Going back is not held, and `--emergency` passes over it.
    """
    from deploycharts.cli.deploy import holding
    from deploycharts.deployment import holds

    return holding.carry_out(
        holds.hold, environment, services, reason, output=output, verb="hold", nothing=""
    )
