"""Scaffolded services in a real cluster: taken, ready, tested."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploycharts.documents import document, parse_manifest
from deploycharts.errors import Problems
from deploycharts.sandbox.lifecycle import Sandbox
from deploycharts.scaffold import build, dryrun
from deploycharts.tools import process, programs
from tests.conftest import ObjectsOf
from tests.scaffold.scaffold_builders import ROOT, TEMPLATES, answers, facts, repository

pytestmark = pytest.mark.sandbox
Helm = Callable[..., process.Result]


@pytest.fixture
def in_namespace(
    sandbox: Sandbox, objects: ObjectsOf, namespace: Callable[..., str]
) -> tuple[str, Helm]:
    """A namespace with the restricted level, and helm in it."""
    name = namespace("staging")
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    objects("staging").patch("v1", "namespaces", name, labels)

    def helm(*words: str) -> process.Result:
        where = ["--kubeconfig", str(sandbox.kubeconfig("staging")), "--namespace", name]
        return process.run([str(programs.find("helm")), *words, *where], ok=range(256))

    return name, helm


def write(root: Path, **given: Any) -> Path:
    """A service in the folder; its chart."""
    repository(root)
    tree = build.build(TEMPLATES, answers(facts(root), **given))
    for path, text in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root / "charts" / "demo"


@pytest.mark.parametrize(
    "given",
    [
        {"autoscaling": True, "telemetry": True, "nodeport": True, "networkpolicy": True},
        {"runtime": "php", "sidecars": True, "volumes": True, "cronjobs": True},
        {"kind": "worker"},
        {"kind": "cronjob"},
    ],
)
def test_a_scaffolded_service_becomes_ready_and_passes_its_test(
    tmp_path: Path, in_namespace: tuple[str, Helm], objects: ObjectsOf, given: dict[str, Any]
) -> None:
    name, helm = in_namespace
    chart = write(tmp_path, **given)
    values = tmp_path / "helmfile.d/services/demo"
    layers = ["--values", str(values / "values.yaml"), "--set", "nodePort=0"]
    if "nodeport" not in given:
        layers = layers[:2]
    done = helm("install", "main", str(chart), *layers, "--wait", "--timeout", "60s")
    assert done.code == 0, done.err
    tested = helm("test", "main", "--timeout", "60s")
    assert tested.code == 0, tested.err
    accounts = objects("staging").list("v1", "serviceaccounts", namespace=name)
    assert "demo-main" in {account["metadata"]["name"] for account in accounts}


def test_tls_with_an_existing_secret_and_a_failing_test(
    tmp_path: Path, in_namespace: tuple[str, Helm], objects: ObjectsOf
) -> None:
    name, helm = in_namespace
    chart = write(tmp_path, tls=True)
    secret = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine", "namespace": name},
        "stringData": {"tls.crt": "x", "tls.key": "x", "ca.crt": "x"},
    }  # fmt: skip
    objects("staging").create("v1", "secrets", secret)
    words = ["--set", "tls.enabled=true,tls.secret=mine", "--wait", "--timeout", "60s"]
    done = helm("install", "main", str(chart), *words)
    assert done.code == 0, done.err
    ports = objects("staging").get("v1", "services", "demo", namespace=name)
    assert ports is not None
    assert [port["name"] for port in ports["spec"]["ports"]] == ["tls"]
    assert helm("test", "main", "--timeout", "60s").code == 0
    failing = ["--reuse-values", "--set", "test.image=x.example.org/python3:1-fault-fail"]
    assert helm("upgrade", "main", str(chart), *failing).code == 0
    assert helm("test", "main", "--timeout", "60s").code != 0


def test_the_sandbox_is_asked_whether_it_would_take_the_objects(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    from deploycharts.registry.environments import read

    assert sandbox.kubeconfig("staging").is_file()
    staging = [replace(one, root=ROOT) for one in read(ROOT)]
    chart = write(tmp_path)
    argv = [str(programs.find("helm")), "template", "main", str(chart)]
    documents = parse_manifest(process.run(argv).out)
    assert (dryrun.ask_sandbox(staging, documents) or 0) > len(documents)
    pod: dict[str, Any] = {"containers": [{"name": "x", "image": "x:1"}]}
    deployment: dict[str, Any] = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bad"},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod},
        },
    }  # fmt: skip
    with pytest.raises(Problems) as refused:
        dryrun.ask_sandbox(staging, [document(deployment)])
    assert "violates PodSecurity" in refused.value.errors[0].what


def test_without_a_sandbox_nobody_is_asked(tmp_path: Path) -> None:
    from deploycharts.registry.environments import read

    shutil.copytree(ROOT / "helmfile.d", tmp_path / "helmfile.d")
    assert dryrun.ask_sandbox(read(tmp_path), []) is None
