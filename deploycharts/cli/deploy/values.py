"""`deploy values ENVIRONMENT SERVICE [KEY]`: what templates see, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deploycharts.cli.params import ServiceName, common_options, environment_argument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from deploycharts.documents import Json
    from deploycharts.registry.environments import Environment
    from deploycharts.registry.repository import Repository
    from deploycharts.rendering.release import Release

    Answer = tuple[Release, dict[str, Json], str]
    """A release, what is to be said of it as JSON and as text."""


@click.command()
@environment_argument
@click.argument("service", type=ServiceName(), metavar="SERVICE")
@click.argument("key", required=False, metavar="[KEY]")
@click.option("--explain", is_flag=True, help="Name the line that sets each value.")
@click.option("--unused", is_flag=True, help="Only keys that are set in vain.")
@click.option("--release", help="Only this release of the service.")
@common_options
def command(
    environment: str, service: str, key: str | None, explain: bool, unused: bool,
    release: str | None, output: str,
) -> int:  # fmt: skip
    """Show the values that the templates of a service see, as Helm merges them.

    KEY is a path as image.tag; values of secret layers are masked.
    """
    import json

    from deploycharts.console import console
    from deploycharts.deployment.select import select
    from deploycharts.errors import Exit, WrongUsage
    from deploycharts.registry.repository import discover

    if explain and unused:
        raise WrongUsage("--explain and --unused exclude each other")
    repository = discover()
    environments, _ = select(repository, environment, (service,))
    found = list(_answers(repository, environments, service, release, key, explain, unused))
    if output == "json":
        releases = [
            {"environment": each.target.environment, "release": each.target.release, **body}
            for each, body, _ in found
        ]
        document = {"schemaVersion": 1, "service": service, "releases": releases}
        console.out(json.dumps(document, ensure_ascii=False))
    else:
        _show(found)
    return Exit.DONE


def _answers(
    repository: Repository, environments: Iterable[Environment], service: str,
    release: str | None, key: str | None, explain: bool, unused: bool,
) -> Iterator[Answer]:  # fmt: skip
    from deploycharts.rendering.release import evaluate, pick

    for environment in environments:
        releases = evaluate(repository, repository.service(service), environment)
        for each in pick(releases, release) if release else releases:
            body, text = _answer(each, repository, key, explain, unused)
            yield each, body, text


def _answer(
    release: Release, repository: Repository, key: str | None, explain: bool, unused: bool
) -> tuple[dict[str, Json], str]:
    import sys
    from functools import partial

    from deploycharts.console import console
    from deploycharts.rendering import provenance, visible
    from deploycharts.rendering import unused as search
    from deploycharts.rendering.marked import read_key
    from deploycharts.report import provenance as report

    if not release.installed:
        return {"installed": False}, "not installed"
    style = partial(console.style, stream=sys.stdout)
    path = read_key(key or "")
    explained = provenance.explain(release, repository.root)
    if unused:
        found = search.unused(release, explained, repository.root)
        below = [each for each in found if each.key[: len(path)] == path]
        text = report.unused_text(below, style=style) or "every key that is set has an effect"
        return {"unused": [report.unused_json(each) for each in below]}, text
    shown = provenance.below(visible.visible(explained), path)
    if explain:
        text = report.explained_text(shown, style=style)
        return {"values": [report.explained_json(each) for each in shown]}, text
    value = visible.at(shown, path)
    return {"values": value}, report.values_text(value)


def _show(found: Sequence[Answer]) -> None:
    """Each answer once, with the releases that it is for."""
    import sys

    from deploycharts.console import console

    targets: dict[str, dict[str, list[str]]] = {}
    for release, _, text in found:
        places = targets.setdefault(text, {})
        places.setdefault(release.target.environment, []).append(release.target.release)
    for text, places in targets.items():
        if len(found) > 1:
            names = [f"{place}: {', '.join(releases)}" for place, releases in places.items()]
            console.out(console.style(f"# {' · '.join(names)}", "bold", stream=sys.stdout))
        console.out(text)
