"""Pods in trouble, during a roll-out and during a bake: which container, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deploycharts.cluster.objects import Objects
from tests.deployment.matrix_builders import pod_spec, put, require_back, require_next_works, take
from tests.services import Deployable, Make
from tests.waiting import wait_until

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]

ObjectsOf = Callable[[str], Objects]
FAULT = "sandbox.deploycharts/fault"
CONTAINER = "sandbox.deploycharts/container"


def _team(fault: str, container: str) -> dict[str, Any]:
    """A Deployment with an init container, an app and a sidecar, of which one is at fault."""
    spec = {**pod_spec("app"), "restartPolicy": "Always"}
    one = spec["containers"][0]
    spec["initContainers"] = [{**one, "name": "prepare"}]
    spec["containers"] = [one, {**one, "name": "sidecar"}]
    labels = {"app": "team"}
    annotations = {FAULT: fault, CONTAINER: container}
    template = {"metadata": {"labels": labels, "annotations": annotations}, "spec": spec}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "team"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "container", "told"),
    [
        ("init-crash", "prepare", "exit code 1"),
        ("crash", "sidecar", "exit code 1"),
        ("oom", "sidecar", "OOMKilled, exit code 137"),
        ("image-pull", "sidecar", "ImagePullBackOff"),
    ],
)
def test_of_several_containers_the_one_at_fault_is_named(
    make: Make, fault: str, container: str, told: str
) -> None:
    service = make("staging")
    service.deploy("staging")
    put(service, _team(fault, container), only="canary")

    failed = service.deploy("staging")

    reason = next(line for line in failed.err.splitlines() if line.startswith("  reason"))
    assert "Pod/team-canary-" in reason
    assert f"container {container}: " in reason
    require_back(service, failed, told)
    take(service, "team")
    require_next_works(service)


def test_pods_that_are_slow_within_their_probes_time_are_waited_for(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    ready_after = {"sandbox.deploycharts/ready-after": "6s"}
    service.annotate("values-staging.yaml", **ready_after)

    ended = service.deploy("staging")

    assert ended.code == 0, ended.err
    assert service.history("staging", "main")[-1] == (2, "deployed")


@pytest.mark.parametrize(
    ("fault", "told"), [("crash", "exit code 1"), ("image-pull", "ImagePullBackOff")]
)
def test_what_breaks_in_a_bake_ends_it(
    make: Make, objects: ObjectsOf, fault: str, told: str
) -> None:
    service = make("staging")
    service.deploy("staging")
    service.say(gates={"bakeSeconds": 60})
    service.greet("good day")
    process = service.start("staging")
    wait_until(lambda: _bakes(service))
    staging = objects("staging")
    labels = "app.kubernetes.io/instance=canary"
    change = {"metadata": {"annotations": {FAULT: fault}}}
    for pod in staging.list("v1", "pods", namespace=service.name, labels=labels):
        staging.patch("v1", "pods", pod["metadata"]["name"], change, namespace=service.name)
    _, err = process.communicate()

    assert process.returncode == 6, err
    assert "container app: " in err
    assert told in err
    assert service.history("staging", "main") == [(1, "deployed")]
    service.say(gates={})
    require_next_works(service)


def _bakes(service: Deployable) -> bool:
    journals = service.root / ".journals"
    told = "".join(path.read_text() for path in journals.iterdir())
    return '"gate": "bake"' in told or '"gate":"bake"' in told
