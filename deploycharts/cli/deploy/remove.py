"""`deploy remove [ENVIRONMENT] SERVICE`: take a service away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploycharts.cli.params import ServiceName, YesCommand, common_options, yes_option

if TYPE_CHECKING:
    from deploycharts.deployment.remove import Farewell, Removal


@click.command(cls=YesCommand)
@click.argument("words", type=ServiceName(), nargs=-1, required=True, metavar="[ENV] SERVICE")
@click.option("--release", help="Only this release; files stay.")
@click.option("--namespace", help="Only what runs in this namespace of before; files stay.")
@click.option("--no-hooks", is_flag=True, help="Run no hooks of the chart before and after.")
@yes_option
@click.option("--dry-run", is_flag=True, help="Show what would go, change nothing.")
@common_options
def command(
    words: tuple[str, ...], release: str | None, namespace: str | None, no_hooks: bool,
    yes: str | None, dry_run: bool, output: str,
) -> int:  # fmt: skip
    """Uninstall a service in one environment, in production, or everywhere.

    Without an environment its files go from the repository too, once all its releases are gone.
    helm keeps the history: deploy rollback brings a release back.
    """
    import json

    from deploycharts.cli.deploy import talk, watching
    from deploycharts.cli.deploy.group import VERBS
    from deploycharts.console import console
    from deploycharts.deployment import remove
    from deploycharts.deployment.select import EVERYWHERE, select
    from deploycharts.errors import Exit, WrongUsage
    from deploycharts.registry.repository import discover

    if len(words) > 2:
        raise WrongUsage("one service at a time", next_step="deploy remove [ENV] SERVICE")
    everywhere = len(words) == 1
    repository = discover()
    word = EVERYWHERE if everywhere else words[0]
    environments, services = select(repository, word, words[-1:], verbs=VERBS, looking=everywhere)
    plan = remove.prepare(
        repository, environments, services[0], everywhere=everywhere, release=release,
        namespace=namespace,
    )  # fmt: skip
    lines = _lines(plan)
    if output == "text":
        for line in lines:
            console.say(f"  {line}")
        console.say(console.style(f"plan {plan.id}", "dim"))
    if dry_run:
        if output == "json":
            console.out(json.dumps({"schemaVersion": 1, "plan": plan.id, "remove": lines}))
        return Exit.DONE
    options = ["--namespace", namespace] if namespace else []
    options += ["--release", release] if release else []
    options += ["--no-hooks"] if no_hooks else []
    again = " ".join(["deploy remove", *words, *options])
    if not talk.require_word(
        plan.id, plan.environments, yes, again, subject=plan.service, act="Remove", always=True
    ):
        return talk.declined(plan.id, output)
    outcome = remove.run(plan, repository.root, listen=watching.Watch(), hooks=not no_hooks)
    if output == "text" and outcome.exit is Exit.DONE and not (release or namespace):
        _say_what_is_left(plan, repository.root)
    return talk.conclude(outcome, output=output)


def _lines(plan: Removal) -> list[str]:
    found = [line for each in plan.releases for line in _release_lines(each)]
    return [*found, *(f"file: {path}" for path in plan.files.paths)]


def _release_lines(each: Farewell) -> list[str]:
    from deploycharts.changes.model import count

    target = each.place.target
    objects = count(len(each.objects), "object")
    there = f"{target} in the namespace {each.place.namespace}"
    lines = [f"{there}: {objects} of revision {each.revision} go, {count(each.pods, 'pod')} end"]
    if each.begun:
        lines.append(f"{target}: an uninstall of it began before and did not finish")
    for what, which in (
        ("GOES WITH ITS DATA", each.state),
        ("stays, as its chart says", each.kept),
        ("stays, since hooks and tests made it", each.left),
        ("volume claims stay", each.claims),
    ):
        if which:
            lines.append(f"{target}: {what}: {', '.join(map(str, which))}")
    return lines


def _say_what_is_left(plan: Removal, root: Path) -> None:
    from deploycharts.console import console
    from deploycharts.deployment.clusterstep import NAMESPACE
    from deploycharts.tools import git

    files = plan.files
    if not files.paths:
        console.say("  git still declares it: the next deployment brings it back")
        return
    changed = git.stat(root, [str(path) for path in files.paths]).rstrip()
    if changed:
        console.out(changed)
    for path in files.naming:
        console.say(f"  still names {plan.service}: {path}")
    for path in files.private:
        console.say(f"  secret values stay in {path}")
    if files.undecided:
        console.say(f"  {files.undecided}: look into charts/")
    console.say(
        f"  left to administrators, in each cluster: helm uninstall {plan.service} "
        f"--namespace {NAMESPACE}; kubectl delete namespace {plan.namespace}"
    )
    names = " ".join(map(str, files.paths))
    console.say(f"  next: git add --all {names} && git commit")
