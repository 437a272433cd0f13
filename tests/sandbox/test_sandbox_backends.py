"""Pods that are backed by a real local process."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import websocket

from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.cluster.objects import Document, Objects, path
from deploycharts.sandbox.lifecycle import Sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.sandbox


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"really: " + self.path.encode())

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@pytest.fixture(scope="module")
def backend() -> Iterator[str]:
    """Where a real HTTP server listens."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def cluster(sandbox: Sandbox) -> Iterator[Cluster]:
    with closing(Cluster(sandbox.kubeconfig("codfw"), name="codfw")) as cluster:
        yield cluster


@pytest.fixture
def start(cluster: Cluster, namespace: Callable[[str], str]) -> Callable[[dict[str, str]], str]:
    """Makes a pod with annotations and its Service, and returns the path of the namespace."""
    name = namespace("codfw")
    objects = Objects(cluster)

    def make(annotations: dict[str, str]) -> str:
        metadata = {"name": "app", "namespace": name, "labels": {"app": "app"}}
        pod: Document = {"apiVersion": "v1", "kind": "Pod"}
        pod["metadata"] = metadata | {"annotations": annotations}
        pod["spec"] = {"containers": [{"name": "app", "image": "example/app:1"}]}
        service: Document = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
        ports = [{"name": "http", "port": 80, "targetPort": 8080}]
        service["spec"] = {"selector": {"app": "app"}, "ports": ports}
        objects.create("v1", "services", service)
        objects.create("v1", "pods", pod)
        wait_until(lambda: _is_served(objects, name))
        return path("v1", "namespaces", name=name)

    return make


def _is_served(objects: Objects, namespace: str) -> bool:
    endpoints = objects.get("v1", "endpoints", "app", namespace=namespace)
    return any(subset.get("addresses") for subset in (endpoints or {}).get("subsets") or ())


def test_port_forward_reaches_the_process(
    backend: str, start: Callable[[dict[str, str]], str], sandbox: Sandbox
) -> None:
    namespace = start({"sandbox.deploycharts/backend": backend})

    answer = forward(sandbox.kubeconfig("codfw"), f"{namespace}/pods/app", b"GET /healthz")

    assert b"200 OK" in answer
    assert answer.endswith(b"really: /healthz")


def test_the_api_server_reaches_it_through_pod_and_service(
    backend: str, start: Callable[[dict[str, str]], str], cluster: Cluster
) -> None:
    namespace = start({"sandbox.deploycharts/backend": backend})

    through_pod = cluster.text(f"{namespace}/pods/app:8080/proxy/ready")
    through_service = cluster.text(f"{namespace}/services/app:http/proxy/ready")

    assert through_pod == through_service == "really: /ready"


def test_a_pod_without_a_process_does_not_answer(
    start: Callable[[dict[str, str]], str], cluster: Cluster
) -> None:
    namespace = start({})

    with pytest.raises(ApiError, match="no process answers") as caught:
        cluster.text(f"{namespace}/pods/app:8080/proxy/")
    assert caught.value.status == 503


def forward(kubeconfig: Path, pod: str, request: bytes) -> bytes:
    """Send a request through a port-forward, as kubectl does, and return what comes back."""
    config = json.loads(kubeconfig.read_text())
    server = config["clusters"][0]["cluster"]["server"].replace("https://", "wss://")
    authority = kubeconfig.parents[2] / "pki" / "codfw" / "apiserver.crt"
    connection = websocket.create_connection(
        f"{server}{pod}/portforward?ports=8080",
        header=[f"Authorization: Bearer {config['users'][0]['user']['token']}"],
        subprotocols=["v4.channel.k8s.io"],
        sslopt={"context": ssl.create_default_context(cafile=authority)},
        timeout=10,
    )
    with closing(connection):
        connection.send_binary(b"\0" + request + b" HTTP/1.0\r\n\r\n")
        received = b""
        while b"really:" not in received:
            message = connection.recv()
            assert isinstance(message, bytes)
            received += message[1:] if message[:1] == b"\0" else b""
    return received
