"""What only time shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from deploycharts.cluster.objects import Objects
from tests.waiting import wait_until

HOUR_S = 3600


@pytest.mark.sandbox
@pytest.mark.soak
@pytest.mark.timeout(HOUR_S + 300)
def test_pods_stay_ready_for_an_hour(
    objects: Callable[[str], Objects], namespace: Callable[[str], str]
) -> None:
    there, name = objects("codfw"), namespace("codfw")
    labels = {"app": "lasting"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "app", "image": "example/app:1"}]},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "lasting", "namespace": name},
        "spec": {"replicas": 20, "selector": {"matchLabels": labels}, "template": template},
    }
    there.create("apps/v1", "deployments", deployment)

    def ready_since() -> list[tuple[str, str]]:
        pods = there.list("v1", "pods", namespace=name)
        return sorted(since for pod in pods if (since := _ready_since(pod)))

    wait_until(lambda: len(ready_since()) == 20)
    at_first = ready_since()
    end = time.monotonic() + HOUR_S
    while time.monotonic() < end:
        time.sleep(30)
        assert ready_since() == at_first


def _ready_since(pod: dict[str, Any]) -> tuple[str, str] | None:
    for condition in pod["status"].get("conditions", []):
        if condition["type"] == "Ready" and condition["status"] == "True":
            return pod["metadata"]["name"], condition["lastTransitionTime"]
    return None
