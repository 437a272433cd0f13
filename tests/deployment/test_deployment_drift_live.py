"""Drift on real control planes: what people and controllers did to a release."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploycharts.cluster import live, releases
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.live import State
from deploycharts.cluster.objects import Objects
from deploycharts.deployment import drift, refusals
from deploycharts.deployment.drift import Drift, DriftKind
from deploycharts.deployment.refusals import Owner
from deploycharts.documents import document
from tests.deployment.live_builders import MASK
from tests.services import Deployable, Make
from tests.waiting import wait_until

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]


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


def test_releases_that_helm_3_made_are_read_and_brought_back_alike(make: Make) -> None:
    service = make("staging")
    chart = ["old", "charts/echoserver", "--wait", "--values", "helmfile.d/defaults/staging.yaml"]
    chart += ["--values", str(service.folder / "values.yaml"), "--set-json", 'config.env={"A":"1"}']
    service.helm("staging", "install", *chart, "--server-side=false")
    second = service.helm("staging", "upgrade", *chart, "--set-json", 'config.env={"A":"2"}')
    assert second.code == 0, second.err
    with connected(service) as cluster:
        history = releases.revisions(cluster, service.name, "old")
        documents = history[-1].documents()

        assert not releases.baseline(history).server_side
        assert drift.find(cluster, documents, mask=MASK) == ()

        Objects(cluster).patch(
            "apps/v1", "deployments", f"{service.name}-old", variable("A", "by hand"),
            namespace=service.name, strategic=True, manager="kubectl-edit",
        )  # fmt: skip
        (found,) = drift.find(cluster, documents, mask=MASK)
        told = refusals.preview(
            cluster, documents, server_side=False, mask=str, owner=Owner(service.name, "old")
        )

    back = service.deploy("rollback", "staging", "--release", "old")

    assert (found.released, found.live, found.manager) == ("2", "by hand", "kubectl-edit")
    assert told == ()
    assert "it is overwritten" in back.err
    assert back.code == 0, back.err
    manifest = service.helm("staging", "get", "manifest", "old")
    assert 'value: "1"' in manifest.out
    with connected(service) as cluster:
        history = releases.revisions(cluster, service.name, "old")
        assert drift.find(cluster, history[-1].documents(), mask=MASK) == ()
        assert not releases.baseline(history).server_side


@pytest.mark.parametrize("way", ["true", "false"], ids=["server-side", "client-side"])
def test_what_the_api_server_stores_otherwise_is_no_drift_and_not_refused(
    make: Make, way: str
) -> None:
    service = make("staging")
    chart = service.root / "zoo"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("{apiVersion: v2, name: zoo, version: 0.1.0}")
    shutil.copy(Path(__file__).parent / "many-kinds.yaml", chart / "templates")
    installed = service.helm("staging", "install", "zoo", "zoo", f"--server-side={way}")
    assert installed.code == 0, installed.err

    with connected(service) as cluster:
        documents = releases.revisions(cluster, service.name, "zoo")[-1].documents()
        found = drift.find(cluster, documents, mask=MASK)
        told = refusals.preview(
            cluster, documents, server_side=way == "true", mask=str,
            owner=Owner(service.name, "zoo"),
        )  # fmt: skip

    assert [str(each) for each in found] == []
    assert [str(each) for each in told] == []
