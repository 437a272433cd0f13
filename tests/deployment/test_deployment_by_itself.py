"""What does not roll out by itself is not waited for; what an autoscaler asks for is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ObjectsOf
from tests.deployment.matrix_builders import job, pod_spec, put
from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]


def _workload(kind: str, name: str, image: str, **spec: Any) -> dict[str, Any]:
    """A workload of the release main, whose pods run an image of this tag."""
    labels = {"app": name}
    pods = {**pod_spec("app"), "restartPolicy": "Always"}
    pods["containers"][0]["image"] = f"registry.example.org/tool:{image}"
    template = {"metadata": {"labels": labels}, "spec": pods}
    body = {"selector": {"matchLabels": labels}, "template": template, **spec}
    if kind == "StatefulSet":
        body["serviceName"] = name
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": body}


def _still(service: Deployable, image: str) -> None:
    """One workload of each kind that does not roll by itself."""
    part = {"rollingUpdate": {"partition": 2}}
    for each in (
        _workload("StatefulSet", "parted", image, replicas=3, updateStrategy=part),
        _workload("StatefulSet", "byhand", image, replicas=2, updateStrategy={"type": "OnDelete"}),
        _workload("DaemonSet", "agent", image, updateStrategy={"type": "OnDelete"}),
        _workload("Deployment", "paused", image, replicas=1, paused=True),
        _workload("Deployment", "none", image, replicas=0),
    ):
        put(service, each, only="main")
    waiting = job("later")
    waiting["spec"]["suspend"] = True
    put(service, waiting, only="main")
    spec = {"schedule": "0 3 * * *", "suspend": True, "jobTemplate": {"spec": job("x")["spec"]}}
    nightly = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}}
    nightly["spec"] = spec
    put(service, nightly, only="main")


def test_what_does_not_roll_by_itself_is_said_with_true_counts_and_not_waited_for(
    make: Make,
) -> None:
    service = make("staging")
    _still(service, "1")
    first = service.deploy("staging", "--release", "main")
    _still(service, "2-fault-crash")
    shown = service.deploy("diff", "staging", "--release", "main")
    second = service.deploy("staging", "--release", "main")
    status = service.deploy("status", "staging", "-o", "json")

    assert first.code == 0, first.err
    assert "Job/later-main is suspended: it runs nothing and is not waited for" in _words(first.out)
    words = _words(shown.out)
    assert "1 of 3 pods takes the new template of StatefulSet/parted-main (partition 2)" in words
    byhand = "none of the 2 pods of StatefulSet/byhand-main takes the new template by itself"
    assert f"{byhand} (OnDelete)" in words
    assert "changes the pods of Deployment/paused-main, of which none runs" in words
    assert second.code == 6, second.err  # the one pod of the partition crashes
    assert "Pod/parted-main-2, container app: CrashLoopBackOff" in _words(second.err)
    (main,) = status.json["releases"]
    assert main["well"], main


def test_pods_that_keep_the_old_template_are_no_failure(make: Make) -> None:
    service = make("staging")
    _still(service, "1")
    service.deploy("staging", "--release", "main")
    _still(service, "2")
    strategy = {"rollingUpdate": {"partition": 5}}
    parted = _workload(
        "StatefulSet", "parted", "2-fault-crash", replicas=3, updateStrategy=strategy
    )
    put(service, parted, only="main")

    ended = service.deploy("staging", "--release", "main")

    assert ended.code == 0, ended.err
    assert service.deploy("diff", "staging", "--release", "main", "--exit-code").code == 0


def _autoscaled(service: Deployable, least: int) -> None:
    put(service, _workload("Deployment", "web", "1"), only="main")
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-{{ .Release.Name }}"}
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    put(service, {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "scaler"},
        "spec": {"scaleTargetRef": body, "minReplicas": least, "maxReplicas": 8,
                 "metrics": [{"type": "Resource", "resource": cpu}]},
    }, only="main")  # fmt: skip


def test_as_many_pods_are_waited_for_as_the_autoscaler_asks_for(
    make: Make, objects: ObjectsOf
) -> None:
    service = make("staging")
    _autoscaled(service, 1)
    assert service.deploy("staging", "--release", "main").code == 0
    _autoscaled(service, 4)

    ended = service.deploy("staging", "--release", "main")

    deployments = objects("staging").list("apps/v1", "deployments", namespace=service.name)
    (web,) = [each for each in deployments if each["metadata"]["name"] == "web-main"]
    assert ended.code == 0, ended.err
    assert web["status"]["readyReplicas"] == 4
    assert "4 of 4 ready" in ended.err


def test_many_pods_that_start_slowly_one_batch_after_the_other_are_no_failure(make: Make) -> None:
    service = make("staging")
    service.write("values-staging.yaml", {"replicas": 6})
    put(service, _workload("Deployment", "slow", "1", replicas=6), only="main")
    service.deploy("staging", "--release", "main")
    slow = _workload("Deployment", "slow", "2", replicas=6)
    annotations = {"sandbox.deploycharts/ready-after": "4s"}
    slow["spec"]["template"]["metadata"]["annotations"] = annotations
    put(service, slow, only="main")

    ended = service.deploy("staging", "--release", "main")

    assert ended.code == 0, ended.err
    assert "6 of 6 ready" in ended.err


def test_pods_that_crashed_before_are_told_first_and_not_blamed_on_the_deployment(
    make: Make,
) -> None:
    service = make("staging")
    service.write("values-staging.yaml", {"replicas": 1})
    service.deploy("staging", "--release", "main")
    service.break_pods("staging", "main")
    service.write("values-staging.yaml", {"replicas": 2})
    _until_it_crashes(service)

    ended = service.deploy("staging", "--release", "main")

    before, _, after = ended.err.partition("▸")
    assert "before this deployment: Pod/" in _words(before)
    assert "container app: " in before
    assert "replicas" not in after
    assert "most likely" not in after
    assert ended.code == 6, ended.err
    assert "since before this deployment" in _words(after)


def _until_it_crashes(service: Deployable) -> None:
    from tests.waiting import wait_until

    wait_until(lambda: "CrashLoopBackOff" in service.deploy("status", "staging").out)


def _words(text: str) -> str:
    return " ".join(text.split())
