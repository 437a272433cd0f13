"""What `sandbox up` puts into each cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deploycharts.cluster.objects import Document, Objects
from deploycharts.sandbox.environments import Node, SandboxEnvironment

MANAGER = "deploycharts-sandbox"
PROBE_NAMESPACE = "sandbox-probe"
_IDENTITY = "deploycharts-environment"
_RBAC = "rbac.authorization.k8s.io/v1"
_MAX_PODS = "250"
_DISK = "400Gi"


def install(objects: Objects, environment: SandboxEnvironment) -> bool:
    """Make or renew the contents of a cluster, the nodes included; then it is done."""
    for api, plural, document in _documents(environment):
        objects.apply(api, plural, document, manager=MANAGER)
    for node in environment.nodes:
        objects.apply("v1", "nodes", _node(node), manager=MANAGER)
        size = {
            "cpu": node.cpu, "memory": node.memory, "pods": _MAX_PODS, "ephemeral-storage": _DISK,
        }  # fmt: skip
        status = {"status": {"capacity": size, "allocatable": size}}
        objects.patch("v1", "nodes", node.name, status, subresource="status")
    return True


def release_nodes(objects: Objects) -> bool:
    """Drop the claims of the last kwok, for which a new one would wait; then it is done."""
    objects.delete_all("coordination.k8s.io/v1", "leases", namespace="kube-node-lease")
    return True


def are_nodes_ready(objects: Objects, environment: SandboxEnvironment) -> bool:
    """Whether all nodes take pods."""
    ready = {node["metadata"]["name"] for node in objects.list("v1", "nodes") if _is_ready(node)}
    return ready >= {node.name for node in environment.nodes}


def start_probe(objects: Objects, name: str) -> bool:
    """Ask for a pod as services do, which takes all parts of a cluster; then it is done."""
    labels = {"app.kubernetes.io/name": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "probe", "image": "sandbox/probe:1"}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": name, "namespace": PROBE_NAMESPACE}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    objects.apply("apps/v1", "deployments", deployment, manager=MANAGER)
    return True


def is_probe_ready(objects: Objects, name: str) -> bool:
    """Whether the pod of the probe is ready."""
    probe = objects.get("apps/v1", "deployments", name, namespace=PROBE_NAMESPACE)
    return bool(probe and probe.get("status", {}).get("readyReplicas"))


def remove_probes(objects: Objects) -> bool:
    """Remove all probes, those of interrupted starts included; then it is done."""
    objects.delete_all("apps/v1", "deployments", namespace=PROBE_NAMESPACE)
    return True


def _documents(environment: SandboxEnvironment) -> Iterator[tuple[str, str, Document]]:
    yield "apiextensions.k8s.io/v1", "customresourcedefinitions", _kwok_kind("logs", "Logs")
    yield (
        "apiextensions.k8s.io/v1", "customresourcedefinitions",
        _kwok_kind("portforwards", "PortForward"),
    )  # fmt: skip
    yield "v1", "configmaps", {
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": _IDENTITY, "namespace": "kube-public"},
        "data": {"environment": environment.name},
    }  # fmt: skip
    yield _RBAC, "roles", {
        "apiVersion": _RBAC, "kind": "Role",
        "metadata": {"name": _IDENTITY, "namespace": "kube-public"},
        "rules": [
            {
                "apiGroups": [""], "resources": ["configmaps"],
                "resourceNames": [_IDENTITY], "verbs": ["get"],
            }
        ],
    }  # fmt: skip
    yield _RBAC, "rolebindings", {
        "apiVersion": _RBAC, "kind": "RoleBinding",
        "metadata": {"name": _IDENTITY, "namespace": "kube-public"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": _IDENTITY},
        "subjects": [
            {
                "apiGroup": "rbac.authorization.k8s.io", "kind": "Group",
                "name": "system:authenticated",
            }
        ],
    }  # fmt: skip
    yield "storage.k8s.io/v1", "storageclasses", {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {
            "name": "standard",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "sandbox.deploycharts/volume",
        "volumeBindingMode": "Immediate",
    }  # fmt: skip
    yield "v1", "namespaces", {
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PROBE_NAMESPACE},
    }  # fmt: skip


def _kwok_kind(plural: str, kind: str) -> Document:
    """The definition of a kind through which stages tell kwok what a pod logs and answers."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    version = {
        "name": "v1alpha1", "served": True, "storage": True,
        "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}},
    }  # fmt: skip
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.kwok.x-k8s.io"},
        "spec": {
            "group": "kwok.x-k8s.io", "scope": "Namespaced", "names": names,
            "versions": [version],
        },
    }  # fmt: skip


def _node(node: Node) -> Document:
    labels = {
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node-role.kubernetes.io/worker": "",
        "topology.kubernetes.io/region": node.region,
        "topology.kubernetes.io/zone": node.zone,
    }
    metadata = {"name": node.name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata}


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return is_ready and not node["spec"].get("taints")
