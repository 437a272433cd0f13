"""`deploy status [ENVIRONMENT] [SERVICE...]`: what runs where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from deploycharts.cli.params import EnvironmentWord, ServiceName, common_options

if TYPE_CHECKING:
    from deploycharts.deployment.status import ReleaseStatus
    from deploycharts.errors import UserError


@click.command()
@click.argument("environment", type=EnvironmentWord(), required=False, metavar="[ENVIRONMENT]")
@click.argument("services", type=ServiceName(), nargs=-1, metavar="[SERVICE...]")
@click.option("--exit-code", is_flag=True, help="Exit 8 if a release is not well.")
@common_options
def command(
    environment: str | None, services: tuple[str, ...], exit_code: bool, output: str
) -> int:
    """Show which revision of each release runs where, and what is wrong with its pods."""
    import json

    from deploycharts.cli.deploy import holding
    from deploycharts.console import console
    from deploycharts.deployment import holds, status
    from deploycharts.deployment.select import select
    from deploycharts.errors import Exit, UserError
    from deploycharts.registry.repository import discover

    repository = discover()
    if environment is not None and environment in repository.service_names:
        services = (environment, *services)
        environment = None
    chosen = repository.environments
    if environment is not None:
        chosen, _ = select(
            repository, environment, services, verbs=repository.service_names, looking=True
        )
    wanted = [repository.service(name) for name in services or repository.service_names]
    found = status.read(repository, chosen, [service.name for service in wanted])
    answers = holds.read(repository, chosen, wanted)
    held = [each for each in answers if not isinstance(each, UserError)]
    known = [each for each in found if not isinstance(each, UserError)]
    errors = _once([each for each in (*found, *answers) if isinstance(each, UserError)])
    if output == "json":
        problems = [{"what": e.what, "where": str(e.where or ""), "why": e.why} for e in errors]
        document = {"schemaVersion": 1, "releases": [each.as_json() for each in known],
                    "holds": [hold for each in held for hold in each.as_json()],
                    "errors": problems}  # fmt: skip
        console.out(json.dumps(document))
    else:
        _show(known, holding.status_lines(held, repository.environments), errors)
    if errors and not known:
        return errors[0].exit
    is_well = not errors and all(each.is_well for each in known)
    return Exit.CHECK_FAILED if exit_code and not is_well else Exit.DONE


def _once(errors: Sequence[UserError]) -> list[UserError]:
    """Each error once: what cannot be reached can be asked for nothing."""
    return list({(each.what, str(each.where)): each for each in errors}.values())


def _utc(text: str) -> str:
    """The time in UTC; helm writes that of its machine, with its zone."""
    from datetime import UTC, datetime

    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return text


def _show(found: Sequence[ReleaseStatus], held: Sequence[str], errors: Sequence[UserError]) -> None:
    from deploycharts.console import console
    from deploycharts.errors import Refused

    if found:
        _table(found)
    elif not errors:
        console.say("nothing is deployed there")
    for line in held:
        console.out(f"{console.style('!', 'yellow')} {line}")
    for error in errors:
        where = f" ({error.where})" if error.where else ""
        console.say(f"{console.style('?', 'yellow')} {error.what}{where}")
        if isinstance(error, Refused):
            console.say(f"  next: {error.next_step}")


def _release(each: ReleaseStatus) -> str:
    where = f" in {each.namespace}" if each.namespace else ""
    return f"{each.target.release}{where}"


def _table(found: Sequence[ReleaseStatus]) -> None:
    from deploycharts.console import console
    from deploycharts.report.table import table

    rows = [
        (
            each.target.service, each.target.environment, _release(each),
            f"{each.revision} {each.status}", f"{each.ready}/{each.wanted}",
            _utc(each.since), ", ".join(each.images),
        )
        for each in found
    ]  # fmt: skip
    heads = ("SERVICE", "ENVIRONMENT", "RELEASE", "REVISION", "READY", "SINCE (UTC)", "IMAGE")
    console.out(table(heads, rows))
    for each in found:
        for line in (*each.troubles, *([each.remark] if each.remark else [])):
            console.out(f"{console.style('!', 'yellow')} {each.target}: {line}")
