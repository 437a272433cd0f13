"""Which of several changes is suspected, by what Kubernetes says."""

from __future__ import annotations

from typing import Any

import pytest

from deploycharts.changes.compare import compare
from deploycharts.changes.model import Change, Op, show_path
from deploycharts.deployment.suspect import suspect
from deploycharts.deployment.symptoms import Trouble
from deploycharts.documents import Document, Json, ObjectKey, document
from deploycharts.target import Target

TARGET = Target("echo", "staging", "main")
KEY = ObjectKey("apps", "Deployment", "echo", "echo-main")


def _container(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": f"example/{name}:1", **more}


def _deployment(*containers: dict[str, Any], replicas: int = 2, **pod: Any) -> Document:
    spec: Json = {
        "replicas": replicas,
        "template": {"spec": {"containers": list(containers), **pod}},
    }
    metadata: Json = {"name": KEY.name, "namespace": "echo"}
    return document(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    )


def _object(kind: str, name: str, **body: Any) -> Document:
    metadata: Json = {"name": name, "namespace": "echo"}
    return document({"apiVersion": "v1", "kind": kind, "metadata": metadata, **body})


def _trouble(
    reason: str, message: str = "", *, container: str = "app", exit_code: int | None = None
) -> Trouble:
    pod = ObjectKey("", "Pod", "echo", "echo-main-1")
    return Trouble(TARGET, KEY, pod, container, reason, message, exit_code=exit_code)


def _suspect(
    trouble: Trouble, base: list[Document], head: list[Document], *said: str
) -> Change | None:
    return suspect(trouble, compare(TARGET, base, head).changes, documents=head, said=said)


def _path(change: Change | None) -> str:
    assert change is not None
    return f"{change.object.kind} {show_path(change.path)}"


def test_the_only_change_is_the_suspect_whatever_it_is() -> None:
    found = _suspect(
        _trouble("ErrImagePull"), [_deployment(_container("app"))],
        [_deployment(_container("app"), replicas=3)],
    )  # fmt: skip

    assert _path(found) == "Deployment spec.replicas"


def test_of_two_images_that_of_the_container_in_trouble_counts() -> None:
    base = [_deployment(_container("app"), _container("proxy"))]
    head = [_deployment(_container("app", image="a:2"), _container("proxy", image="p:2"))]

    found = _suspect(_trouble("ImagePullBackOff", container="proxy"), base, head)

    assert _path(found) == "Deployment spec.template.spec.containers[proxy].image"


_EVERYTHING = {
    "image": "example/app:2", "command": ["run"], "ports": [{"name": "http", "containerPort": 81}],
    "env": [{"name": "LEVEL", "value": "debug"}],
    "resources": {"requests": {"cpu": "4", "memory": "2Gi"}, "limits": {"memory": "2Gi"}},
    "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
    "livenessProbe": {"httpGet": {"path": "/alive", "port": "http"}},
    "securityContext": {"runAsUser": 0, "privileged": True},
}  # fmt: skip
_BEFORE = {
    "image": "example/app:1", "command": ["start"],
    "ports": [{"name": "http", "containerPort": 80}],
    "env": [{"name": "LEVEL", "value": "info"}],
    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
    "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
    "livenessProbe": {"httpGet": {"path": "/", "port": "http"}},
    "securityContext": {"runAsUser": 900, "privileged": False},
}  # fmt: skip
_CONTAINER = "Deployment spec.template.spec.containers[app]."


@pytest.mark.parametrize(
    ("trouble", "said", "field"),
    [
        (_trouble("ErrImagePull", "manifest unknown"), (), "image"),
        (_trouble("InvalidImageName"), (), "image"),
        (_trouble("RunContainerError", 'exec: "run": executable file not found in $PATH'), (),
         "command[0]"),
        (_trouble("CrashLoopBackOff", exit_code=127), (), "command[0]"),
        (_trouble("CrashLoopBackOff", exit_code=1), ("unknown level: LEVEL=debug",),
         "env[LEVEL].value"),
        (_trouble("CrashLoopBackOff", exit_code=143),
         ("Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 404",),
         "livenessProbe.httpGet.path"),
        (_trouble("NotReady", "containers with unready status: [app]"), (),
         "readinessProbe.httpGet.path"),
        (_trouble("NotReady"), ('Readiness probe failed: Get "http://10.0.0.1:81/ready": dial tcp '
          "10.0.0.1:81: connect: connection refused",), "ports[http].containerPort"),
        (_trouble("Unschedulable", "0/4 nodes are available: 4 Insufficient cpu.", container=""),
         (), "resources.requests.cpu"),
        (_trouble("Unschedulable", "0/4 nodes are available: 4 Insufficient memory.",
                  container=""), (), "resources.requests.memory"),
        (_trouble("FailedCreate", 'pods "x" is forbidden: exceeded quota: quota, requested: '
                  "limits.memory=2Gi,requests.cpu=4, used: limits.memory=3Gi,requests.cpu=1, "
                  "limited: limits.memory=4Gi,requests.cpu=8", container=""), (),
         "resources.limits.memory"),
        (_trouble("FailedCreate", 'pods "x" is forbidden: maximum cpu usage per Container is 2, '
                  "but request is 4", container=""), (), "resources.requests.cpu"),
        (_trouble("FailedCreate", 'pods "x" is forbidden: violates PodSecurity "restricted": '
                  'privileged (container "app" must not set securityContext.privileged=true)',
                  container=""), (), "securityContext.privileged"),
        (_trouble("CreateContainerConfigError", "container's runAsUser breaks non-root policy"),
         (), "securityContext.runAsUser"),
    ],
)  # fmt: skip
def test_a_trouble_points_at_its_field(trouble: Trouble, said: tuple[str, ...], field: str) -> None:
    base = [_deployment(_container("app", **_BEFORE))]
    head = [_deployment(_container("app", **_EVERYTHING), replicas=3)]

    assert _path(_suspect(trouble, base, head, *said)) == f"{_CONTAINER}{field}"


def test_running_out_of_memory_is_not_blamed_on_more_memory() -> None:
    base = [_deployment(_container("app", **_BEFORE))]
    head = [_deployment(_container("app", **_EVERYTHING))]

    found = _suspect(_trouble("OOMKilled", exit_code=137), base, head)

    assert found is not None
    assert "memory" not in _path(found)


def test_a_configuration_that_is_mounted_counts_and_another_does_not() -> None:
    volume = {"name": "files", "configMap": {"name": "echo-files"}}
    base = [
        _deployment(_container("app"), volumes=[volume]),
        _object("ConfigMap", "echo-files", data={"app.yaml": "workers: 1\nport: 80\n"}),
        _object("ConfigMap", "others", data={"app.yaml": "workers: 1\nport: 80\n"}),
    ]
    head = [
        _deployment(_container("app"), volumes=[volume], replicas=3),
        _object("ConfigMap", "others", data={"app.yaml": "workers: 2\nport: 80\n"}),
        _object("ConfigMap", "echo-files", data={"app.yaml": "workers: 3\nport: 80\n"}),
    ]

    found = _suspect(_trouble("CrashLoopBackOff", exit_code=1), base, head)

    assert found is not None
    assert found.object.name == "echo-files"


def test_an_object_that_is_missing_is_named_by_who_took_it_away() -> None:
    env = [{"secretRef": {"name": "echo-tokens"}}]
    base = [
        _deployment(_container("app", envFrom=env)),
        _object("Secret", "echo-tokens", stringData={"TOKEN": "<secret 1>"}),
    ]
    head = [_deployment(_container("app", envFrom=env, image="example/app:2"))]

    found = _suspect(
        _trouble("CreateContainerConfigError", 'secret "echo-tokens" not found'), base, head
    )

    assert found is not None
    assert (found.op, found.object.name) == (Op.REMOVE, "echo-tokens")


def test_a_field_that_cannot_be_changed_is_the_suspect_whatever_else_changes() -> None:
    def service(ip: str, port: int) -> Document:
        return _object("Service", "echo", spec={"clusterIP": ip, "ports": [{"port": port}]})

    said = 'Service "echo" is invalid: spec.clusterIP: Invalid value: "": field is immutable'

    found = _suspect(
        _trouble("Refused", said, container=""),
        [service("10.0.0.1", 80), _deployment(_container("app"))],
        [service("10.0.0.2", 81), _deployment(_container("app", image="example/app:2"))],
    )

    assert _path(found) == "Service spec.clusterIP"


def test_of_a_stateful_set_what_may_be_changed_is_no_suspect() -> None:
    def stateful_set(replicas: int, service: str) -> Document:
        spec: Json = {"replicas": replicas, "serviceName": service}
        return document({"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": spec,
                         "metadata": {"name": "db", "namespace": "echo"}})  # fmt: skip

    said = (
        'StatefulSet.apps "db" is invalid: spec: Forbidden: updates to statefulset spec for fields '
        "other than 'replicas', 'ordinals', 'template', 'updateStrategy' are forbidden"
    )

    found = _suspect(
        _trouble("Refused", said, container=""), [stateful_set(1, "a")], [stateful_set(2, "b")]
    )

    assert _path(found) == "StatefulSet spec.serviceName"


def test_a_field_that_another_owns_is_named_by_the_conflict() -> None:
    said = (
        "conflict occurred while applying object echo/echo-main apps/v1, Kind=Deployment: Apply "
        'failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas'
    )

    found = _suspect(
        _trouble("Refused", said, container=""), [_deployment(_container("app"))],
        [_deployment(_container("app", image="example/app:2"), replicas=4)],
    )  # fmt: skip

    assert _path(found) == "Deployment spec.replicas"


def test_where_a_program_reaches_nobody_a_closed_way_out_is_suspected() -> None:
    def policy(port: int) -> Document:
        return document({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "echo", "namespace": "echo"},
            "spec": {"egress": [{"ports": [{"port": port}]}]},
        })  # fmt: skip

    base = [_deployment(_container("app")), policy(5432)]
    head = [_deployment(_container("app"), replicas=3), policy(5433)]

    found = _suspect(
        _trouble("CrashLoopBackOff", exit_code=1), base, head,
        "fatal: cannot reach the database: dial tcp 10.2.0.7:5432: i/o timeout",
    )  # fmt: skip

    assert found is not None
    assert found.object.kind == "NetworkPolicy"


def test_a_new_container_s_own_field_is_named() -> None:
    base = [_deployment(_container("app"))]
    head = [_deployment(_container("app", image="example/app:2"), _container("proxy"))]

    found = _suspect(_trouble("ErrImagePull", container="proxy"), base, head)

    assert _path(found) == "Deployment spec.template.spec.containers[proxy].image"


def test_nothing_is_suspected_where_nothing_points_anywhere() -> None:
    labels = [_object("Service", "echo", spec={"type": kind, "x": kind}) for kind in ("a", "b")]

    assert _suspect(_trouble("CrashLoopBackOff"), labels[:1], labels[1:]) is None
