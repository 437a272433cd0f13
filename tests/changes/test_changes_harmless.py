"""Refactorings that change nothing, and look-alikes that do change something."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploycharts.changes.compare import compare
from deploycharts.changes.consequences import consequences
from deploycharts.changes.model import ConsequenceKind
from deploycharts.documents import parse_manifest
from tests.changes.changes_builders import (
    CONTAINER,
    TARGET,
    Body,
    changed,
    config_map,
    deployment,
    documents,
    network_policy,
    service,
    without,
)

HPA: Body = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "echo"},
    "spec": {"minReplicas": 1, "metrics": [{"resource": {"averageValue": "500Mi"}}]},
}
ROLE: Body = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "echo"},
    "rules": [
        {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
    ],
}
CERTIFICATE: Body = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "Certificate",
    "metadata": {"name": "echo"},
    "spec": {"duration": "2160h", "dnsNames": ["a.example", "b.example"]},
}


def annotated(text: str) -> Body:
    return changed(service(), "metadata", {"name": "echo-main", "annotations": {"routes": text}})


def moved_keys(body: Any) -> Any:
    if isinstance(body, dict):
        return {name: moved_keys(body[name]) for name in reversed(body)}
    return [moved_keys(item) for item in body] if isinstance(body, list) else body


NETWORK = network_policy()
PORTS = service()["spec"]["ports"]
HARMLESS: dict[str, tuple[Body, Body]] = {
    "moved keys": (deployment(), moved_keys(deployment())),
    "a quantity in other units": (
        changed(deployment(), f"{CONTAINER}/resources/limits/cpu", "1000m"),
        changed(deployment(), f"{CONTAINER}/resources/limits/cpu", 1),
    ),
    "a quantity in other multiples": (
        changed(deployment(), f"{CONTAINER}/resources/requests/memory", "1Gi"),
        changed(deployment(), f"{CONTAINER}/resources/requests/memory", "1024Mi"),
    ),
    "a quoted quantity": (
        changed(deployment(), f"{CONTAINER}/resources/limits/cpu", 1),
        changed(deployment(), f"{CONTAINER}/resources/limits/cpu", "1"),
    ),
    "a quoted port": (
        service(),
        changed(service(), "spec/ports/0/targetPort", "8080"),
    ),
    "a default protocol": (service(), changed(service(), "spec/ports/0/protocol", "TCP")),
    "a default type of service": (service(), service(type="ClusterIP")),
    "a default of a probe": (
        deployment(),
        changed(deployment(), f"{CONTAINER}/readinessProbe/periodSeconds", 10),
    ),
    "a default strategy": (deployment(), deployment(strategy={"type": "RollingUpdate"})),
    "the default number of pods": (
        deployment(replicas=1),
        without(deployment(), "spec/replicas"),
    ),
    "null instead of nothing": (
        deployment(),
        changed(deployment(), "spec/template/spec/nodeSelector", None),
    ),
    "an empty map instead of nothing": (
        deployment(),
        changed(deployment(), "spec/template/spec/nodeSelector", {}),
    ),
    "reordered ports of a service": (service(), service(ports=PORTS[::-1])),
    "reordered rules of a network policy": (
        NETWORK,
        network_policy(egress=NETWORK["spec"]["egress"][::-1]),
    ),
    "reordered verbs and rules of a role": (
        ROLE,
        changed(
            changed(ROLE, "rules/0/verbs", ["list", "get"]),
            "rules",
            [ROLE["rules"][1], {**ROLE["rules"][0], "verbs": ["list", "get"]}],
        ),
    ),
    "a reformatted YAML document in a ConfigMap": (
        config_map(**{"app.yaml": "port: 8080\nlist:\n- a\n- b\n"}),
        config_map(**{"app.yaml": "# the port\nlist: [a, 'b']\nport: 8080\n"}),
    ),
    "an anchor in a YAML document in a ConfigMap": (
        config_map(**{"app.yaml": "a: {x: 1}\nb: {x: 1}\n"}),
        config_map(**{"app.yaml": "a: &it {x: 1}\nb: *it\n"}),
    ),
    "a reformatted JSON document in a ConfigMap": (
        config_map(**{"app.json": json.dumps({"a": [1, 2], "b": True})}),
        config_map(**{"app.json": json.dumps({"b": True, "a": [1, 2]}, indent=2)}),
    ),
    "a reformatted JSON document in an annotation": (
        annotated('[{"path":"/","port":80}]'),
        annotated('[ {"port": 80, "path": "/"} ]'),
    ),
    "a duration in other units": (
        CERTIFICATE,
        changed(CERTIFICATE, "spec/duration", "90d"),
    ),
    "reordered names of a certificate": (
        CERTIFICATE,
        changed(CERTIFICATE, "spec/dnsNames", ["b.example", "a.example"]),
    ),
    "an autoscaler's default and quantity": (
        HPA,
        changed(
            without(HPA, "spec/minReplicas"),
            "spec/metrics/0/resource/averageValue",
            str(500 * 1024**2),
        ),
    ),
    "the release's namespace written out": (
        service(),
        changed(service(), "metadata", {"name": "echo-main", "namespace": "echo"}),
    ),
    "a new chart version": (
        deployment(),
        changed(
            deployment(),
            "metadata/labels",
            {**deployment()["metadata"]["labels"], "helm.sh/chart": "echo-0.2.0"},
        ),
    ),
}

HARMFUL: dict[str, tuple[Body, Body]] = {
    "an environment variable that looks like a quantity": (
        changed(deployment(), f"{CONTAINER}/env/0/value", "1000m"),
        changed(deployment(), f"{CONTAINER}/env/0/value", "1"),
    ),
    "reordered arguments": (
        changed(deployment(), f"{CONTAINER}/args", ["-a", "-b"]),
        changed(deployment(), f"{CONTAINER}/args", ["-b", "-a"]),
    ),
    "true and 1": (
        changed(service(), "spec/publishNotReadyAddresses", True),
        changed(service(), "spec/publishNotReadyAddresses", 1),
    ),
    "reordered variables that refer to each other": (
        changed(deployment(), f"{CONTAINER}/env", [
            {"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}]),
        changed(deployment(), f"{CONTAINER}/env", [
            {"name": "B", "value": "$(A)"}, {"name": "A", "value": "1"}]),
    ),
    "yes plain and quoted in a document that anyone may read": (
        config_map(**{"app.yaml": "a: yes\nb: 1\n"}),
        config_map(**{"app.yaml": "a: 'yes'\nb: 1\n"}),
    ),
    "a number that became a text in a document": (
        config_map(**{"app.yaml": "a: 1\nb: 1\n"}),
        config_map(**{"app.yaml": "a: '1'\nb: 1\n"}),
    ),
    "reordered items in a document": (
        config_map(**{"app.yaml": "filters:\n- name: a\n- name: b\n"}),
        config_map(**{"app.yaml": "filters:\n- name: b\n- name: a\n"}),
    ),
    "a comment in a script": (
        config_map(**{"run.sh": "a: 1\nb: 2\n"}),
        config_map(**{"run.sh": "# hello\na: 1\nb: 2\n"}),
    ),
    "an empty list of egress rules, which closes": (
        without(network_policy(), "spec/egress"),
        network_policy(egress=[{}]),
    ),
    "an empty directory": (
        changed(deployment(), "spec/template/spec/volumes/0", {"name": "config", "emptyDir": {}}),
        changed(deployment(), "spec/template/spec/volumes/0", {"name": "config"}),
    ),
    "an empty affinity, for which Kubernetes makes new pods": (
        deployment(),
        changed(deployment(), "spec/template/spec/affinity", {}),
    ),
    "an optional that is written out, for which it makes new pods too": (
        deployment(),
        changed(deployment(), "spec/template/spec/volumes/0/configMap/optional", False),
    ),
    "the version label in a pod template": (
        changed(deployment(), "spec/template/metadata/labels", {"helm.sh/chart": "a-1"}),
        changed(deployment(), "spec/template/metadata/labels", {"helm.sh/chart": "a-2"}),
    ),
}  # fmt: skip


def effects(base: Body, head: Body) -> set[ConsequenceKind]:
    before, after = documents(base), documents(head)
    found = consequences(compare(TARGET, before, after), before, after)
    return {each.kind for each in found}


@pytest.mark.parametrize("refactoring", HARMLESS)
def test_harmless_refactorings_have_no_effect(refactoring: str) -> None:
    base, head = HARMLESS[refactoring]
    assert effects(base, head) == {ConsequenceKind.NO_EFFECT}
    assert effects(head, base) == {ConsequenceKind.NO_EFFECT}


@pytest.mark.parametrize("change", HARMFUL)
def test_look_alikes_are_changes(change: str) -> None:
    base, head = HARMFUL[change]
    assert ConsequenceKind.NO_EFFECT not in effects(base, head)
    assert ConsequenceKind.NO_EFFECT not in effects(head, base)


def test_comments_anchors_and_quotes_of_the_manifest_itself_are_not_seen() -> None:
    plain = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {x: {p: 1}, y: {p: 1}}\n"
    fancy = (
        "# Source: a/b.yaml\n# a comment\nkind: 'Service'\napiVersion: \"v1\"\n"
        "metadata:\n  name: a\nspec:\n  x: &same\n    p: 0x1\n  y: *same\n"
    )
    assert compare(TARGET, parse_manifest(plain), parse_manifest(fancy)).is_empty
