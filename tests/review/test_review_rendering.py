"""The render server and the cache give what the helm program gives."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploycharts.errors import UserError
from deploycharts.registry.repository import Repository
from deploycharts.rendering import server
from deploycharts.rendering.batch import render_many
from deploycharts.rendering.cache import Cache
from deploycharts.rendering.release import Release, evaluate
from deploycharts.rendering.remembered import unpack
from deploycharts.rendering.render import render
from deploycharts.rendering.trees import Tree
from deploycharts.review import fixtures
from deploycharts.tools import git, programs
from tests.conftest import Place
from tests.review.review_builders import CHECKOUT, Repo
from tests.services import PROGRAMS

pytestmark = pytest.mark.slow


def releases(root: Path, folder: Path) -> list[Release]:
    """All releases of a repository, and all charts with their fixtures."""
    repository = Repository(root)
    found = [
        release
        for name in repository.service_names
        for environment in repository.environments
        for release in evaluate(repository, repository.service(name), environment)
    ]
    with git.files_of_work_tree(root) as files:
        tree = Tree(files, folder, title="all")
        for chart in fixtures.charts(tree):
            tree.require(tree.closure([chart]))
            found += fixtures.fixture_releases(tree, chart)
    return found


def require_same_as_helm(
    found: list[Release], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = server.render
    answered: list[bool] = []

    def watched(jobs: list[server.Job]) -> Iterator[server.Answer | None]:
        for answer in asked(jobs):
            answered.append(answer is not None)
            yield answer

    monkeypatch.setattr(server, "render", watched)
    outputs = render_many(found, cache=None)
    assert all(answered)
    monkeypatch.setenv("DEPLOYCHARTS_CACHE", str(tmp_path / "empty"))
    for release, output in zip(found, outputs, strict=True):
        assert output.error is None, output.error.why
        ours = unpack(output.content, namespace=release.namespace)
        assert ours == render([release])[0].documents


def test_the_server_renders_this_repository_as_helm_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = releases(CHECKOUT, tmp_path / "tree")
    require_same_as_helm(found, tmp_path, monkeypatch)


def test_the_server_renders_traps_as_helm_does(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.write("charts/web/templates/odd.yaml", _ODD)
    repo.write("charts/web/templates/tests/hook.yaml", _HOOK)
    repo.write("charts/web/crds/crd.yaml", _CRD)
    repo.write("charts/web/templates/NOTES.txt", "Hello {{ .Release.Name }}\n")
    repo.write("charts/web/fixtures/odd.yaml", "env: {A: 0o17, B: 1e3, C: yes, D: 12345678901}\n")
    repo.link("charts/sub", "web")
    repo.write("charts/parent/Chart.yaml", _PARENT)
    repo.link("charts/parent/charts/web", "../../web")
    repo.write("charts/parent/values.yaml", "web: {replicas: 4, name: inner}\n")
    found = releases(repo.root, tmp_path / "tree")

    assert {each.target.service for each in found} >= {"web", "parent"}
    require_same_as_helm(found, tmp_path, monkeypatch)


def test_errors_are_those_of_helm(repo: Repo, tmp_path: Path) -> None:
    repo.edit("charts/web/templates/deployment.yaml", "kind: Dep", '{{ fail "no!" }}kind: Dep')
    release = releases(repo.root, tmp_path / "tree")[0]

    ours = render_many([release], cache=None)[0].error

    with pytest.raises(UserError) as helms:
        render([release])
    assert ours is not None
    assert str(ours.where) == str(helms.value.where) == "charts/web/templates/deployment.yaml:2"
    assert ours.why == helms.value.why


def test_without_a_server_helm_renders(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = releases(repo.root, tmp_path / "tree")
    by_server = [unpack(each.content, namespace="n") for each in render_many(found, cache=None)]
    monkeypatch.setattr(server, "_NAME", "no-such-program")
    by_helm = [unpack(each.content, namespace="n") for each in render_many(found, cache=None)]

    assert by_server == by_helm


@pytest.mark.parametrize(
    ("helm", "version", "kubernetes"),
    [
        ("helm-3.18", "v3.18.0", "v1.33.0"),
        ("helm-3.22", "v3.22.0", "v1.37.0"),
        ("helm-3.22-unstamped", "v3.22", "v1.37.0"),
        ("helm-4", "v4.2.4", "v1.36.0"),
    ],
)
def test_what_renders_is_the_helm_that_deploys(
    repo: Repo, tmp_path: Path, place: Place, helm: str, version: str, kubernetes: str
) -> None:
    repo.write("charts/web/templates/odd.yaml", _ODD)
    place("helm", PROGRAMS / helm)
    found = releases(repo.root, tmp_path / "tree")

    outputs = render_many(found, cache=None)

    for release, output in zip(found, outputs, strict=True):
        rendered = unpack(output.content, namespace=release.namespace)
        assert rendered == render([release])[0].documents
        data: Any = next(each for each in rendered if each.key.name == "odd").body["data"]
        assert (data["helm"], data["kube"]) == (version, kubernetes)


def test_what_a_server_leaves_when_it_dies_is_left_to_helm(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.write("charts/web/fixtures/more.yaml", "replicas: 7\n")
    found = releases(repo.root, tmp_path / "tree")
    whole = [unpack(each.content, namespace="n") for each in render_many(found, cache=None)]
    dying = tmp_path / "dying"
    real = programs.find("renderserver")
    dying.write_text(
        f'#!/bin/sh\n{real} > "$0.out"\nhead -n 2 "$0.out"\nsed -n 3p "$0.out" | head -c 20\n'
    )
    dying.chmod(0o755)
    monkeypatch.setattr(server, "_find", lambda: dying)
    rest = [unpack(each.content, namespace="n") for each in render_many(found, cache=None)]

    assert len(found) > 1
    assert rest == whole


def test_the_cache_stays_within_its_bound_and_keeps_what_is_used(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "answers", limit_bytes=1000)
    names = [f"{number:02d}{'0' * 10}" for number in range(20)]
    for number, name in enumerate(names):
        cache.put(name, bytes(100))
        file = tmp_path / "answers" / name[:2] / name[2:]
        os.utime(file, (number, number))
    assert cache.get(names[0]) == bytes(100)

    cache.prune()

    kept = [name for name in names if cache.get(name) is not None]
    assert names[0] in kept
    assert names[1] not in kept
    assert len(kept) == 10


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "answers").write_text("not a folder")
    cache = Cache(tmp_path / "answers")

    cache.put("00aa", b"x")
    cache.prune()

    assert cache.get("00aa") is None


_ODD = """\
{{- $values := dict "octal" 0o17 "float" 1.50 }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: odd
  annotations: {on: "yes", version: "1.10", time: "12:30"}
data:
  a: |
    ---
    # Source: not/a/source.yaml
  yes: "no"
  number: {{ .Values.replicas | quote }}
  kube: {{ .Capabilities.KubeVersion.Version }}
  helm: {{ .Capabilities.HelmVersion.Version }}
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: in-list}, data: {n: {{ 1e3 | quote }}}}
--- # a comment
apiVersion: example.org/v1
kind: Odd
metadata: {name: typed}
spec: {a: 0o17, b: 017, c: 1e3, d: yes, e: ~, f: 1_000, g: 2001-01-01, h: 1.0, i: .5, 1: x}
big: 123456789012345678
"""
_HOOK = """\
apiVersion: v1
kind: Pod
metadata: {name: test, annotations: {helm.sh/hook: test}}
spec: {containers: []}
"""
_CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: odds.example.org}
spec: {group: example.org, names: {kind: Odd, plural: odds}, scope: Namespaced, versions: []}
"""
_PARENT = """\
apiVersion: v2
name: parent
version: 1.0.0
dependencies: [{name: web, version: 1.0.0, repository: "file://../web"}]
"""
