"""Checking a rendered tree before it is handed over, as a strict reviewer's CI would."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploycharts import documents
from deploycharts.documents import Document, digest
from deploycharts.errors import Problems, UserError
from deploycharts.scaffold import podsecurity, schemas
from deploycharts.scaffold.question import Answers
from deploycharts.scaffold.templates import chart_of
from deploycharts.scaffold.tree import Tree, chart_folder, service_folder
from deploycharts.tools import helm, helmfile, process, programs


@dataclass(frozen=True, slots=True)
class Case:
    """One way to render the chart: a service in an environment, or a fixture."""

    name: str
    argv: tuple[str, ...]


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
        service = service_folder(str(answers["name"]))
        cases = [
            *(_environment_case(work, service, name) for name in environments),
            *_fixture_cases(chart, str(answers["name"])),
        ]
        with ThreadPoolExecutor(2) as pool:
            lint = pool.submit(_lint, chart, work / service / "values.yaml")
            rendered = list(pool.map(lambda case: _render(case, work, answers), cases))
        found = [*lint.result(), *_problems(cases, rendered, strict=strict)]
    if found:
        raise Problems("the new files are not sound", found)
    documents_found = (d for one in rendered if not isinstance(one, UserError) for d in one)
    return Verified(len(cases), tuple(documents_found))


def _lay_out(root: Path, work: Path, tree: Tree, answers: Answers) -> Path:
    chart = chart_folder(chart_of(answers))
    if answers.get("chart"):
        shutil.copytree(root / chart, work / chart)
    elsewhere = shutil.ignore_patterns("services", "cluster")
    shutil.copytree(root / "helmfile.d", work / "helmfile.d", ignore=elsewhere)
    for path, text in tree.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text, encoding="utf-8")
    return work / chart


def _environment_case(work: Path, service: str, environment: str) -> Case:
    """All releases of the service, as helmfile renders them, with dummy values as secrets."""
    argv = (
        str(programs.supported("helmfile")), "--environment", environment, "--quiet",
        "--helm-binary", str(programs.supported("helm")),
        "--file", str(work / service / "helmfile.yaml.gotmpl"),
        "--state-values-set", f"private={work}/{service}/private.example.yaml",
        "template", "--skip-deps", *helm.for_kubernetes(),
    )  # fmt: skip
    return Case(environment, argv)


def _fixture_cases(chart: Path, namespace: str) -> Iterator[Case]:
    for fixture in sorted((chart / "fixtures").glob("*.yaml")):
        argv = (
            str(programs.supported("helm")), "template", "main", str(chart),
            "--namespace", namespace, "--kube-version", schemas.VERSIONS[0],
            "--values", str(fixture),
        )  # fmt: skip
        yield Case(f"fixture {fixture.name}", argv)


def _lint(chart: Path, values: Path) -> list[UserError]:
    helm = str(programs.supported("helm"))
    argv = [helm, "lint", "--strict", "--quiet", str(chart), "--values", str(values)]
    done = process.run(argv, ok=range(256))
    if done.code == 0:
        return []
    return [UserError("helm lint is not content", why=(done.out + done.err).strip())]


def _render(case: Case, work: Path, answers: Answers) -> Sequence[Document] | UserError:
    done = process.run(case.argv, env=helmfile.quiet_environment(work), ok=range(256))
    if done.code != 0:
        return UserError(f"{case.name} does not render", why=done.err.strip())
    try:
        return documents.parse_manifest(done.out, namespace=str(answers["name"]))
    except UserError as error:
        return error


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
            content = digest(document.body)
            if content in seen:
                continue
            seen.add(content)
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
