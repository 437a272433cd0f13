"""Repositories in which services are made."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import warnings
from collections.abc import Callable, Collection
from itertools import count
from pathlib import Path
from typing import cast

from deploycharts.cli import entry
from deploycharts.cli.create_new_service import command
from deploycharts.registry.repository import Repository
from deploycharts.scaffold.facts import Facts, gather
from deploycharts.scaffold.question import Answers, Value
from deploycharts.scaffold.questions import QUESTIONS
from deploycharts.tools import process

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "chart-templates"
OPERATIONS = frozenset("open os.rename os.remove os.mkdir os.rmdir shutil.rmtree".split())


def repository(root: Path) -> Repository:
    """A repository without services, with this project's environments and templates."""
    folder = root / "helmfile.d"
    (folder / "services").mkdir(parents=True)
    shutil.copytree(ROOT / "helmfile.d" / "defaults", folder / "defaults")
    for name in ("environments.yaml", "release.yaml.gotmpl"):
        shutil.copy(ROOT / "helmfile.d" / name, folder / name)
    shutil.copytree(TEMPLATES, root / "chart-templates")
    return Repository(root)


def create(*words: str) -> int:
    """Run create-new-service in the working folder; its exit code."""
    contact = [] if "--update" in words else ["--set", "contact=team@example.org"]
    return entry.run("create-new-service", lambda: command, [*contact, *words])


def git(root: Path, *words: str) -> str:
    """Run git and return what it writes."""
    return process.run(["git", *words], cwd=root).out.strip()


def commit_all(root: Path) -> None:
    """Make the folder a git repository, if need be, and commit everything."""
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=State")


def facts(root: Path) -> Facts:
    """What the repository at `root` has."""
    return gather(Repository(root))


def answers(known: Facts, **given: Value) -> Answers:
    """All answers: the given ones, else defaults."""
    found: dict[str, Value] = {}
    given = {"name": "demo", "contact": "team-demo@example.org", **given}
    for question in QUESTIONS:
        if question.applies(found):
            proposal = question.default(found, known)
            if question.name == "reasons":
                proposal = dict.fromkeys(cast("dict[str, str]", proposal), "a test does without")
            value = given.get(question.name, proposal)
            assert value is not None, question.name
            found[question.name] = value
    return found


def files(root: Path) -> set[str]:
    """Every file below `root` but git's and the templates."""
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {p.as_posix() for p in found if p.parts[0] not in {".git", "chart-templates"}}


def killed_at(
    number: int, action: Callable[[], object], operations: Collection[str] = OPERATIONS
) -> bool:
    """Run the action in a process that is killed (-9) before its n-th file operation."""
    with warnings.catch_warnings():  # newer Pythons warn of threads, and pytest-xdist has some
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        remaining = count(1)

        def hook(event: str, _arguments: tuple[object, ...]) -> None:
            if event in operations and next(remaining) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        action()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])
