"""Hooks of an uninstall that fail, and what can be done with what they leave."""

from __future__ import annotations

import json

import pytest

from tests.deployment.matrix_builders import declare, job, put, take
from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


def _with_hook(make: Make, hook: str, *, policy: str = "before-hook-creation") -> Deployable:
    service = make("staging")
    declare(service, "main")
    put(service, job("guard", hook=hook, fault="fail", policy=policy))
    assert service.deploy("staging").code == 0
    return service


@pytest.mark.parametrize("policy", ["before-hook-creation", "hook-failed"])
def test_what_a_hook_before_the_deletion_said_is_shown_and_deploying_keeps_the_service(
    make: Make, policy: str
) -> None:
    service = _with_hook(make, "pre-delete", policy=policy)

    failed = service.deploy("remove", "staging", "--yes")
    status = service.deploy("status", "staging")
    kept = service.deploy("staging")

    assert failed.code == 7
    assert "container migrate" in failed.err
    assert "FAIL: " in failed.err
    assert f"NOT removed: staging {service.name}/main" in failed.err
    assert "rolled back" not in failed.err
    assert f"deploy remove staging {service.name} --no-hooks" in failed.err
    assert "1 uninstalling" in status.out
    assert "its uninstall did not finish: " in status.out
    assert f"keep it: deploy staging {service.name}" in status.out
    assert kept.code == 0, kept.err
    assert service.history("staging", "main")[-1] == (3, "deployed")
    take(service, "guard")
    assert service.deploy("staging").code == 0
    removed = service.deploy("remove", "staging", "--yes")
    assert removed.code == 0, removed.err
    assert service.history("staging", "main")[-1] == (4, "uninstalled")


def test_a_removal_can_be_tried_again_and_done_without_hooks(make: Make) -> None:
    service = _with_hook(make, "pre-delete")
    service.deploy("remove", "staging", "--yes")

    again = service.deploy("remove", "staging", "--yes")
    removed = service.deploy("remove", "staging", "--no-hooks", "--yes")

    assert again.code == 7
    assert "an uninstall of it began before and did not finish" in again.err
    assert "FAIL: " in again.err
    assert removed.code == 0, removed.err
    assert service.history("staging", "main") == [(1, "uninstalled")]


def test_a_rollback_brings_back_what_was_half_removed(make: Make) -> None:
    service = _with_hook(make, "pre-delete")
    service.deploy("remove", "staging", "--yes")

    back = service.deploy("rollback", "staging")

    assert back.code == 0, back.err
    assert service.history("staging", "main")[-1] == (2, "deployed")
    assert service.deploy("status", "staging", "--exit-code").code == 0


def test_a_hook_after_the_deletion_leaves_the_release_gone(make: Make) -> None:
    service = _with_hook(make, "post-delete")

    failed = service.deploy("remove", "staging", "--yes", "-o", "json")

    told = json.loads(failed.out)["outcome"]
    assert failed.code == 7
    assert told["notRemoved"] == []
    assert "uninstalled, but a hook after the deletion failed" in told["why"]
    assert "FAIL: " in failed.err
    assert service.history("staging", "main") == [(1, "uninstalled")]
    again = service.deploy("staging")
    assert again.code == 0, again.err
