"""A dry run of a release's objects on real control planes."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from deploycharts.cluster import releases
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.objects import Objects
from deploycharts.deployment import refusals
from deploycharts.deployment.refusals import Owner, Refusal, RefusalKind
from deploycharts.documents import Document, document
from deploycharts.sandbox.lifecycle import Sandbox
from tests.deployment.test_deployment_drift_live import connected, edit, variable
from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]

ObjectsOf = Callable[[str], Objects]
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def service(make: Make) -> Deployable:
    """A service whose releases run in staging."""
    made = make("staging")
    ended = made.deploy("staging")
    assert ended.code == 0, ended.err
    return made


def _preview(
    service: Deployable, kind: str = "", change: Change = lambda body: None,
    *more: Document, release: str = "main", server_side: bool = True,
) -> list[Refusal]:  # fmt: skip
    """The refusals of main's objects, those of a kind changed."""
    with connected(service) as cluster:
        good = releases.baseline(releases.revisions(cluster, service.name, "main")).good
        assert good is not None
        head = []
        for each in good.documents():
            body: dict[str, Any] = deepcopy(dict(each.body))
            if each.key.kind == kind:
                change(body)
            head.append(document(body, namespace=service.name))
        return list(
            refusals.preview(
                cluster, [*head, *more], server_side=server_side, mask=lambda text: text,
                owner=Owner(service.name, release),
            )
        )  # fmt: skip


def _container(body: dict[str, Any]) -> dict[str, Any]:
    found = body["spec"]["template"]["spec"]["containers"][0]
    assert isinstance(found, dict)
    return found


def test_what_runs_would_be_taken_again_and_nothing_changes(service: Deployable) -> None:
    with connected(service) as cluster:
        path = f"/apis/apps/v1/namespaces/{service.name}/deployments"
        before = [each["metadata"]["resourceVersion"] for each in cluster.items(path)]

        found = _preview(service)

        assert found == []
        assert [each["metadata"]["resourceVersion"] for each in cluster.items(path)] == before
        newest = releases.baseline(releases.revisions(cluster, service.name, "main"))
        assert newest.server_side


def test_a_manual_edit_is_a_conflict_unless_helm_applies_client_side(service: Deployable) -> None:
    edit(service, variable("GREETING", "by hand"))

    (found,) = _preview(service)

    assert (found.kind, found.manager) == (RefusalKind.CONFLICT, "kubectl-edit")
    assert found.fields == ("spec.template.spec.containers[app].env[GREETING].value",)
    assert found.at
    assert _preview(service, server_side=False) == []


def test_immutable_fields_wrong_types_and_unknown_fields(service: Deployable) -> None:
    def other_selector(body: dict[str, Any]) -> None:
        body["spec"]["selector"]["matchLabels"]["x"] = "y"
        body["spec"]["template"]["metadata"]["labels"]["x"] = "y"

    (fixed,) = _preview(service, "Deployment", other_selector)
    (typed,) = _preview(service, "Deployment", lambda body: body["spec"].update(replicas="two"))
    (unknown,) = _preview(service, "Pod", lambda body: body["spec"].update(bogus=1))

    assert (fixed.kind, fixed.fields) == (RefusalKind.IMMUTABLE, ("spec.selector",))
    assert (typed.kind, typed.fields) == (RefusalKind.SCHEMA, ("spec.replicas",))
    assert (unknown.object.kind, unknown.fields) == ("Pod", ("spec.bogus",))


def test_pods_are_held_against_the_rules_for_pods(service: Deployable) -> None:
    def privileged(body: dict[str, Any]) -> None:
        _container(body)["securityContext"] = {"privileged": True}

    (found,) = _preview(service, "Deployment", privileged)

    assert found.object.kind == "Deployment"
    assert found.kind is RefusalKind.POD_SECURITY
    assert 'violates PodSecurity "restricted:latest": privileged' in found.message


def test_a_stateful_set_is_tried_with_its_claims(service: Deployable) -> None:
    labels: dict[str, Any] = {"app": "store"}
    pod: dict[str, Any] = {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "store",
                "image": "registry.example.org/store:1",
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }
    claim: dict[str, Any] = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    store = document(
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "store"},
            "spec": {
                "serviceName": "store",
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
                "volumeClaimTemplates": [claim],
            },
        },
        namespace=service.name,
    )

    assert _preview(service, "", lambda body: None, store) == []


def test_kinds_without_a_definition_and_objects_of_others(
    service: Deployable, objects: ObjectsOf
) -> None:
    api = "example.org/v1"
    wish = document(
        {"apiVersion": api, "kind": "Wish", "metadata": {"name": "x"}}, namespace=service.name
    )
    metadata = {"name": "mine", "namespace": service.name}
    by_hand: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    objects("staging").create("v1", "configmaps", by_hand)
    mine = document({**by_hand, "data": {}})

    found = _preview(service, "", lambda body: None, wish, mine)
    of_another = _preview(service, release="canary")

    assert [(str(each.object), each.kind) for each in found] == [
        ("Wish/x", RefusalKind.NOT_SERVED),
        ("ConfigMap/mine", RefusalKind.TAKEN),
    ]
    assert {each.kind for each in of_another} == {RefusalKind.TAKEN}
    assert f"belongs to the release {service.name}/main" in of_another[0].message


def test_a_missing_namespace_is_told_once(sandbox: Sandbox) -> None:
    maps = [
        document(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}},
            namespace="nowhere-at-all",
        )
        for name in ("a", "b")
    ]
    administrators = Cluster(sandbox.kubeconfig("staging"), name="staging")

    (found,) = refusals.preview(administrators, maps, server_side=True, mask=lambda text: text)

    administrators.close()
    assert found.kind is RefusalKind.NAMESPACE
    assert found.message == "the namespace nowhere-at-all does not exist; `deploy cluster` makes it"
