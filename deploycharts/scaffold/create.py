"""`create-new-service NAME`: facts, answers, tree, verified, written."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from deploycharts.console import console
from deploycharts.errors import Exit, UserError
from deploycharts.registry import repository
from deploycharts.registry.repository import Repository
from deploycharts.scaffold import answers as answering
from deploycharts.scaffold import (
    apply,
    build,
    dryrun,
    facts,
    memory,
    pipeline,
    prompt,
    submit,
    verify,
)
from deploycharts.scaffold.answers import Given
from deploycharts.scaffold.apply import FilePlan
from deploycharts.scaffold.facts import Facts
from deploycharts.scaffold.interview import Interview, Quit
from deploycharts.scaffold.like import answers_like
from deploycharts.scaffold.prompter import Prompter
from deploycharts.scaffold.question import Answers
from deploycharts.scaffold.questions import QUESTIONS
from deploycharts.scaffold.templates import FOLDER
from deploycharts.scaffold.tree import Tree, diff, outline
from deploycharts.source import Source


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    name: str | None = None
    answers_file: Path | None = None
    settings: tuple[str, ...] = ()
    defaults: bool = False
    chart: str | None = None
    like: str | None = None
    dry_run: bool = False
    print_answers: bool = False
    branch: bool = False
    source_dir: Path | None = None
    as_json: bool = False


def run(start: Path, wanted: Wanted, prompter: Prompter | None = None) -> int:
    """Make one new service.

    Args:
        start: a folder in the repository.
        wanted: the command line.
        prompter: asks a person; None: nobody is there to be asked.

    Raises:
        UserError: an answer is missing or wrong, a file is in the way; then nothing is written.
    """
    repo = repository.discover(start)
    say_recovered(repo.root)
    _refuse_early(repo, wanted)
    known = facts.gather(repo)
    try:
        chosen, tree = _choose(repo, known, wanted, prompter)
    except (Quit, KeyboardInterrupt, EOFError):
        console.say(
            "\nnothing was created; the answers are kept, and the next run continues from here"
        )
        return Exit.INTERRUPTED
    plan = plan_of(repo.root, tree)
    if wanted.branch:
        submit.refuse_existing(repo.root, str(chosen["name"]))
    checked = _check(repo, tree, chosen)
    if wanted.dry_run:
        _say_dry(plan, checked)
    else:
        _make(repo, wanted, chosen, plan, checked)
        if prompter is not None and not wanted.defaults:
            memory.of_repository(repo.root).forget()
    if wanted.print_answers:
        console.out(answering.to_yaml(chosen, QUESTIONS).rstrip())
    if wanted.as_json:
        console.out(_json(chosen, plan))
    return Exit.DONE


def _refuse_early(repo: Repository, wanted: Wanted) -> None:
    """Say before the first question what would stop the run after the last one."""
    if wanted.branch:
        submit.check(repo.root)
    if wanted.source_dir is not None:
        pipeline.check(wanted.source_dir)


def _check(repo: Repository, tree: Tree, chosen: Answers) -> str:
    """Check the tree in every way that is possible here; what was done, in words."""
    environments = [environment.name for environment in repo.environments]
    strict = chosen["kind"] != "custom"
    verified = verify.verify(repo.root, tree, chosen, environments, strict=strict)
    asked = dryrun.ask_sandbox(repo.environments, verified.documents)
    done = f"they lint, render ({verified.ways} ways) and validate"
    return done if asked is None else f"{done}; the sandbox would take all {asked} objects"


def given(repo: Repository, wanted: Wanted) -> dict[str, Given]:
    """The answers that the command line brings, the strongest last."""
    found: dict[str, Given] = {}
    if wanted.like is not None:
        found |= answers_like(repo, wanted.like)
    if wanted.answers_file is not None:
        found |= answering.read_file(wanted.answers_file)
    if wanted.chart is not None:
        found["chart"] = Given(wanted.chart, Source("--chart"), is_text=True)
    if wanted.name is not None:
        found["name"] = Given(wanted.name, Source("NAME"), is_text=True)
    return found | answering.parse_settings(wanted.settings)


def say_recovered(root: Path) -> None:
    """Finish what a killed run left behind, and say so."""
    finished = apply.recover(root)
    if finished:
        console.say("an interrupted run is finished now; it wrote")
        for path in finished:
            console.say(f"  {path}")


def plan_of(root: Path, tree: Tree) -> FilePlan:
    """The plan that creates the tree.

    Raises:
        UserError: a file is in the way.
    """
    plan = apply.of_tree(root, tree)
    in_the_way = [path for path, verb in plan.changes().items() if verb != "create"]
    if in_the_way:
        raise UserError(
            "a file is in the way", where=in_the_way[0], why="\n".join(in_the_way),
            next_step="move it, or choose another name",
        )  # fmt: skip
    return plan


def _choose(
    repo: Repository, known: Facts, wanted: Wanted, prompter: Prompter | None
) -> tuple[Answers, Tree]:
    folder = repo.root / FOLDER
    brought = given(repo, wanted)
    if prompter is None or wanted.defaults:
        chosen = answering.resolve(QUESTIONS, known, brought)
        return chosen, build.build(folder, chosen)
    known = replace(known, asks_registry=True)
    interview = Interview(prompter, known, memory.of_repository(repo.root))
    return interview.review(
        interview.hold(brought),
        build=lambda answers: build.build(folder, answers),
        verbs=lambda tree: apply.plan(repo.root, tree).changes(),
    )


def _make(repo: Repository, wanted: Wanted, chosen: Answers, plan: FilePlan, checked: str) -> None:
    apply.apply(plan)
    if wanted.defaults or not prompt.is_terminal():
        console.say("\n".join(f"  {line}" for line in outline(plan.changes(), hide="create")))
    console.say(f"{len(plan.files)} files; {checked}")
    name = str(chosen["name"])
    if wanted.source_dir is not None:
        written = pipeline.write(repo.root / FOLDER, chosen, wanted.source_dir)
        for path, done in written.items():
            console.say(f"{wanted.source_dir / path}: {done}")
    if wanted.branch:
        for line in submit.commit(repo.root, name, str(chosen["description"]), list(plan.files)):
            console.say(line)
    _say_next(name, repo.environments[0].name, is_committed=wanted.branch)


def _json(chosen: Answers, plan: FilePlan) -> str:
    outcome = {
        "schemaVersion": 1, "service": chosen["name"], "answers": dict(chosen),
        "files": plan.changes(),
    }  # fmt: skip
    return json.dumps(outcome)


def _say_dry(plan: FilePlan, checked: str) -> None:
    console.say("\n".join(f"  {line}" for line in outline(plan.changes())))
    for path, text in plan.files.items():
        console.say(diff(path, plan.before[path], text))
    console.say(f"nothing is written; {checked}")


def _say_next(name: str, environment: str, *, is_committed: bool) -> None:
    steps = [
        (f"deploy cluster {environment} {name}", "an administrator: namespace and identities"),
        (f"deploy {environment} {name}", ""),
    ]
    if not is_committed:
        steps.insert(0, ("git add charts helmfile.d && git commit", "or the same with --branch"))
    for number, (step, remark) in enumerate(steps):
        lead = "next:" if number == 0 else "     "
        console.say(f"{lead} {step:<40}{f'# {remark}' if remark else ''}".rstrip())


def prompter_of_terminal() -> Prompter | None:
    """The terminal to ask on, if there is one."""
    return prompt.TerminalPrompter() if prompt.is_terminal() else None
