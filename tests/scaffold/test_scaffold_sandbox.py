"""Scaffolded services in a real cluster: taken, ready, tested."""

from __future__ import annotations

import json
import shutil
import ssl
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.documents import document, parse_manifest
from deploycharts.errors import Problems
from deploycharts.sandbox.lifecycle import Sandbox
from deploycharts.scaffold import build, dryrun
from deploycharts.tools import process, programs
from tests.conftest import ObjectsOf
from tests.scaffold.scaffold_builders import ROOT, TEMPLATES, answers, facts, repository
from tests.servers import Answer, serving

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
        {"runtime": "java", "calls": ["search:9200"], "callers": ["frontend"]},
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


@pytest.mark.parametrize("tls", [False, True])
def test_the_helm_test_tells_a_sound_service_from_one_that_answers_500(
    sandbox: Sandbox, tmp_path: Path, in_namespace: tuple[str, Helm], certificate: Path, tls: bool
) -> None:
    """No container runs here, so what the test's pod would run is run beside the cluster.

    It asks the service that the test names, through the API server, which chooses among the ready
    pods; a real process answers for them.
    """
    name, helm = in_namespace
    chart = write(tmp_path, tls=tls)
    status = 200
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
    if context is not None:
        context.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
    with (
        serving(lambda _asked: (status, {}, ""), context) as backend,
        closing(Cluster(sandbox.kubeconfig("staging"), name="staging")) as cluster,
    ):
        values = tmp_path / "backed.yaml"
        annotations = {"sandbox.deploycharts/backend": f"127.0.0.1:{backend}"}
        values.write_text(json.dumps({"podAnnotations": annotations, **TLS[tls]}))
        words = ("--values", str(values), "--wait", "--timeout", "60s")
        assert helm("install", "main", str(chart), *words).code == 0
        *words_of_test, url = arguments_of_test(helm("get", "hooks", "main").out)
        assert url == ("https://demo-main:4443" if tls else "http://demo-main:8080")
        service = f"https:demo-main:{4443}" if tls else f"demo-main:{8080}"
        through = f"/api/v1/namespaces/{name}/services/{service}/proxy"
        with serving(lambda asked: ask(cluster, through + asked.partition(" ")[2])) as gate:
            check = [sys.executable, "-B", str(chart / "files" / "check.py"), *words_of_test]
            check = [word for word in check if not word.startswith("--ca=")]
            sound = process.run([*check, f"http://127.0.0.1:{gate}"], ok=range(256))
            assert (sound.code, sound.err) == (0, ""), sound.out
            status = 500
            broken = process.run([*check, f"http://127.0.0.1:{gate}"], ok=range(256))
            assert broken.code == 2
            assert "status 500, expected 200" in broken.out


TLS: dict[bool, dict[str, Any]] = {
    False: {},
    True: {"tls": {"enabled": True, "secret": "mine"}},
}


def arguments_of_test(hooks: str) -> list[str]:
    """What the test's pod gives to its program."""
    pod = next(one for one in parse_manifest(hooks) if one.key.kind == "Pod")
    spec: Any = pod.body["spec"]
    return list(spec["containers"][0]["args"])


def ask(cluster: Cluster, path: str) -> Answer:
    """The answer that the API server passes on."""
    try:
        return 200, {}, cluster.text(path)
    except ApiError as error:
        return error.status, {}, ""


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
