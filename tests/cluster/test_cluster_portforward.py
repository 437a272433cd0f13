"""A port of this machine that leads to a pod's, through a real API server."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from deploycharts.cluster.connection import ApiError, Cluster, Unreachable
from deploycharts.cluster.objects import Objects
from deploycharts.cluster.portforward import (
    Forward,
    NotForwarded,
    NothingListens,
    port_forward,
)
from deploycharts.errors import UserError
from deploycharts.sandbox.lifecycle import Sandbox
from tests.servers import serving
from tests.waiting import wait_until

pytestmark = pytest.mark.sandbox

Start = Callable[..., str]


@pytest.fixture
def cluster(sandbox: Sandbox) -> Iterator[Cluster]:
    with closing(Cluster(sandbox.kubeconfig("staging"), name="staging")) as cluster:
        yield cluster


@pytest.fixture
def start(cluster: Cluster, namespace: Callable[[], str]) -> Start:
    """Makes the pod `app` with a process behind it, and returns its namespace."""
    name = namespace()
    objects = Objects(cluster)

    def make(backend: str = "") -> str:
        annotations = {"sandbox.deploycharts/backend": backend} if backend else {}
        pod = {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "app", "namespace": name, "annotations": annotations},
            "spec": {"containers": [{"name": "app", "image": "example/app:1"}]},
        }  # fmt: skip
        objects.create("v1", "pods", pod)
        wait_until(lambda: _is_ready(objects, name, backend))
        return name

    return make


def _is_ready(objects: Objects, namespace: str, backend: str) -> bool:
    pod = objects.get("v1", "pods", "app", namespace=namespace) or {}
    conditions = pod.get("status", {}).get("conditions") or ()
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    forwarded = objects.get("kwok.x-k8s.io/v1alpha1", "portforwards", "app", namespace=namespace)
    return ready and (not backend or forwarded is not None)


def _get(port: int, path: str = "/") -> str:
    with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}{path}", timeout=10) as got:
        return str(got.read().decode())


def _trouble(forward: Forward) -> UserError:
    """What is said after a connection that leads nowhere."""
    with socket.create_connection(("127.0.0.1", forward.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.recv(100) == b""
    assert forward.trouble is not None
    return forward.trouble


def test_connections_reach_the_pods_process(start: Start, cluster: Cluster) -> None:
    with serving(lambda asked: (200, {}, asked)) as backend:
        namespace = start(f"127.0.0.1:{backend}")
        with port_forward(cluster, namespace, "app", 8080) as forward:
            first, second = _get(forward.port, "/one"), _get(forward.port, "/two")

    assert (first, second) == ("GET /one", "GET /two")
    assert forward.trouble is None


def test_several_large_answers_at_once_arrive_whole(start: Start, cluster: Cluster) -> None:
    large = "0123456789abcdef" * 40_000
    with serving(lambda asked: (200, {}, asked + large)) as backend:
        namespace = start(f"127.0.0.1:{backend}")
        with port_forward(cluster, namespace, "app", 80) as forward, ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda number: _get(forward.port, f"/{number}"), range(8))

            assert list(answers) == [f"GET /{number}{large}" for number in range(8)]


def test_the_port_is_free_again_afterwards(start: Start, cluster: Cluster) -> None:
    with port_forward(cluster, start(), "app", 80) as forward:
        pass

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", forward.port), timeout=1)


def test_an_open_connection_ends_with_the_forward(start: Start, cluster: Cluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as backend:
        namespace = start(f"127.0.0.1:{backend.getsockname()[1]}")
        with port_forward(cluster, namespace, "app", 80) as forward:
            near = socket.create_connection(("127.0.0.1", forward.port), timeout=10)
            far, _ = backend.accept()
        with closing(near), closing(far):
            assert near.recv(1) == b""


def test_a_port_on_which_nothing_listens_is_said_to_be_one(start: Start, cluster: Cluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        backend = f"127.0.0.1:{free.getsockname()[1]}"
    with port_forward(cluster, start(backend), "app", 8080) as forward:
        trouble = _trouble(forward)

    assert isinstance(trouble, NothingListens)
    assert trouble.what == "nothing listens on port 8080 of Pod/app"


def test_a_pod_that_the_node_cannot_reach_is_no_closed_port(start: Start, cluster: Cluster) -> None:
    with port_forward(cluster, start(), "app", 8080) as forward:
        trouble = _trouble(forward)

    assert isinstance(trouble, NotForwarded)
    assert "no forward found" in trouble.why


def test_a_pod_that_is_gone_is_said_to_be(start: Start, cluster: Cluster) -> None:
    with port_forward(cluster, start(), "nobody", 8080) as forward:
        trouble = _trouble(forward)

    assert isinstance(trouble, NotForwarded)
    assert trouble.what == "there is no pod for port 8080 of Pod/nobody any more"
    assert 'pods "nobody" not found' in trouble.why


def test_credentials_that_may_not_are_told_so(
    start: Start, cluster: Cluster, tmp_path: Path
) -> None:
    namespace = start()
    path = tmp_path / "kubeconfig"
    path.write_text(_with_another_token(cluster, namespace))
    with closing(Cluster(path, name="staging")) as stranger:
        with pytest.raises(ApiError):
            stranger.get(f"/api/v1/namespaces/{namespace}/pods/app")
        with port_forward(stranger, namespace, "app", 8080) as forward:
            trouble = _trouble(forward)

    assert isinstance(trouble, NotForwarded)
    assert trouble.what == "these credentials may not forward port 8080 of Pod/app"
    assert "cannot get resource" in trouble.why
    assert trouble.next_step


def _with_another_token(cluster: Cluster, namespace: str) -> str:
    """A kubeconfig of the namespace's default account, which may do nothing."""
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default/token"
    answer = cluster.send("POST", account, {"spec": {"expirationSeconds": 600}})
    config = json.loads(cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": answer["status"]["token"]}
    return json.dumps(config)


def test_an_api_server_that_does_not_answer_is_said_to_be_silent(
    cluster: Cluster, tmp_path: Path
) -> None:
    config = json.loads(cluster.kubeconfig.read_text())
    with socket.create_server(("127.0.0.1", 0)) as free:
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free.getsockname()[1]}"
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config))

    with (
        closing(Cluster(path, name="staging")) as lost,
        port_forward(lost, "any", "app", 80) as forward,
    ):
        trouble = _trouble(forward)

    assert isinstance(trouble, Unreachable)
