"""A service whose namespace is being deleted, and cannot go: something in it is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import yaml

from deploycharts.cluster.objects import Objects
from tests.deployment.matrix_builders import NOT_A_REASON
from tests.services import Deployable, Make
from tests.waiting import wait_until

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]

ObjectsOf = Callable[[str], Objects]
FINALIZER = "example.org/backup"


@pytest.fixture
def ending(make: Make, objects: ObjectsOf) -> Iterator[Deployable]:
    """A deployed service whose namespace is being deleted, and waits for a finalizer."""
    service, admin = make("staging"), objects("staging")
    assert service.deploy("staging").code == 0
    service.greet("good day")
    metadata = {"name": "held", "namespace": service.name, "finalizers": [FINALIZER]}
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    admin.create("v1", "configmaps", held)
    admin.delete("v1", "namespaces", service.name)
    yield service
    free = {"metadata": {"finalizers": None}}
    admin.patch("v1", "configmaps", "held", free, namespace=service.name)


def test_nothing_is_begun_while_it_is_cleared(ending: Deployable) -> None:
    refused = ending.deploy("staging")

    assert refused.code in {1, 4}, refused.err
    assert ending.name in refused.err
    assert "deploy cluster staging" in refused.err
    for words in NOT_A_REASON:
        assert words not in refused.err


def test_what_holds_it_up_is_said(ending: Deployable, objects: ObjectsOf) -> None:
    _wait_for_all_else_to_be_gone(ending, objects)
    _use_credentials_from_elsewhere(ending)

    refused = ending.deploy("staging")
    looked = ending.deploy("diff", "staging")

    assert refused.code == 4
    namespace = f"the namespace {ending.name} is being deleted"
    assert f"{namespace} since 20" in refused.err
    assert "Some resources are remaining: configmaps. has 1 resource instances" in refused.err
    assert f"finalizers remaining: {FINALIZER} in 1 resource instances" in refused.err
    assert "deploy cluster staging" in refused.err
    assert looked.code == 0
    assert f"will be refused: staging {ending.name}/main: " in looked.err
    assert namespace in looked.err


def test_credentials_that_ended_with_it_are_told(ending: Deployable, objects: ObjectsOf) -> None:
    _wait_for_all_else_to_be_gone(ending, objects)

    refused = ending.deploy("staging")

    assert refused.code == 1
    assert "a service's credentials are made with its namespace and end with it" in refused.err
    assert "deploy cluster staging --diff" in refused.err


def _wait_for_all_else_to_be_gone(service: Deployable, objects: ObjectsOf) -> None:
    wait_until(lambda: FINALIZER in str(objects("staging").get("v1", "namespaces", service.name)))


def _use_credentials_from_elsewhere(service: Deployable) -> None:
    """Those of a person, say: they do not go with the namespace."""
    path = service.root / "helmfile.d" / "environments.yaml"
    body = yaml.safe_load(path.read_text())
    facts = body["environments"]["staging"]["values"][0]
    facts["kubeconfig"] = facts["adminKubeconfig"]
    path.write_text(yaml.safe_dump(body))
