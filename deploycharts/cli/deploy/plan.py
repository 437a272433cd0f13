"""`deploy plan ENVIRONMENT SERVICE...`: make a plan, to be applied later."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploycharts.cli.params import (
    common_options,
    environment_argument,
    plan_options,
    services_argument,
)

if TYPE_CHECKING:
    from deploycharts.deployment.plan import Wish


@click.command()
@environment_argument
@services_argument
@plan_options
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the plan to this file."
)
@click.option("--full", is_flag=True, help="Show all changes, however many.")
@common_options
def command(
    environment: str, services: tuple[str, ...], wish: Wish, out: Path | None, full: bool,
    output: str,
) -> int:  # fmt: skip
    """Show what a roll-out would do, and write it down: deploy apply FILE does exactly that.

    No secret is in the file. If anything moves in between, deploy apply refuses and says what.
    """
    from deploycharts.cli.deploy import run, showing
    from deploycharts.console import console
    from deploycharts.deployment import planfile
    from deploycharts.errors import Exit

    plan = run.make(environment, services, wish)
    if output == "json":
        import json

        console.out(json.dumps(showing.describe(plan), ensure_ascii=False))
    else:
        showing.show_plan(plan, full=full)
    if out is not None:
        planfile.write(out, plan, environment, showing.describe(plan))
        console.say(f"  written: {out}; next: deploy apply {out}")
    return Exit.DONE
