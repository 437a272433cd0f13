"""What services evaluate to in many trees and environments, remembered by their declared inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from deploycharts.errors import UnknownName, UserError
from deploycharts.registry.repository import Repository
from deploycharts.rendering import evaluated, remotecharts
from deploycharts.rendering.cache import Cache, key, program_identity
from deploycharts.rendering.inputs import Inputs
from deploycharts.rendering.release import (
    Release,
    from_state,
    require_mappings,
)
from deploycharts.rendering.remembered import is_example
from deploycharts.rendering.trees import Tree
from deploycharts.source import Source
from deploycharts.tools import helmfile, helmfile_many
from deploycharts.tools.helmfile import State
from deploycharts.tools.workdir import private_folder

_PROCESSES = 2
_MOST_AT_ONCE = 36
# Reviews see the dummy values that are checked in, whatever secrets this machine has.
_VALUES = {"private": "helmfile.d/services/{service}/private.example.yaml"}

Answer: TypeAlias = "tuple[Release, ...] | UserError"


@dataclass(frozen=True, slots=True)
class Question:
    """What does a service of a tree evaluate to in an environment?"""

    tree: Tree
    service: str
    environment: str


def evaluate_many(
    questions: Sequence[Question],
    inputs: Callable[[Tree, str], Inputs],
    *,
    cache: Cache,
    fresh: bool = False,
) -> dict[Question, Answer]:
    """The releases of each question, none where the service has none there, or the error.

    Args:
        questions: the same service of two trees with the same inputs is evaluated once.
        inputs: the declared inputs of a tree's service.
        cache: where evaluations are remembered.
        fresh: evaluate everything, whatever is remembered.
    """
    keys = _keys(questions, inputs)
    stored = {} if fresh else _stored(keys.values(), cache)
    asked = _first_of_each(questions, keys, stored)
    _lay_out(asked, inputs)
    answers = _ask(asked)
    for question, answer in answers.items():
        name = keys[question] or ""
        if name and not isinstance(answer, UserError) and _may_be_stored(answer, question.tree):
            stored[name] = evaluated.pack(answer, question.tree)
            cache.put(name, stored[name])
    left = [each for each in questions if each not in answers and keys[each] not in stored]
    _lay_out(left, inputs)
    answers |= _ask(left)
    for question in questions:
        if question not in answers:
            answers[question] = _unpacked(stored[keys[question] or ""], question)
    return answers


def _lay_out(questions: Iterable[Question], inputs: Callable[[Tree, str], Inputs]) -> None:
    """Make sure that helmfile finds what the questions are about, in one go for each tree."""
    wanted: dict[Tree, set[str]] = {}
    for each in questions:
        found = inputs(each.tree, each.service)
        wanted.setdefault(each.tree, set()).update(
            each.tree.entries if found.always else found.paths
        )
    for tree, paths in wanted.items():
        tree.require(paths)


def evaluate_afresh(repository: Repository, service: str, environment: str) -> tuple[Release, ...]:
    """The releases of a service in an environment of any folder, with dummy secrets.

    Raises:
        UnknownName: there are none.
        UserError: the state or a layer is not valid.
    """
    chosen = repository.service(service)
    with private_folder("state") as workdir:
        state = helmfile.read(chosen.state_file, environment, workdir=workdir, values=_VALUES)
    found = from_state(repository, chosen, repository.environment(environment), state)
    return remotecharts.with_copies(found, state.build)


def _keys(
    questions: Iterable[Question], inputs: Callable[[Tree, str], Inputs]
) -> dict[Question, str | None]:
    """What each answer is remembered as; None if it must not be."""
    programs = (program_identity("helm"), program_identity("helmfile"))
    digests: dict[tuple[Tree, str], str] = {}
    keys: dict[Question, str | None] = {}
    for each in questions:
        found = inputs(each.tree, each.service)
        if (each.tree, each.service) not in digests:
            digests[each.tree, each.service] = found.digest(each.tree)
        digest = digests[each.tree, each.service]
        keys[each] = None if found.always else key("state", *programs, digest, each.environment)
    return keys


def _stored(names: Iterable[str | None], cache: Cache) -> dict[str, bytes]:
    contents = {name: cache.get(name) for name in set(names) if name}
    return {name: content for name, content in contents.items() if content is not None}


def _first_of_each(
    questions: Iterable[Question], keys: Mapping[Question, str | None], stored: Mapping[str, bytes]
) -> list[Question]:
    chosen: dict[str, Question] = {}
    for number, each in enumerate(questions):
        name = keys[each] or f"once {number}"
        if name not in stored:
            chosen.setdefault(name, each)
    return [*chosen.values()]


def _ask(questions: Sequence[Question]) -> dict[Question, Answer]:
    """Ask helmfile, two processes at a time, each for many services in one environment."""
    by_environment: dict[str, list[Question]] = {}
    for each in questions:
        by_environment.setdefault(each.environment, []).append(each)
    chunks = [
        found[start : start + _MOST_AT_ONCE]
        for found in by_environment.values()
        for start in range(0, len(found), _MOST_AT_ONCE)
    ]
    answers: dict[Question, Answer] = {}
    with ThreadPoolExecutor(max_workers=_PROCESSES) as pool:
        for found in pool.map(_ask_together, chunks):
            answers |= found
    return answers


def _ask_together(questions: Sequence[Question]) -> dict[Question, Answer]:
    files: dict[Path, Question] = {}
    answers: dict[Question, Answer] = {}
    for each in questions:
        try:
            files[each.tree.repository.service(each.service).state_file] = each
        except UserError as error:
            answers[each] = () if isinstance(error, UnknownName) else error
    with private_folder("state") as workdir:
        states, refused = helmfile_many.read_many(
            [*files], questions[0].environment, workdir=workdir.resolve(), values=_VALUES
        )
    for file, state in states.items():
        answers[files[file]] = _releases(files[file], state)
    for file in refused:
        answers[files[file]] = _ask_alone(files[file], file)
    return answers


def _ask_alone(question: Question, file: Path) -> Answer:
    try:
        with private_folder("state") as workdir:
            state = helmfile.read(file, question.environment, workdir=workdir, values=_VALUES)
    except UnknownName:
        return ()
    except UserError as error:
        return _shown(error, question.tree)
    return _releases(question, state)


def _releases(question: Question, state: State) -> Answer:
    repository = question.tree.repository
    try:
        found = from_state(
            repository,
            repository.service(question.service),
            repository.environment(question.environment),
            state,
            listing=question.tree.listing,
        )
        for release in found:
            require_mappings(release)
        found = _with_copies(found, state)
    except UserError as error:
        return _shown(error, question.tree)
    return found


def _with_copies(releases: tuple[Release, ...], state: State) -> tuple[Release, ...]:
    """A chart that cannot be fetched fails where it is rendered; the rest of the review goes on."""
    try:
        return remotecharts.with_copies(releases, state.build)
    except UserError:
        return releases


def _shown(error: UserError, tree: Tree) -> UserError:
    """The error with paths as they are in the repository, not in our copy of it."""
    root = str(tree.root)
    where = error.where
    if isinstance(where, Path | str | Source):
        where = str(where).replace(f"{root}/", "")
    why = error.why.replace(f"{root}/", "")
    step = error.next_step.replace(f"{root}/", "")
    return UserError(error.what.replace(f"{root}/", ""), where=where, why=why, next_step=step)


def _may_be_stored(releases: Iterable[Release], tree: Tree) -> bool:
    """Whether nothing secret is in it, and nothing from outside the tree."""
    for release in releases:
        if any(layer.secret and not is_example(layer) for layer in release.layers):
            return False
        if release.chart.is_copy or remotecharts.is_far(release):
            return False
        if any(path.startswith(("/", "..")) for path in _layer_paths(release)):
            return False
        if any(str(tree.root) in word for word in release.argv):
            return False
    return True


def _layer_paths(release: Release) -> Iterable[str]:
    return (*(layer.source.path for layer in release.layers), *release.missing)


def _unpacked(content: bytes, question: Question) -> Answer:
    try:
        return evaluated.unpack(content, question.tree)
    except UserError as error:
        return _shown(error, question.tree)
