"""`create-new-service` itself: facts, answers, tree, verified, written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploycharts.console import console
from deploycharts.errors import Exit, UserError
from deploycharts.registry import repository
from deploycharts.scaffold import answers as answering
from deploycharts.scaffold import apply, build, facts, verify
from deploycharts.scaffold.answers import Given
from deploycharts.scaffold.questions import QUESTIONS
from deploycharts.scaffold.templates import FOLDER
from deploycharts.scaffold.tree import outline
from deploycharts.source import Source


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    name: str | None
    answers_file: Path | None
    settings: tuple[str, ...]
    defaults: bool


def run(start: Path, wanted: Wanted) -> int:
    """Make one new service.

    Raises:
        UserError: an answer is missing or wrong, a file is in the way; then nothing is written.
    """
    repo = repository.discover(start)
    _recover(repo.root)
    known = facts.gather(repo)
    chosen = answering.resolve(QUESTIONS, known, given(wanted))
    tree = build.build(repo.root / FOLDER, chosen)
    plan = apply.plan(repo.root, tree)
    in_the_way = [path for path, verb in plan.changes().items() if verb != "create"]
    if in_the_way:
        raise UserError(
            "a file is in the way", where=in_the_way[0], why="\n".join(in_the_way),
            next_step="move it, or choose another name",
        )  # fmt: skip
    checked = verify.verify(repo.root, tree, chosen, known.environments)
    apply.apply(plan)
    for line in outline(dict.fromkeys(tree, "")):
        console.say(f"  {line}")
    console.say(f"{len(tree)} files; they lint, render ({checked} ways) and validate")
    console.say(f"next: deploy cluster staging {chosen['name']}")
    console.say(f"      deploy staging {chosen['name']}")
    return Exit.DONE


def given(wanted: Wanted) -> dict[str, Given]:
    """The answers that the command line brings, the strongest last."""
    found: dict[str, Given] = {}
    if wanted.answers_file is not None:
        found |= answering.read_file(wanted.answers_file)
    if wanted.name is not None:
        found["name"] = Given(wanted.name, Source("NAME"), is_text=True)
    return found | answering.parse_settings(wanted.settings)


def _recover(root: Path) -> None:
    finished = apply.recover(root)
    if finished:
        console.say(f"finished an interrupted run: {len(finished)} files")
        for path in finished:
            console.say(f"  {path}")
