"""Every pair of answers makes a sound service, and every documented value does something."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from allpairspy import AllPairs  # type: ignore[import-untyped]

from deploycharts.documents import document, parse_manifest
from deploycharts.scaffold import build, podsecurity, questions, schemas, valuesdoc, verify
from deploycharts.scaffold.facts import Facts
from deploycharts.scaffold.question import Answers
from deploycharts.scaffold.tree import Tree
from deploycharts.tools import process, programs
from tests.scaffold.scaffold_builders import TEMPLATES, answers, facts, repository

pytestmark = pytest.mark.slow

ENVIRONMENTS = ("staging", "codfw", "eqiad")
DIGEST = "sha256:" + "0" * 64


def pairs() -> Iterator[dict[str, Any]]:
    """Answers such that every two values of two answers meet somewhere."""
    parameters: dict[str, list[Any]] = {
        "kind": ["service", "worker", "cronjob"],
        "runtime": ["nodejs", "python", "golang", "other", "php", "java"],
        **{name: [False, True] for name in questions.FEATURES},
        "probes": [True, False],
        "autoscaling": [False, True],
        "callers": [[], ["frontend", "jobs"]],
        "calls": [[], ["thumbnails:8080", "thumbnails:9102", "search:9200"]],
        "quota": ["computed", "small"],
        "image": ["registry.example.org/demo:1.0.0", f"registry.example.org/demo@{DIGEST}"],
        "replicas": [1, 5],
        "env": [{}, {"A": "on", "B": '"quoted" \\ back'}],
        "description": ["Plain", "Über: #no & 'quotes' \"here\""],
    }
    names = list(parameters)
    for row in AllPairs(list(parameters.values())):
        chosen = dict(zip(names, row, strict=True))
        if chosen["kind"] != "service" and chosen["runtime"] == "php":
            chosen["runtime"] = "other"
        yield chosen


def make(known: Facts, **given: Any) -> tuple[Answers, Tree]:
    chosen = answers(known, **given)
    return chosen, build.build(TEMPLATES, chosen)


@pytest.mark.parametrize("given", list(pairs()))
def test_every_pair_of_answers_lints_renders_and_validates(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    repository(tmp_path)
    chosen, tree = make(facts(tmp_path), **given)
    assert verify.verify(tmp_path, tree, chosen, ENVIRONMENTS).ways >= 5


@pytest.fixture(scope="module")
def fullest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Charts with all features, written out."""
    root = tmp_path_factory.mktemp("fullest")
    repository(root)
    known = facts(root)
    everything: dict[str, Any] = dict.fromkeys(questions.FEATURES, True)
    charts = {}
    for name, given in {
        "service": {"kind": "service"},
        "php": {"kind": "service", "runtime": "php"},
        "java": {"kind": "service", "runtime": "java"},
        "worker": {"kind": "worker"},
        "cronjob": {"kind": "cronjob"},
    }.items():
        _, tree = make(known, name=name, **everything, **given)
        for path, text in tree.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        charts[name] = root / "charts" / name
    return charts


def render(chart: Path, values: dict[str, Any], folder: Path) -> str:
    file = folder / "values.yaml"
    file.write_text(json.dumps(values))
    argv = [str(programs.find("helm")), "template", "main", str(chart), "--values", str(file)]
    done = process.run(argv, ok=range(256))
    return done.out if done.code == 0 else f"refused: {done.err}"


SWITCHED_ON: dict[str, Any] = {
    "config": {"files": {"a": "b"}},
    "autoscaling": {"enabled": True},
    "ingress": {"enabled": True, "hosts": ["a.example.org"]},
    "tls": {"enabled": True},
    "telemetry": {
        "reason": "x",
        "opentelemetry": {"endpoint": "http://c.example.org:4317"},
    },
    "networkPolicy": {"reason": "x"},
    "probes": {"command": ["true"], "reason": "x"},
    "php": {"sites": {"a": {"hosts": ["a.example.org"]}, "b": {}}, "defaultSite": "a"},
    "cronjobs": {"nightly": {"enabled": True, "schedule": "@daily"}},
    "test": {"spec": "/?spec"},
}
OTHERS: dict[str, Any] = {
    "name": "another", "image.digest": DIGEST, "image.repository": "r.example.org/x",
    "image.tag": "9.9.9", "command": ["x"], "args": ["x"], "config.env": {"X": "y"},
    "config.files": {"x": "y"}, "config.folder": "/elsewhere", "secrets.env": {"X": "y"},
    "secrets.existing": "other", "podAnnotations": {"x": "y"}, "probes.command": ["y"],
    "ingress.hosts": ["b.example.org"], "networkPolicy.from": [{"podSelector": {}}],
    "networkPolicy.callers": ["x"],
    "networkPolicy.calls": {"x": [1]}, "networkPolicy.dns": [{"podSelector": {}}],
    "php.versions": {"x": {"folder": "/x", "image": "r.example.org/x:1"}},
    "php.sites": {"a": {"hosts": ["c.example.org"]}}, "php.defaultSite": "b",
    "php.settings": {"x": "y"}, "php.httpd.modules": "/x", "php.httpd.program": "/x",
    "java.options": ["-Dx=y"],
    "networkPolicy.to": {"x": {"cidr": "10.0.0.0/8", "ports": [1]}},
    "volumes": {"x": {"path": "/x", "source": {"emptyDir": {}}}},
    "sidecars": {"x": {"image": "r.example.org/x:1", "resources": {}}},
    "cronjobs": {"other": {"enabled": True, "schedule": "@hourly"}},
    "ingress.path": "/x", "telemetry.prometheus.path": "/x", "php.documentRoot": "/x",
    "probes.path": "/x", "probes.livenessPath": "/x", "test.spec": "/x",
    "telemetry.opentelemetry.endpoint": "http://d.example.org:4317",
    "tls.image": "r.example.org/e:1",
}  # fmt: skip


