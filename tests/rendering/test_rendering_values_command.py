"""`deploy values`, as people type it."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from deploycharts.rendering.chartfiles import read_chart
from deploycharts.rendering.release import evaluate
from deploycharts.rendering.values import effective
from tests.services import Deployable

pytestmark = pytest.mark.slow


@pytest.fixture
def web(tmp_path: Path) -> Deployable:
    """A service whose clusters do not exist; values need none."""
    found = Deployable(tmp_path, None)
    found.write("values-staging.yaml", {"replicas": 1})
    found.write("private.example.yaml", {"secrets": {"env": {"TOKEN": "hunter22", "PIN": "7"}}})
    return found


def test_it_prints_yaml_that_helm_reads_as_the_same(web: Deployable) -> None:
    ended = web.run("deploy", "values", "staging", web.name, "image", "--release", "main")

    assert ended.code == 0
    assert ended.out.splitlines()[-1] == "tag: 1.0.0"
    assert web.run("deploy", "values", "staging", web.name, "image.tag").out.endswith("\n1.0.0\n")


def test_it_gives_helm_s_answer_with_secrets_masked(web: Deployable) -> None:
    repository = web.repository
    releases = evaluate(repository, repository.service(web.name), repository.environment("eqiad"))

    ended = web.run("deploy", "values", "eqiad", web.name, "-o", "json")

    for each, release in zip(ended.json["releases"], releases, strict=True):
        assert release.chart.path
        wanted = effective(release, read_chart(release.chart.path, "charts/echoserver")).values
        found = each["values"]
        assert {**found, "secrets": None} == {**wanted, "secrets": None}
        assert set(found["secrets"]["env"]) == {"TOKEN", "PIN"}
        assert all(each.startswith("<secret") for each in found["secrets"]["env"].values())


def test_explain_names_the_line_and_what_it_shadows(web: Deployable) -> None:
    ended = web.run("deploy", "values", "staging", web.name, "replicas", "--explain")

    here = f"helmfile.d/services/{web.name}"

    def at(file: str) -> str:
        return f"{file}:{_line(web.root / file, 'replicas:')}"

    below = [f"  over 2 in {at(f'{here}/values.yaml')}",
             f"  over 2 in {at('charts/echoserver/values.yaml')}"]  # fmt: skip
    staging = at(f"{here}/values-staging.yaml")
    canary = ["replicas: 1", f"  {at(f'{here}/values-canary.yaml')}", f"  over 1 in {staging}"]
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "# staging: canary", *canary, *below,
        "# staging: main", "replicas: 1", f"  {staging}", *below,
    ]  # fmt: skip


def test_equal_answers_are_given_once(web: Deployable) -> None:
    ended = web.run("deploy", "values", "production", web.name, "port")

    assert ended.out == "# codfw: canary, main · eqiad: canary, main\n8080\n"


def test_unused_tells_what_was_perhaps_meant(web: Deployable) -> None:
    web.write("values-staging.yaml", {"replicaCount": 4, "autoscaling": {"maxReplicas": 9}})

    ended = web.run("deploy", "values", "staging", web.name, "--unused", "-o", "json")

    main = ended.json["releases"][1]["unused"]
    assert [(each["key"], each["kind"], each["near"]) for each in main] == [
        ("replicaCount", "never read", ["replicas"]),
        ("autoscaling.maxReplicas", "no effect now", []),
    ]


def test_a_typo_is_exit_3_with_near_matches(web: Deployable) -> None:
    ended = web.run("deploy", "values", "staging", web.name, "imge.tag", "--explain")

    assert ended.code == 3
    assert "did you mean image.tag" in ended.err


def test_explain_and_unused_exclude_each_other(web: Deployable) -> None:
    ended = web.run("deploy", "values", "staging", web.name, "--explain", "--unused")

    assert ended.code == 64


def test_a_release_that_is_not_installed_has_no_values(web: Deployable) -> None:
    template = web.root / "helmfile.d" / "release.yaml.gotmpl"
    text = template.read_text()
    line = '    installed: {{ ne $release "canary" }}\n    missingFileHandler: Debug'
    template.write_text(text.replace("    missingFileHandler: Debug", line))

    ended = web.run("deploy", "values", "staging", web.name, "port", "-o", "json")

    assert ended.json["releases"] == [
        {"environment": "staging", "release": "canary", "installed": False},
        {"environment": "staging", "release": "main", "values": 8080},
    ]


@pytest.mark.parametrize("options", [(), ("--explain",), ("--unused",), ("-o", "json")])
def test_no_secret_shows_and_nothing_is_left(
    web: Deployable, tmp_path_factory: pytest.TempPathFactory, options: tuple[str, ...]
) -> None:
    temporary = tmp_path_factory.mktemp("tmp")
    before = {path: path.stat().st_mtime_ns for path in web.root.rglob("*")}

    ended = web.run(
        "deploy", "values", "staging", web.name, *options, env={"TMPDIR": str(temporary)}
    )

    assert "hunter22" not in ended.out + ended.err
    assert list(temporary.iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in web.root.rglob("*")} == before


def test_helm_reads_secrets_from_a_private_folder(
    web: Deployable, tmp_path_factory: pytest.TempPathFactory
) -> None:
    temporary = tmp_path_factory.mktemp("tmp")
    seen = temporary.parent / f"{temporary.name}-seen"
    spy = web.root / "spy-helm"
    spy.write_text(f'#!/bin/sh\nls -ln {temporary} >> {seen}\nexec helm "$@"\n')
    spy.chmod(0o755)

    web.run(
        "deploy", "values", "staging", web.name,
        env={"TMPDIR": str(temporary), "DEPLOYCHARTS_HELM": str(spy), "PATH": _path()},
    )  # fmt: skip

    modes = [line.split()[0] for line in seen.read_text().splitlines() if " deploycharts-" in line]
    assert modes
    assert set(modes) == {stat.filemode(stat.S_IFDIR | 0o700)}


def _path() -> str:
    return f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"


def _line(file: Path, text: str) -> int:
    lines = file.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(text))
