"""`deploy test ENVIRONMENT SERVICE...`: the declared checks, alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from deploycharts.cli.params import common_options, environment_argument, services_argument

if TYPE_CHECKING:
    from deploycharts.deployment.checking.alone import Tested

_COLOURS = {"passed": "green", "failed": "red", "unknown": "yellow"}


@click.command()
@environment_argument
@services_argument
@click.option("--release", metavar="NAME", help="Only this release, for instance canary.")
@common_options
def command(environment: str, services: tuple[str, ...], release: str | None, output: str) -> int:
    """Ask what runs the checks that its service.yaml declares, and its helm tests.

    Exits with 8 unless all of them passed. A check without data is unknown, which is not passed.
    """
    import json

    from deploycharts.console import console
    from deploycharts.deployment.checking import alone
    from deploycharts.deployment.progress import Event, Said
    from deploycharts.deployment.select import select
    from deploycharts.errors import Exit
    from deploycharts.registry.repository import discover

    def listen(event: Event) -> None:
        if isinstance(event, Said) and output != "json":
            console.status(event.text)

    repository = discover()
    environments, chosen = select(repository, environment, services)
    tested = alone.run(repository, environments, chosen, release=release, listen=listen)
    if output == "json":
        releases = [each.as_json() for each in tested]
        console.out(json.dumps({"schemaVersion": 1, "releases": releases}))
    else:
        _show(tested)
    return Exit.DONE if alone.have_passed(tested) else Exit.CHECK_FAILED


def _show(tested: Sequence[Tested]) -> None:
    from deploycharts.console import console
    from deploycharts.report.table import table

    rows = [
        (
            each.target.service, each.target.environment, each.target.release, result.check.name,
            result.verdict.value, str(result.attempts), f"{result.seconds:.1f} s",
        )
        for each in tested
        for result in each.results
    ]  # fmt: skip
    if rows:
        heads = ("SERVICE", "ENVIRONMENT", "RELEASE", "CHECK", "VERDICT", "ATTEMPTS", "TIME")
        console.out(table(heads, rows))
    for each in tested:
        if each.remark:
            console.out(f"{console.style('?', 'yellow')} {each.target}: {each.remark}")
        for result in each.results:
            if not result.is_passed:
                sign = console.style("✗", _COLOURS[result.verdict.value])
                message = result.message.replace("\n", "\n    ")
                console.out(f"{sign} {each.target}: {result.check.name}: {message}")
                console.out(f"    declared in {result.check.source}")