def other(entry: valuesdoc.Documented, now: Any) -> Any:
    """A valid value of the key that is not the one it has now."""
    if entry.key in OTHERS:
        return OTHERS[entry.key]
    if isinstance(now, bool):
        return not now
    if isinstance(now, int):
        return now + 1
    if re.search(r"\.cpu$", entry.key):
        return "123m"
    if re.search(r"\.(memory|ephemeral-storage)$", entry.key):
        return "321Mi"
    return "other"


def at(values: dict[str, Any], path: tuple[str, ...]) -> Any:
    for part in path:
        values = values[part]
    return values


@pytest.mark.parametrize("kind", ["service", "php", "java", "worker", "cronjob"])
def test_every_documented_value_changes_what_is_rendered(
    fullest: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    text = (fullest[kind] / "values.yaml").read_text()
    values = yaml.safe_load(text)
    for group, switched in SWITCHED_ON.items():
        merge_into(values, group, switched)
    entries = [entry for entry in valuesdoc.documented(text) if not entry.is_group]
    folders = [tmp_path / str(number) for number in range(len(entries) + 1)]
    for folder in folders:
        folder.mkdir()
    plain = render(fullest[kind], values, folders[-1])
    assert not plain.startswith("refused"), plain

    def has_effect(entry: valuesdoc.Documented, folder: Path) -> bool:
        changed = copy.deepcopy(values)
        parent = at(changed, entry.path[:-1])
        if entry.path[-1] == "reason":
            parent["enabled"] = False
            return "deploycharts/no-" in render(fullest[kind], changed, folder)
        parent[entry.path[-1]] = other(entry, parent[entry.path[-1]])
        rendered = render(fullest[kind], changed, folder)
        assert not rendered.startswith("refused"), (entry.key, rendered)
        return rendered != plain

    with ThreadPoolExecutor(2) as pool:
        effects = list(pool.map(has_effect, entries, folders))
    assert [e.key for e, has in zip(entries, effects, strict=True) if not has] == []


def merge_into(values: dict[str, Any], key: str, more: Any) -> None:
    if key not in values:
        return
    if isinstance(more, dict) and values[key]:
        for name, item in more.items():
            merge_into(values[key], name, item)
    else:
        values[key] = more


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"imagee": {"tag": "1"}}, "imagee"),
        ({"image": {"tga": "1"}}, "tga"),
        ({"image": {"tag": "latest"}}, "/image/tag"),
        ({"image": {"tag": 1.5}}, "image"),
        ({"config": {"env": {"A": 1}}}, "env"),
        ({"replicas": "2"}, "replicas"),
        ({"port": 80}, "port"),
        ({"sidecars": {"x": {"image": "x:latest", "resources": {}}}}, "sidecars"),
    ],
)
def test_a_mistake_in_values_fails_with_its_name(
    fullest: dict[str, Path], tmp_path: Path, values: dict[str, Any], named: str
) -> None:
    rendered = render(fullest["service"], values, tmp_path)
    assert rendered.startswith("refused")
    assert named in rendered


def test_every_documented_value_has_a_description(fullest: dict[str, Path]) -> None:
    for chart in fullest.values():
        entries = valuesdoc.documented((chart / "values.yaml").read_text())
        assert [entry.key for entry in entries if not entry.is_group and not entry.comment] == []


def test_every_constraint_is_of_a_value_that_exists(fullest: dict[str, Path]) -> None:
    constraints = yaml.safe_load((TEMPLATES / "schema.yaml").read_text())
    known = {
        entry.key
        for chart in fullest.values()
        for entry in valuesdoc.documented((chart / "values.yaml").read_text())
    }
    assert constraints.keys() - known == set()


def test_the_canary_shares_the_users_service_and_has_no_routes_or_jobs(
    fullest: dict[str, Path], tmp_path: Path
) -> None:
    values = {**SWITCHED_ON, "canary": True}
    del values["probes"], values["php"]
    documents = parse_manifest(render(fullest["service"], values, tmp_path))
    kinds = [document.key.kind for document in documents]
    assert "HTTPRoute" not in kinds
    assert "CronJob" not in kinds
    assert [d.key.name for d in documents if d.key.kind == "Service"] == ["service-main"]


def test_a_core_chart_is_small(tmp_path: Path) -> None:
    repository(tmp_path)
    _, tree = make(facts(tmp_path))
    core = [p for p in tree if "/templates/" in p or p.endswith("charts/demo/values.yaml")]
    assert sum(tree[path].count("\n") for path in core) < 700


@pytest.mark.parametrize("version", schemas.VERSIONS)
def test_validation_is_strict(version: str) -> None:
    pod: dict[str, Any] = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"},
        "spec": {"containers": [{"name": "x", "image": "x:1"}]},
    }  # fmt: skip
    assert list(schemas.problems(document(pod), version)) == []
    pod["spec"]["contianers"] = []
    assert "contianers" in " ".join(schemas.problems(document(pod), version))


def test_pod_security_sees_what_admission_refuses() -> None:
    container: dict[str, Any] = {"name": "x", "image": "x:1", "ports": [{"hostPort": 1}]}
    pod: dict[str, Any] = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"},
        "spec": {
            "hostNetwork": True, "containers": [container],
            "volumes": [{"name": "h", "hostPath": {"path": "/"}}],
        },
    }  # fmt: skip
    found = " ".join(podsecurity.problems(document(pod)))
    for rule in (
        "hostNetwork", "hostPath", "hostPort", "runAsNonRoot", "allowPrivilegeEscalation",
        "drop must name ALL", "seccompProfile",
    ):  # fmt: skip
        assert rule in found
