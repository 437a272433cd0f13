"""What is called a trouble, and which one is the gravest."""

from __future__ import annotations

from typing import Any

from deploycharts.cluster.workloads import Snapshot
from deploycharts.deployment.symptoms import Trouble, diagnose
from deploycharts.documents import ObjectKey
from deploycharts.target import Target

TARGET = Target("echo", "staging", "main")
KEY = ObjectKey("apps", "Deployment", "echo", "echo-main")


def _snapshot(*pods: dict[str, Any], conditions: list[dict[str, str]] | None = None) -> Snapshot:
    deployment = {
        "metadata": {"uid": "d", "name": KEY.name},
        "status": {"conditions": conditions or []},
    }
    return Snapshot({KEY: deployment}, (_replica_set("old", 1), _replica_set("new", 2)), pods)


def _replica_set(uid: str, revision: int) -> dict[str, Any]:
    annotations = {"deployment.kubernetes.io/revision": str(revision)}
    return {"metadata": {"uid": uid, "ownerReferences": [{"uid": "d"}], "annotations": annotations}}


def _pod(owner: str = "new", *, spec: Any = None, **status: Any) -> dict[str, Any]:
    metadata = {"name": "p", "namespace": "echo", "ownerReferences": [{"uid": owner}]}
    return {"metadata": metadata, "spec": spec or {}, "status": status}


def _container(**status: Any) -> list[dict[str, Any]]:
    return [{"name": "app", "ready": False, **status}]


def _diagnose(*pods: dict[str, Any], **more: Any) -> list[Trouble]:
    return list(diagnose(TARGET, _snapshot(*pods, **more), [KEY]))


def test_a_crash_tells_container_reason_and_exit_code() -> None:
    statuses = _container(
        restartCount=2,
        state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
        lastState={"terminated": {"exitCode": 3, "reason": "Error"}},
    )

    (trouble,) = _diagnose(_pod(phase="Running", containerStatuses=statuses))

    assert str(trouble) == "Pod/p, container app: CrashLoopBackOff, exit code 3"
    assert (trouble.restarts, trouble.final) == (2, False)


def test_a_container_that_crashed_and_is_ready_again_is_no_trouble() -> None:
    statuses = [{"name": "app", "ready": True, "restartCount": 1, "state": {"running": {}},
                 "lastState": {"terminated": {"exitCode": 1}}}]  # fmt: skip

    assert _diagnose(_pod(phase="Running", containerStatuses=statuses)) == []


def test_running_out_of_memory_is_called_by_its_name() -> None:
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    statuses = _container(
        restartCount=1, state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState=ended
    )

    (trouble,) = _diagnose(_pod(phase="Running", containerStatuses=statuses))

    assert (trouble.reason, trouble.exit_code) == ("OOMKilled", 137)


def test_an_invalid_image_name_is_final_and_a_failed_pull_is_not() -> None:
    def reason(name: str) -> dict[str, Any]:
        waiting = {"waiting": {"reason": name, "message": "m"}}
        return _pod(phase="Pending", containerStatuses=_container(state=waiting))

    (invalid,) = _diagnose(reason("InvalidImageName"))
    (pull,) = _diagnose(reason("ImagePullBackOff"))

    assert (invalid.final, pull.final) == (True, False)


def test_starting_containers_are_no_trouble() -> None:
    waiting = {"waiting": {"reason": "ContainerCreating"}}

    assert _diagnose(_pod(phase="Pending", containerStatuses=_container(state=waiting))) == []


def test_pods_of_an_older_template_are_not_blamed() -> None:
    statuses = _container(state={"waiting": {"reason": "CrashLoopBackOff"}})

    assert _diagnose(_pod("old", phase="Running", containerStatuses=statuses)) == []


def test_a_pod_without_room_tells_the_scheduler_s_words() -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                 "message": "0/2 nodes are available"}  # fmt: skip

    (trouble,) = _diagnose(_pod(phase="Pending", conditions=[condition]))

    assert "0/2 nodes are available" in str(trouble)


def test_an_unready_pod_may_take_the_time_that_its_probes_allow() -> None:
    probe = {"periodSeconds": 2, "failureThreshold": 30}
    spec = {"containers": [{"name": "app", "startupProbe": probe}]}
    ready = {"type": "Ready", "status": "False"}
    pod = _pod(spec=spec, phase="Running", conditions=[ready], containerStatuses=_container())

    (trouble,) = _diagnose(pod)

    assert (trouble.reason, trouble.patience_s) == ("NotReady", 60)


def test_what_the_workload_itself_says_is_final_and_comes_first() -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
               "message": "exceeded quota"}  # fmt: skip
    statuses = _container(state={"waiting": {"reason": "ImagePullBackOff"}})

    first, second = _diagnose(
        _pod(phase="Pending", containerStatuses=statuses), conditions=[refused]
    )

    assert (first.final, first.message) == (True, "exceeded quota")
    assert second.reason == "ImagePullBackOff"


def test_a_pod_that_is_going_is_no_trouble() -> None:
    pod = _pod(phase="Running", containerStatuses=_container(state={"waiting": {"reason": "X"}}))
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert _diagnose(pod) == []
