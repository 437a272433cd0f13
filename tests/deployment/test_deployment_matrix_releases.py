"""Releases that come and go in a failing deployment, and namespaces and histories with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from deploycharts.cluster.objects import Objects
from tests.deployment.matrix_builders import (
    NOT_A_REASON,
    declare,
    install,
    require_back,
    require_next_works,
)
from tests.services import Make
from tests.waiting import wait_until
from tests.wire import wired

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]

ObjectsOf = Callable[[str], Objects]


def test_a_release_that_the_failing_deployment_adds_is_removed_again(make: Make) -> None:
    service = make("staging")
    declare(service, "main")
    service.deploy("staging")
    declare(service, "canary", "main")
    service.fault("crash", file="values-main.yaml")

    failed = service.deploy("staging")

    require_back(service, failed, "/canary: uninstall done", "exit code 1")
    assert service.history("staging", "canary")[-1][1] == "uninstalled"
    service.heal(file="values-main.yaml")
    require_next_works(service)


def test_a_release_that_the_failing_deployment_removes_is_restored(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    template = service.root / "helmfile.d" / "release.yaml.gotmpl"
    before = template.read_text()
    install(service, 'ne $release "canary"')
    service.fault("crash", file="values-main.yaml")

    failed = service.deploy("staging")

    require_back(service, failed, "/canary: uninstall done", "/canary: rollback to 1 done")
    assert service.history("staging", "canary")[-1][1] == "deployed"
    template.write_text(before)
    service.heal(file="values-main.yaml")
    require_next_works(service)


def test_a_short_history_keeps_the_good_revision(make: Make) -> None:
    service = make("staging")
    state = service.root / "helmfile.d" / "release.yaml.gotmpl"
    state.write_text(state.read_text().replace("historyMax: 20", "historyMax: 2"))
    service.deploy("staging")
    service.fault("crash")

    for _ in range(3):
        require_back(service, service.deploy("staging"), "exit code 1")

    assert service.history("staging", "canary")[-1] == (7, "deployed")
    service.heal()
    require_next_works(service)


def test_a_way_back_that_helm_has_forgotten_is_told(make: Make, objects: ObjectsOf) -> None:
    service = make("staging")
    service.deploy("staging")
    service.fault("never-ready")
    process = service.start("staging")
    wait_until(lambda: service.history("staging", "canary")[-1][0] == 2)
    secret = "sh.helm.release.v1.canary.v1"
    objects("staging").delete("v1", "secrets", secret, namespace=service.name)
    process.terminate()
    _, err = process.communicate()

    assert process.returncode == 7, err
    assert "revision 1 is no longer in helm's history" in err
    assert f"deploy rollback staging {service.name}" in err
    service.heal()
    require_next_works(service)


def test_a_namespace_that_nobody_registered_is_refused(make: Make) -> None:
    service = make()

    refused = service.deploy("staging")

    assert refused.code not in {0, 6, 7, 70}, refused.err
    assert "deploy cluster staging" in refused.err
    for words in NOT_A_REASON:
        assert words not in refused.err


def test_an_api_server_that_is_gone_for_seconds_does_not_end_a_roll_out(
    make: Make, objects: ObjectsOf
) -> None:
    service = make("staging")
    service.deploy("staging")
    service.annotate("values-staging.yaml", **{"sandbox.deploycharts/ready-after": "6s"})
    labels = "app.kubernetes.io/instance=canary"

    def pods() -> list[dict[str, Any]]:
        return objects("staging").list("v1", "pods", namespace=service.name, labels=labels)

    with wired(service.kubeconfig("staging")) as wire:
        process = service.start("staging")
        wait_until(lambda: len(pods()) == 2)
        time.sleep(1)  # helm has applied all, and waits
        wire.cut()
        time.sleep(4)
        wire.mend()
        _, err = process.communicate()

        assert process.returncode == 0, err
        assert service.history("staging", "main")[-1] == (2, "deployed")


def test_what_failed_is_no_way_back_though_helm_calls_it_superseded(
    make: Make, objects: ObjectsOf
) -> None:
    service = make("staging")
    service.deploy("staging")
    service.say(onFailure="hold")
    service.fault("crash")
    assert service.deploy("staging").code == 7
    somebodys: dict[str, Any] = {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": f"{service.name}-canary", "namespace": service.name},
    }  # fmt: skip
    grace = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 77}}}}
    objects("staging").apply("apps/v1", "deployments", somebodys | grace, manager="somebody")

    # It meets a conflict, and marks the failed revision as if it had been good.
    assert service.helm("staging", "rollback", "canary", "1").code != 0
    assert service.history("staging", "canary") == [
        (1, "deployed"), (2, "superseded"), (3, "failed"),
    ]  # fmt: skip
    objects("staging").apply("apps/v1", "deployments", somebodys, manager="somebody")
    back = service.deploy("rollback", "staging", "--release", "canary")

    assert back.code == 0, back.err
    assert "rollback to 1" in back.err
    assert service.history("staging", "canary")[-1] == (4, "deployed")
