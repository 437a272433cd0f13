"""Objects without pods that never get what they wait for: which one waits, and for what."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.deployment.matrix_builders import put, require_back, require_next_works, take
from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]

CLAIM = {
    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
    "spec": {
        "storageClassName": "no-such-class", "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    },
}  # fmt: skip
BALANCER = {
    "apiVersion": "v1", "kind": "Service",
    "metadata": {"name": "door", "annotations": {"sandbox.deploycharts/fault": "no-address"}},
    "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": "none"}},
}  # fmt: skip


def _wait_at_most(service: Deployable, seconds: int) -> None:
    path = service.root / "helmfile.d" / "environments.yaml"
    body = yaml.safe_load(path.read_text())
    body["environments"]["staging"]["values"][0]["timeoutSeconds"] = seconds
    path.write_text(yaml.safe_dump(body))


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (
            CLAIM,
            "PersistentVolumeClaim/data-canary: Unbound: it waits for a volume of storage class "
            'no-such-class; ProvisioningFailed: storageclass.storage.k8s.io "no-such-class" not '
            "found",
        ),
        (
            BALANCER,
            "Service/door-canary: NoAddress: it waits for the address of a load balancer; "
            "no controller has said anything, is there one?",
        ),
    ],
    ids=["claim", "load balancer"],
)
def test_what_is_waited_for_in_vain_is_told_early_and_as_the_reason(
    make: Make, document: dict[str, Any], told: str
) -> None:
    service = make("staging")
    service.deploy("staging")
    _wait_at_most(service, 12)
    put(service, document, only="canary")

    failed = service.deploy("staging")

    require_back(service, failed)
    assert "deadline exceeded" not in failed.err
    words = re.sub(r"\s+", " ", failed.err)
    early, _, late = words.partition("✗ ")
    assert f"! {told} (fails if it lasts" in early
    assert f"reason {told}" in late
    take(service, document["metadata"]["name"])
    require_next_works(service)
