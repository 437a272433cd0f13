"""Making pods anew, and taking services away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.objects import Objects
from tests.services import Deployable, Make

pytestmark = pytest.mark.sandbox

ObjectsOf = Callable[[str], Objects]


def _pods(service: Deployable, environment: str) -> set[str]:
    cluster = Cluster(service.kubeconfig(environment), name=environment)
    try:
        found = Objects(cluster).list("v1", "pods", namespace=service.name)
        return {pod["metadata"]["uid"] for pod in found}
    finally:
        cluster.close()


def test_a_restart_makes_all_pods_anew_and_changes_nothing_else(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    before = _pods(service, "staging")

    ended = service.deploy("restart", "staging")

    assert ended.code == 0, ended.err
    assert f"staging {service.name}/canary: restarts 1 pods of Deployment" in ended.err
    assert not before & _pods(service, "staging")
    assert service.history("staging", "main") == [(1, "deployed")]
    assert service.deploy("diff", "staging", "--exit-code").code == 0
    acts = [line["target"] for line in service.journal() if line["kind"] == "intent"]
    assert acts == [f"staging {service.name}/canary", f"staging {service.name}/main"]


def test_pods_that_do_not_start_again_are_explained_and_the_old_ones_stay(
    make: Make, objects: ObjectsOf
) -> None:
    service = make("staging")
    service.deploy("staging")
    before = _pods(service, "staging")
    staging = objects("staging")
    (quota,) = staging.list("v1", "resourcequotas", namespace=service.name)
    full = {"spec": {"hard": {"pods": str(len(before))}}}
    staging.patch("v1", "resourcequotas", quota["metadata"]["name"], full, namespace=service.name)

    ended = service.deploy("restart", "staging")

    assert ended.code == 6, ended.err
    assert "exceeded quota" in ended.err
    assert f"rolled back: staging {service.name}/canary" in ended.err
    assert _pods(service, "staging") == before


def test_production_is_restarted_on_a_word_only(make: Make) -> None:
    service = make("codfw")
    service.deploy("codfw", "--yes")

    refused = service.deploy("restart", "codfw")

    assert refused.code == 4
    assert "deploy restart codfw" in refused.err


def test_a_service_can_leave_one_environment(make: Make) -> None:
    service = make("staging", "codfw")
    service.deploy("staging")
    service.deploy("codfw", "--yes")

    refused = service.deploy("remove", "staging")
    ended = service.deploy("remove", "staging", "--yes")

    assert refused.code == 4
    assert ended.code == 0, ended.err
    assert "git still declares it" in ended.err
    assert service.history("staging", "main") == [(1, "uninstalled")]
    assert service.history("codfw", "main") == [(1, "deployed")]
    assert service.folder.is_dir()


def test_a_service_can_leave_altogether_and_its_files_with_it(make: Make) -> None:
    service = make("staging", "codfw", "eqiad")
    service.deploy("staging")
    service.commit("Begin")
    service.greet("not committed")

    dirty = service.run("deploy", "remove", service.name, "--yes")
    service.commit("Greet")
    ended = service.run("deploy", "remove", service.name, "--yes")

    assert dirty.code == 4
    assert "has changes that are not committed" in dirty.err
    assert ended.code == 0, ended.err
    assert f"file: helmfile.d/services/{service.name}" in ended.err
    assert service.history("staging", "main") == [(1, "uninstalled")]
    assert not service.folder.exists()
    assert not (service.root / "charts" / "echoserver").exists()
    assert not list((service.root / "helmfile.d" / "cluster" / "services").iterdir())
