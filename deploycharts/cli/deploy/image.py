"""`deploy image SERVICE TAG`: edit the line that sets the image's tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deploycharts.cli.params import EnvironmentWord, ServiceName, common_options

if TYPE_CHECKING:
    from deploycharts.deployment.imaging.model import ImageEdit
    from deploycharts.documents import Json
    from deploycharts.registry.repository import Repository, Service
    from deploycharts.tools.images import Answer


@click.command()
@click.argument("service", type=ServiceName(), metavar="SERVICE")
@click.argument("tag", metavar="TAG")
@click.option(
    "--env", "environment", type=EnvironmentWord(), default="", metavar="ENV",
    help="Edit the values of this environment instead of the common ones.",
)  # fmt: skip
@click.option("--container", default="", metavar="NAME", help="Which, if there are several images.")
@click.option("--commit", is_flag=True, help="Commit the edited file without asking.")
@click.option("--no-check", is_flag=True, help="Do not ask the registry whether the tag exists.")
@click.option("--dry-run", is_flag=True, help="Show the edit, write nothing.")
@common_options
def command(
    service: str, tag: str, environment: str, container: str, commit: bool, no_check: bool,
    dry_run: bool, output: str,
) -> int:  # fmt: skip
    """Give a service another image: edit the values line that sets its tag.

    TAG is a tag or a digest sha256:… The line is the one that the service's charts really use.
    """
    import json

    from deploycharts.changes.reference import require_version
    from deploycharts.console import console
    from deploycharts.deployment.imaging.prepare import prepare
    from deploycharts.errors import Exit
    from deploycharts.registry.repository import discover
    from deploycharts.report import image as report

    version = require_version(tag)
    repository = discover()
    _require_one_environment(repository, environment)
    chosen = repository.service(service)
    edit = prepare(repository, chosen, version, environment=environment, container=container)
    said: dict[str, Json] = {"schemaVersion": 1, **report.as_json(edit), "written": False}
    if not edit.moves:
        _say_kept(edit)
        console.say(f"nothing to do: {edit.line} says {version} already")
    else:
        if not no_check:
            said["registry"] = [_checked(edit, each) for each in range(len(edit.goals))]
        _show(edit, output)
        said |= _carry_out(repository, edit, commit=commit, dry_run=dry_run, output=output)
        _say_next(repository, chosen, edit, environment)
    if output == "json":
        console.out(json.dumps(said, ensure_ascii=False))
    return Exit.DONE


def _require_one_environment(repository: Repository, name: str) -> None:
    from deploycharts.errors import WrongUsage
    from deploycharts.registry.environments import GROUP

    if name == GROUP:
        names = " or ".join(each.name for each in repository.select(GROUP))
        raise WrongUsage(
            "--env wants one environment, whose values are edited",
            why=f"{names}; without --env the common values are edited",
        )
    if name:
        repository.environment(name)


def _checked(edit: ImageEdit, number: int) -> Json:
    """What the registry says of an image.

    Raises:
        UserError: it has no such image.
    """
    from deploycharts.console import console
    from deploycharts.errors import UserError
    from deploycharts.tools import images
    from deploycharts.tools.images import Presence

    goal = edit.goals[number]
    answer = images.look_up(goal)
    if answer.presence is Presence.MISSING:
        raise UserError(
            f"there is no image {goal}",
            why=_why(answer),
            next_step="give a tag that was published; --no-check edits all the same",
        )
    if answer.presence is Presence.UNKNOWN:
        text = f"! whether {goal} exists is unknown: {answer.why}"
        console.say(console.style(text, "yellow"))
    else:
        console.say(console.style(f"✓ {goal} exists", "green"))
    return {"image": str(goal), "presence": answer.presence.value, "why": answer.why,
            "digest": answer.digest}  # fmt: skip


def _why(answer: Answer) -> str:
    near = f"; did you mean {' or '.join(answer.near)}?" if answer.near else ""
    return f"{answer.why}{near}"


def _show(edit: ImageEdit, output: str) -> None:
    import sys
    from functools import partial

    from deploycharts.console import console
    from deploycharts.report import image as report

    if output == "text":
        console.out(report.diff_text(edit, style=partial(console.style, stream=sys.stdout)))
    for line in report.moves(edit):
        console.say(line)
    _say_kept(edit)


def _say_kept(edit: ImageEdit) -> None:
    from deploycharts.console import console
    from deploycharts.report import image as report

    for line in report.kept(edit):
        console.say(console.style(f"! {line}", "yellow"))


def _carry_out(
    repository: Repository, edit: ImageEdit, *, commit: bool, dry_run: bool, output: str
) -> dict[str, Json]:
    """Write the file and commit it if somebody wants that; what of it was done."""
    from deploycharts.cli.deploy import talk
    from deploycharts.console import console
    from deploycharts.deployment.imaging.write import write
    from deploycharts.errors import UserError
    from deploycharts.report import image as report
    from deploycharts.tools import committing

    message = report.subject(edit)
    is_clean = committing.is_as_committed(repository.root, edit.line.path)
    if commit and not is_clean:
        raise UserError(
            "the commit would have more in it than the image" if is_clean is not None
            else "there is no git repository with a commit to add to",
            where=edit.line.path,
            next_step="commit what is changed there first, or leave --commit out",
        )  # fmt: skip
    if dry_run:
        return {}
    write(repository.root, edit)
    asks = is_clean and output == "text"
    if commit or (asks and talk.operator().agrees(f"Commit it as “{message}”?")):
        made = committing.commit_file(repository.root, edit.line.path, message)
        console.say(f"commit {made} {message}")
        return {"written": True, "commit": made, "message": message}
    return {"written": True}


def _say_next(repository: Repository, service: Service, edit: ImageEdit, environment: str) -> None:
    """Staging first, where the service has it."""
    from deploycharts.console import console
    from deploycharts.registry.environments import GROUP

    moved = {each.target.environment for each in edit.moves}
    changed = [each for each in repository.environments if each.name in moved]
    staging = [each.name for each in changed if not each.is_production]
    console.say(f"next: deploy {environment or (staging[0] if staging else GROUP)} {service.name}")
