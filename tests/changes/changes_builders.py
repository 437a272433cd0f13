"""Objects as charts render them."""

from __future__ import annotations

import copy
from typing import Any

from deploycharts.documents import Document, document
from deploycharts.target import Target

TARGET = Target("echo", "codfw", "main")
Body = dict[str, Any]


def target(environment: str = "codfw", service: str = "echo", release: str = "main") -> Target:
    return Target(service, environment, release)


def documents(*bodies: Body, namespace: str = "echo") -> tuple[Document, ...]:
    return tuple(document(copy.deepcopy(body), namespace=namespace) for body in bodies)


def changed(body: Body, path: str, value: Any) -> Body:
    """A copy of `body` with the value at a dotted path (numbers index lists) replaced."""
    result = copy.deepcopy(body)
    *parents, last = path.split("/")
    place: Any = result
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    place[int(last) if isinstance(place, list) else last] = value
    return result


def without(body: Body, path: str) -> Body:
    result = copy.deepcopy(body)
    *parents, last = path.split("/")
    place: Any = result
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    del place[int(last) if isinstance(place, list) else last]
    return result


def deployment(name: str = "echo-main", **spec: Any) -> Body:
    labels = {"app.kubernetes.io/name": "echo", "app.kubernetes.io/instance": "main"}
    container = {
        "name": "echo",
        "image": "registry.example/echo:1.2.3",
        "args": ["--listen", ":8080", "--verbose"],
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1"}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/echo"}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {**labels, "helm.sh/chart": "echo-0.1.0"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {"checksum/config": "aaaa"}},
                "spec": {
                    "containers": [container],
                    "volumes": [{"name": "config", "configMap": {"name": "echo-config"}}],
                },
            },
            **spec,
        },
    }


CONTAINER = "spec/template/spec/containers/0"


def config_map(name: str = "echo-config", **data: str) -> Body:
    values = data or {"app.yaml": "port: 8080\nupstreams:\n- name: a\n  timeout: 5\n"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"helm.sh/chart": "echo-0.1.0"}},
        "data": values,
    }


def service(name: str = "echo-main", **spec: Any) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "selector": {"app.kubernetes.io/instance": "main"},
            "ports": [
                {"name": "http", "port": 80, "targetPort": 8080},
                {"name": "metrics", "port": 9102, "targetPort": 9102},
            ],
            **spec,
        },
    }


def network_policy(name: str = "echo-main", **spec: Any) -> Body:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/instance": "main"}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"ports": [{"port": 8080}]}],
            "egress": [
                {"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}], "ports": [{"port": 443}]},
                {"to": [{"ipBlock": {"cidr": "10.0.0.2/32"}}], "ports": [{"port": 3306}]},
            ],
            **spec,
        },
    }


def secret(name: str = "echo-secret", **data: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": data or {"password": "correct-horse"},
    }
