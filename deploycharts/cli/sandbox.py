"""Program `sandbox`: three local control planes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from deploycharts.cli.params import ServiceName, common_options
from deploycharts.console import console
from deploycharts.errors import Exit

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from deploycharts.sandbox.lifecycle import Sandbox, Status


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Three local clusters: staging, and the production datacenters codfw and eqiad.

    They are real Kubernetes API servers, controller managers and schedulers. Nodes and pods are
    played by kwok: pods get ready, log, crash and fail on demand, see docs/sandbox.md.
    """


_no_color = click.option("--no-color", is_flag=True, expose_value=False, help="Plain text.")


@command.command()
@_no_color
def up() -> None:
    """Start the clusters, or repair them; return when pods get ready in each."""
    _bring_up(_sandbox())


@command.command()
@_no_color
def down() -> None:
    """Stop all processes; what is in the clusters is kept."""
    _sandbox().down()
    console.say("the sandbox is down")


@command.command()
@_no_color
def reset() -> None:
    """Forget everything that is in the clusters, and start them anew."""
    sandbox = _sandbox()
    sandbox.wipe()
    _bring_up(sandbox)


@command.command()
@common_options
def status(output: str) -> int:
    """Show the processes; exit with 8 if one is missing or does not answer."""
    found = _sandbox().status()
    console.out(_as_json(found) if output == "json" else _as_table(found))
    return Exit.DONE if all(each.is_well for each in found) else Exit.CHECK_FAILED


def _complete(_ctx: click.Context, _param: click.Parameter, word: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from deploycharts.sandbox.environments import ENVIRONMENTS

    return [CompletionItem(each.name) for each in ENVIRONMENTS if each.name.startswith(word)]


@command.command()
@click.argument("environment", shell_complete=_complete)
@click.option(
    "--service",
    type=ServiceName(),
    metavar="NAME",
    help="That of this service's deployer, instead of the administrator's.",
)
@_no_color
def kubeconfig(environment: str, service: str | None) -> None:
    """Print the path of a kubeconfig."""
    console.out(str(_sandbox().kubeconfig(environment, service)))


def _sandbox() -> Sandbox:
    from deploycharts.registry.repository import discover
    from deploycharts.sandbox.lifecycle import Sandbox

    return Sandbox(discover().root)


def _bring_up(sandbox: Sandbox) -> None:
    started = time.monotonic()

    def progress(environment: str, thing: str) -> None:
        seconds = time.monotonic() - started
        console.say(f"{seconds:5.1f} s  {environment or 'all':8} {thing} ready")

    sandbox.up(progress)
    _grant()
    console.say("the sandbox is up: export KUBECONFIG=$(sandbox kubeconfig staging)")


def _grant() -> None:
    """What administrators do for the services of the repository, so that they can be deployed."""
    from deploycharts.deployment import clusterstep
    from deploycharts.registry.repository import discover

    repository = discover()
    grants = clusterstep.compare_all(
        repository, repository.environments, repository.registered_names
    )
    clusterstep.carry_out(
        repository, grants,
        said=lambda grant, what: console.say(
            f"         {grant.environment.name:8} {grant.registration.service}: {what}"
        ),
    )  # fmt: skip


def _as_json(found: list[Status]) -> str:
    import json

    components = [
        {
            "component": each.component, "environment": each.environment, "pid": each.pid,
            "state": each.state, "memoryBytes": each.memory_bytes,
        }
        for each in found
    ]  # fmt: skip
    whole = all(each.is_well for each in found)
    return json.dumps({"schemaVersion": 1, "whole": whole, "components": components}, indent=2)


def _as_table(found: list[Status]) -> str:
    rows = [("COMPONENT", "ENVIRONMENT", "PID", "STATE", "MEMORY")]
    rows += [
        (
            each.kind, each.environment or "all", str(each.pid or "-"), each.state,
            f"{each.memory_bytes / 2**20:.0f} MiB" if each.pid else "-",
        )
        for each in found
    ]  # fmt: skip
    total = sum(each.memory_bytes for each in found)
    rows.append(("", "", "", "", f"{total / 2**20:.0f} MiB"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)
