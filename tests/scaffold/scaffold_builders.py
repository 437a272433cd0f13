"""Repositories in which services are made."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from deploycharts.registry.repository import Repository
from deploycharts.scaffold.facts import Facts, gather
from deploycharts.scaffold.question import Answers, Value
from deploycharts.scaffold.questions import QUESTIONS

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "chart-templates"


def repository(root: Path) -> Repository:
    """A repository without services, with this project's environments and templates."""
    folder = root / "helmfile.d"
    (folder / "services").mkdir(parents=True)
    shutil.copytree(ROOT / "helmfile.d" / "defaults", folder / "defaults")
    for name in ("environments.yaml", "release.yaml.gotmpl"):
        shutil.copy(ROOT / "helmfile.d" / name, folder / name)
    shutil.copytree(TEMPLATES, root / "chart-templates")
    return Repository(root)


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
            value = given.get(question.name, proposal)
            assert value is not None, question.name
            found[question.name] = value
    return found


def files(root: Path) -> set[str]:
    """Every file below `root` but git's and the templates."""
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {p.as_posix() for p in found if p.parts[0] not in {".git", "chart-templates"}}


def below(paths: Iterable[str], *folders: str) -> set[str]:
    """Those of the paths that are in one of the folders."""
    return {path for path in paths if path.startswith(folders)}
