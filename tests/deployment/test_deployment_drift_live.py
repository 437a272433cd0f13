"""Drift on real control planes: what people and controllers did to a release."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploycharts.cluster import live, releases
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.live import State
from deploycharts.cluster.objects import Objects
from deploycharts.deployment import drift
from deploycharts.deployment.drift import Drift, DriftKind
from deploycharts.documents import document
from tests.deployment.live_builders import MASK
from tests.services import Deployable, Make
from tests.waiting import wait_until

pytestmark = pytest.mark.sandbox


@contextmanager
def connected(service: Deployable, environment: str = "staging") -> Iterator[Cluster]:
    cluster = Cluster(service.kubeconfig(environment), name=environment)
    yield cluster
    cluster.close()


def _drifts(service: Deployable) -> tuple[Drift, ...]:
    with connected(service) as cluster:
        good = releases.baseline(releases.revisions(cluster, service.name, "main")).good
        assert good is not None
        return drift.find(cluster, good.documents(), mask=MASK)


def edit(service: Deployable, change: dict[str, object], *, manager: str = "kubectl-edit") -> None:
    """Change the Deployment of main as a person would."""
    with connected(service) as cluster:
        Objects(cluster).patch(
            "apps/v1", "deployments", f"{service.name}-main", change, namespace=service.name,
            strategic=True, manager=manager,
        )  # fmt: skip


def variable(name: str, value: str) -> dict[str, object]:
    """The patch that sets an environment variable."""
    container = {"name": "app", "env": [{"name": name, "value": value}]}
    return {"spec": {"template": {"spec": {"containers": [container]}}}}


def test_nothing_drifts_by_itself(make: Make) -> None:
    service = make("staging")
    service.write(
        "values-staging.yaml",
        {
            "secrets": {"env": {"PASSWORD": "correct-horse"}},
            "config": {"files": {"app.yaml": "port: 1\n"}},
            "autoscaling": {"enabled": True, "maxReplicas": 3, "cpuPercent": 50},
            "resources": {"requests": {"cpu": "0.1", "memory": "64Mi"}, "limits": {}},
        },
    )
    assert service.deploy("staging").code == 0

    assert _drifts(service) == ()


def test_edits_by_hand_name_who_and_when(make: Make) -> None:
    service = make("staging")
    assert service.deploy("staging").code == 0
    edit(service, variable("GREETING", "by hand"))
    edit(service, variable("DEBUG", "1"), manager="kubectl-set")
    with connected(service) as cluster:
        Objects(cluster).delete(
            "policy/v1", "poddisruptionbudgets", f"{service.name}-main", namespace=service.name
        )

    found = _drifts(service)

    assert {(str(each.object), each.manager, each.kind) for each in found} == {
        (f"Deployment/{service.name}-main", "kubectl-edit", DriftKind.MANUAL),
        (f"Deployment/{service.name}-main", "kubectl-set", DriftKind.MANUAL),
        (f"PodDisruptionBudget/{service.name}-main", "", DriftKind.GONE),
    }
    assert all(each.at for each in found if each.manager)


def test_replicas_that_an_autoscaler_set_are_its_own(make: Make) -> None:
    service = make("staging")
    service.write("values-staging.yaml", {"replicas": 1})
    assert service.deploy("staging").code == 0
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"{service.name}-main"}
    with connected(service) as cluster:
        Objects(cluster).create("autoscaling/v2", "horizontalpodautoscalers", {
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "scaler", "namespace": service.name},
            "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 3},
        })  # fmt: skip

    wait_until(lambda: _drifts(service))

    (found,) = _drifts(service)
    assert (found.released, found.live, found.kind) == (1, 2, DriftKind.AUTOSCALER)
    assert found.manager == "kube-controller-manager"


def test_kinds_that_a_cluster_does_not_know_are_said(make: Make) -> None:
    service = make("staging")
    unknown = document(
        {"apiVersion": "example.org/v1", "kind": "Wish", "metadata": {"name": "x"}},
        namespace=service.name,
    )
    old = document(
        {"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "x"}},
        namespace=service.name,
    )
    with connected(service) as cluster:
        found = live.read(cluster, [unknown, old])

    assert [each.state for each in found.values()] == [State.NOT_SERVED, State.NOT_SERVED]


def test_going_back_says_what_becomes_of_edits_and_is_not_stopped_by_them(make: Make) -> None:
    service = make("staging")
    service.write("private.example.yaml", {"secrets": {"env": {"PASSWORD": "correct-horse"}}})
    service.greet("hello")
    service.deploy("staging")
    service.greet("good day")
    service.write("private.example.yaml", {"secrets": {"env": {"PASSWORD": "battery-staple"}}})
    assert service.deploy("staging").code == 0
    edit(service, variable("GREETING", "by hand"))
    edit(service, variable("DEBUG", "1"), manager="kubectl-set")

    shown = service.deploy("rollback", "staging", "--dry-run")
    back = service.deploy("rollback", "staging")

    assert "good day → by hand, by hand (kubectl-edit," in shown.err
    assert "); it is overwritten" in shown.err
    assert "by hand (kubectl-set," in shown.err
    assert "); it stays" in shown.err
    assert f"comes back: Secret/{service.name}-main PASSWORD" in shown.err
    assert back.code == 0, back.err
    with connected(service) as cluster:
        path = f"/apis/apps/v1/namespaces/{service.name}/deployments/{service.name}-main"
        (container,) = cluster.get(path)["spec"]["template"]["spec"]["containers"]
    values = {each["name"]: each["value"] for each in container["env"]}
    assert (values["GREETING"], values["DEBUG"]) == ("hello", "1")
    assert "battery-staple" not in shown.err + shown.out + back.err
