"""What each cluster of the sandbox says and has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.cluster.objects import Objects, path
from deploycharts.sandbox.environments import ENVIRONMENTS, SandboxEnvironment
from deploycharts.sandbox.lifecycle import Sandbox

pytestmark = pytest.mark.sandbox

each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda each: each.name)


@each_environment
def test_nodes_are_ready_in_two_zones(
    environment: SandboxEnvironment, objects: Callable[[str], Objects]
) -> None:
    nodes = objects(environment.name).list("v1", "nodes")

    labels = [node["metadata"]["labels"] for node in nodes]
    assert {each["topology.kubernetes.io/zone"] for each in labels} == set(environment.zones)
    assert len(nodes) == len(environment.nodes)


@each_environment
def test_a_cluster_says_which_environment_it_is_to_everybody_who_may_log_in(
    environment: SandboxEnvironment, sandbox: Sandbox, objects: Callable[[str], Objects]
) -> None:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {},
        "spec": {
            "user": "somebody",
            "groups": ["system:authenticated"],
            "resourceAttributes": {
                "namespace": "kube-public",
                "verb": "get",
                "resource": "configmaps",
                "name": "deploycharts-environment",
            },
        },
    }
    api = "authorization.k8s.io/v1"
    answer = objects(environment.name).create(api, "subjectaccessreviews", review)
    assert answer["status"]["allowed"]

    cluster = Cluster(sandbox.kubeconfig(environment.name), name=environment.name)
    cluster.require_environment(environment.name)
    cluster.close()


def test_what_is_not_granted_is_refused(
    sandbox: Sandbox, objects: Callable[[str], Objects]
) -> None:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {},
        "spec": {
            "user": "somebody",
            "groups": ["system:authenticated"],
            "resourceAttributes": {"namespace": "default", "verb": "get", "resource": "secrets"},
        },
    }
    api = "authorization.k8s.io/v1"
    assert not objects("eqiad").create(api, "subjectaccessreviews", review)["status"]["allowed"]


def test_objects_are_made_changed_found_and_deleted(
    objects: Callable[[str], Objects], namespace: Callable[[str], str]
) -> None:
    there, name = objects("eqiad"), namespace("eqiad")
    metadata = {"name": "one", "namespace": name, "labels": {"of": "test"}}
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}

    assert there.get("v1", "configmaps", "one", namespace=name) is None
    there.apply("v1", "configmaps", document, manager="test")
    there.patch("v1", "configmaps", "one", {"data": {"b": "2"}}, namespace=name)
    found = there.list("v1", "configmaps", namespace=name, labels="of=test")
    assert [each["data"] for each in found] == [{"a": "1", "b": "2"}]
    with pytest.raises(ApiError) as caught:
        there.create("v1", "configmaps", document)
    assert caught.value.status == 409

    assert there.delete("v1", "configmaps", "one", namespace=name)
    assert not there.delete("v1", "configmaps", "one", namespace=name)


def test_paths_are_those_of_kubernetes() -> None:
    assert path("v1", "nodes") == "/api/v1/nodes"
    assert path("apps/v1", "deployments", "web", "main") == (
        "/apis/apps/v1/namespaces/web/deployments/main"
    )
