"""Items of one key in lists that Kubernetes keeps by key."""

from __future__ import annotations

from deploycharts.deployment.duplicates import find
from deploycharts.documents import Document, document
from tests.deployment.live_builders import parsed

WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo}
spec:
  template:
    spec:
      containers:
        - name: app
          env:
            - {name: LEVEL, value: info}
            - {name: OTHER, value: "1"}
            - {name: LEVEL, value: debug}
          ports:
            - {containerPort: 53, protocol: UDP}
            - {containerPort: 53, protocol: TCP}
            - {containerPort: 8080}
            - {containerPort: 8080, protocol: TCP, name: web}
        - name: helper
          env: [{name: LEVEL, value: info}]
      volumes: [{name: tmp, emptyDir: {}}, {name: tmp, emptyDir: {}}]
"""


def _service(ports: str) -> Document:
    return parsed("{apiVersion: v1, kind: Service, metadata: {name: dns}, spec: {PORTS}}".replace(
        "PORTS", ports
    ))  # fmt: skip


def test_each_duplicate_is_named_with_its_container() -> None:
    found = [str(each) for each in find([parsed(WORKLOAD)])]

    assert found == [
        "the volume tmp is there twice",
        "container app: the variable LEVEL is there twice",
        "container app: the port 8080/TCP is there twice",
    ]


def test_a_port_of_two_protocols_is_no_duplicate() -> None:
    ports = "ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]"
    service = _service(ports)

    assert find([service]) == ()


def test_objects_in_lists_and_those_without_pods_count_too() -> None:
    ports = "ports: [{port: 53}, {port: 53, protocol: TCP}]"
    service = _service(ports)
    many = document({"apiVersion": "v1", "kind": "List", "items": [dict(service.body)]})

    (found,) = find([many])

    assert str(found) == "the port 53/TCP is there twice"
    assert (found.object.kind, found.object.name, found.name) == ("Service", "dns", "53")
