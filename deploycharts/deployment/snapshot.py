"""The files of a plan, kept as they were: what happens in the work tree meanwhile is no matter.

A snapshot is a folder that looks like the repository. What helmfile and helm read is copied; all
else, credentials among it, is a link to where it really is. The programs of checks run in it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from deploycharts.deployment.plan import Plan
from deploycharts.registry.checks import Check, Command
from deploycharts.tools.workdir import private_folder

_STATE = Path("helmfile.d")


@contextmanager
def taken(plan: Plan) -> Iterator[Plan]:
    """The plan over a private copy of its files, which is removed in the end.

    What the copy holds is not trusted: the guard compares it with the plan before each act.
    """
    root = plan.steps[0].place.environment.root
    with private_folder("snapshot") as workdir:
        copy = workdir / "repository"
        _freeze(root, copy, sorted(_needed(plan, root)))
        steps = tuple(
            replace(
                step,
                release=replace(
                    step.release, state_file=_moved(step.release.state_file, root, copy)
                ),
                checks=tuple(_checked_in(copy, check) for check in step.checks),
            )
            for step in plan.steps
        )
        yield replace(plan, steps=steps)


def _checked_in(copy: Path, check: Check) -> Check:
    """The check with a program of the copy."""
    if not isinstance(check.probe, Command):
        return check
    return replace(check, probe=replace(check.probe, folder=copy))


def _needed(plan: Plan, root: Path) -> set[Path]:
    """What is copied, relative to the top of the repository, symbolic links' targets too."""
    wanted = [root / _STATE]
    for step in plan.acting:
        if step.release.chart.path is not None:
            wanted.append(step.release.chart.path)
        wanted += [root / layer.source.path for layer in step.release.layers]
        wanted += _programs(step.checks, root)
    found: set[Path] = set()
    while wanted:
        path = wanted.pop()
        inside = _inside(path, root)
        if inside is None or any(kept == inside or kept in inside.parents for kept in found):
            continue
        found.add(inside)
        wanted += [link.resolve() for link in _links(root / inside)]
    return found


def _programs(checks: Iterable[Check], root: Path) -> Iterator[Path]:
    """The programs of checks that lie in the repository, with what lies beside them."""
    for check in checks:
        if isinstance(check.probe, Command) and "/" in check.probe.argv[0]:
            program = root / check.probe.argv[0]
            yield program if program.parent == root else program.parent


def _inside(path: Path, root: Path) -> Path | None:
    """The path relative to the top of the repository; None if it is not there or elsewhere."""
    try:
        inside = Path(os.path.normpath(path)).relative_to(root)
    except ValueError:
        return None
    return inside if (root / inside).exists() and inside.parts else None


def _links(path: Path) -> Iterator[Path]:
    if path.is_symlink() or not path.is_dir():
        if path.is_symlink():
            yield path
        return
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            if Path(folder, name).is_symlink():
                yield Path(folder, name)


def _freeze(root: Path, copy: Path, needed: Iterable[Path]) -> None:
    _link_all(root, copy)
    for path in needed:
        for parent in reversed(path.parents[:-1]):
            if (copy / parent).is_symlink():
                (copy / parent).unlink()
                _link_all(root / parent, copy / parent)
        place = copy / path
        if place.is_symlink():
            place.unlink()
        elif place.is_dir():
            shutil.rmtree(place)
        if (root / path).is_symlink():
            place.symlink_to((root / path).readlink())
        elif (root / path).is_dir():
            shutil.copytree(root / path, place, symlinks=True)
        else:
            shutil.copy2(root / path, place)


def _link_all(folder: Path, copy: Path) -> None:
    """A folder of links to all that is in another."""
    copy.mkdir(mode=0o700)
    for entry in os.scandir(folder):
        (copy / entry.name).symlink_to(entry.path)


def _moved(path: Path, root: Path, copy: Path) -> Path:
    return copy / path.relative_to(root)
