"""`deploy apply FILE`: carry out a plan that was made before."""

from __future__ import annotations

from pathlib import Path

import click

from deploycharts.cli.params import YesCommand, common_options, yes_option


@click.command(cls=YesCommand)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@yes_option
@click.option("--full", is_flag=True, help="Show all changes, however many.")
@common_options
def command(file: Path, yes: str | None, full: bool, output: str) -> int:
    """Carry out the plan in FILE, or refuse if it is stale: then it says what moved and who did it.

    Asks as `deploy` does; the plan's ID for --yes is in the file and was shown with it.
    """
    from deploycharts.cli.deploy import run, showing
    from deploycharts.console import console
    from deploycharts.deployment import planfile
    from deploycharts.errors import Exit
    from deploycharts.registry.repository import discover
    from deploycharts.tools import git

    saved = planfile.read(file)
    plan = run.make(saved.environment, saved.services, saved.wish)
    root = discover().root
    planfile.require_same(saved, plan, lambda path: git.who_changed(root, saved.commit, path))
    if output == "text":
        showing.show_plan(plan, full=full)
    if not plan.acting:
        if output == "json":
            import json

            console.out(json.dumps(showing.describe(plan), ensure_ascii=False))
        return Exit.DONE
    console.say(f"  from {file}")
    return run.carry_out(plan, yes, f"deploy apply {file}", output)
