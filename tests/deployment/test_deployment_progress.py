"""How far a roll-out is, as it is told while it runs on a real cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deployment.matrix_builders import pod_spec, put
from tests.services import Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]


def _worker(word: str) -> dict[str, Any]:
    """A second Deployment; another word makes its pods anew, which takes a while."""
    labels = {"app": "worker"}
    template = {
        "metadata": {"labels": labels, "annotations": {"word": word}},
        "spec": {**pod_spec("app"), "restartPolicy": "Always"},
    }
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "worker"},
        "spec": {"selector": {"matchLabels": labels}, "template": template, "minReadySeconds": 2},
    }  # fmt: skip


def test_each_workload_of_a_release_is_followed_from_its_old_pods_to_its_new_ones(
    make: Make,
) -> None:
    service = make("staging")
    put(service, _worker("one"), only="canary")
    service.deploy("staging")
    put(service, _worker("two"), only="canary")
    service.greet("good day")

    ended = service.deploy("staging")

    assert ended.code == 0, ended.err
    start = f"  staging {service.name}/canary Deployment/"
    worker = [line for line in ended.err.splitlines() if line.startswith(start + "worker-canary  ")]
    assert "  0 of 1 ready, 1 old " in worker[0], ended.err
    assert "  1 of 1 ready █" in worker[-1], ended.err
    assert f"{start}{service.name}-canary  1 of 1 ready █" in ended.err
    assert f"  staging {service.name}/main  2 of 2 ready ██" in ended.err
