"""Checking a rendered tree before it is handed over, as a strict reviewer's CI would."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploycharts import documents
from deploycharts.documents import Document
from deploycharts.errors import Problems, UserError
from deploycharts.scaffold import podsecurity, schemas
from deploycharts.scaffold.question import Answers
from deploycharts.scaffold.templates import chart_of
from deploycharts.scaffold.tree import Tree, chart_folder, service_folder
from deploycharts.tools import process, programs


@dataclass(frozen=True, slots=True)
class Case:
    """One way to render the chart: a release in an environment, or a fixture."""

    name: str
    release: str
    layers: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """What was checked: the ways to render, and the objects that they gave."""

    ways: int
    documents: tuple[Document, ...]


def verify(
    root: Path, tree: Tree, answers: Answers, environments: Sequence[str], *, strict: bool = True
) -> Verified:
    """Lint and render the tree for every environment and fixture, and validate all objects.

    Args:
        root: the repository, for what the tree builds on: an existing chart, the defaults.
        tree: the files to check; nothing of it needs to be written yet.
        answers: what the tree was made from.
        environments: the environments' names.
        strict: objects of a kind that we have no schema of are refused.

    Returns:
        What was checked.

    Raises:
        Problems: everything that is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="create-new-service-") as folder:
        work = Path(folder)
        chart = _lay_out(root, work, tree, answers)
        cases = list(_cases(work, chart, str(answers["name"]), environments))
        with ThreadPoolExecutor(2) as pool:
            lint = pool.submit(_lint, chart, cases[0])
            rendered = list(pool.map(lambda case: _render(chart, case, answers), cases))
        found = [*lint.result(), *_problems(cases, rendered, strict=strict)]
    if found:
        raise Problems("the new files are not sound", found)
    documents_found = (d for one in rendered if not isinstance(one, UserError) for d in one)
    return Verified(len(cases), tuple(documents_found))


def _lay_out(root: Path, work: Path, tree: Tree, answers: Answers) -> Path:
    chart = chart_folder(chart_of(answers))
    if answers.get("chart"):
        shutil.copytree(root / chart, work / chart)
    shutil.copytree(root / "helmfile.d" / "defaults", work / "helmfile.d" / "defaults")
    for path, text in tree.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text, encoding="utf-8")
    return work / chart


def _cases(work: Path, chart: Path, service: str, environments: Sequence[str]) -> Iterator[Case]:
    folder = work / service_folder(service)
    releases = ["main", *(["canary"] if (folder / "values-canary.yaml").is_file() else [])]
    for environment in environments:
        for release in releases:
            layers = (
                work / "helmfile.d" / "defaults" / f"{environment}.yaml",
                folder / "values.yaml",
                folder / "private.example.yaml",
                folder / f"values-{environment}.yaml",
                folder / f"values-{release}.yaml",
            )
            there = tuple(layer for layer in layers if layer.is_file())
            yield Case(f"{release} in {environment}", release, there)
    for fixture in sorted((chart / "fixtures").glob("*.yaml")):
        yield Case(f"fixture {fixture.name}", "main", (fixture,))


def _lint(chart: Path, case: Case) -> list[UserError]:
    argv = [str(programs.find("helm")), "lint", "--strict", "--quiet", str(chart), *_flags(case)]
    done = process.run(argv, ok=range(256))
    if done.code == 0:
        return []
    return [UserError("helm lint is not content", why=(done.out + done.err).strip())]


def _render(chart: Path, case: Case, answers: Answers) -> Sequence[Document] | UserError:
    name = str(answers["name"])
    argv = [
        str(programs.find("helm")), "template", case.release, str(chart),
        "--namespace", name, "--kube-version", schemas.VERSIONS[0], *_flags(case),
    ]  # fmt: skip
    done = process.run(argv, ok=range(256))
    if done.code != 0:
        return UserError(f"{case.name} does not render", why=done.err.strip())
    try:
        return documents.parse_manifest(done.out, namespace=name)
    except UserError as error:
        return error


def _flags(case: Case) -> list[str]:
    return [word for layer in case.layers for word in ("--values", str(layer))]


def _problems(
    cases: Iterable[Case],
    rendered: Iterable[Sequence[Document] | UserError],
    *,
    strict: bool,
) -> Iterator[UserError]:
    seen: set[str] = set()
    for case, answer in zip(cases, rendered, strict=True):
        if isinstance(answer, UserError):
            yield answer
            continue
        for document in answer:
            if document.digest in seen:
                continue
            seen.add(document.digest)
            for problem in _of_document(document, strict=strict):
                what = f"{document.key}: {problem} ({case.name})"
                yield UserError(what, where=document.template or None)


def _of_document(document: Document, *, strict: bool) -> Iterator[str]:
    against: dict[str, list[str]] = {}
    versions = schemas.VERSIONS if strict or schemas.is_known(document) else ()
    for version in versions:
        for problem in schemas.problems(document, version):
            against.setdefault(problem, []).append(version)
    for problem, where in against.items():
        yield f"{problem} (Kubernetes {', '.join(where)})"
    yield from podsecurity.problems(document)
