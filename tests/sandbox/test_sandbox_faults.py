"""How pods behave in the sandbox, and how they fail on demand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.cluster.objects import Document, Objects, path
from deploycharts.sandbox.lifecycle import Sandbox
from tests.waiting import wait_until

pytestmark = pytest.mark.sandbox

FAULT = "sandbox.deploycharts/fault"
APP = {"name": "app", "image": "example/app:1.2.3"}


class Pods:
    """The pods of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self.objects = Objects(cluster)
        self.namespace = namespace

    def start(self, name: str, /, *containers: Document, **annotations: str) -> Pod:
        """Make a pod; keywords are annotations of the sandbox, `ready_after` for ready-after."""
        return self.make(name, {"containers": containers or [APP]}, **annotations)

    def make(self, name: str, spec: Document, /, *, hook: str = "", **annotations: str) -> Pod:
        named = {
            f"sandbox.deploycharts/{key.replace('_', '-')}": value
            for key, value in annotations.items()
        }
        if hook:
            named["helm.sh/hook"] = hook
        metadata = {"name": name, "namespace": self.namespace, "annotations": named}
        document = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        self.objects.create("v1", "pods", document)
        return Pod(self, name)

    def hook(self, name: str, /, **annotations: str) -> Pod:
        """Make a pod as `helm test` does."""
        spec = {"containers": [APP], "restartPolicy": "Never"}
        return self.make(name, spec, hook="test", **annotations)

    def text(self, where: str, **query: str) -> str:
        return self._cluster.text(where, **query)


class Pod:
    """One pod, read anew at each question."""

    def __init__(self, pods: Pods, name: str) -> None:
        self._pods = pods
        self.name = name
        self.path = path("v1", "pods", pods.namespace, name)

    @property
    def document(self) -> Document:
        found = self._pods.objects.get("v1", "pods", self.name, namespace=self._pods.namespace)
        assert found
        return found

    @property
    def phase(self) -> str:
        return str(self.document["status"]["phase"])

    @property
    def is_ready(self) -> bool:
        conditions = self.document["status"].get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def container(self, name: str = "app", kind: str = "containerStatuses") -> dict[str, Any]:
        found = self.document["status"].get(kind, [])
        return next((dict(each) for each in found if each["name"] == name), {})

    def waiting(self, name: str = "app", kind: str = "containerStatuses") -> str:
        state = self.container(name, kind).get("state", {})
        return str(state.get("waiting", {}).get("reason", ""))

    @property
    def events(self) -> set[str]:
        found = self._pods.objects.list("v1", "events", namespace=self._pods.namespace)
        return {each["reason"] for each in found if each["involvedObject"]["name"] == self.name}

    def log(self, container: str = "app", **query: str) -> list[str]:
        text = self._pods.text(f"{self.path}/log", container=container, **query)
        return text.splitlines()

    def annotate(self, fault: str | None) -> None:
        self._patch({"metadata": {"annotations": {FAULT: fault}}})

    def set_image(self, image: str) -> None:
        self._patch({"spec": {"containers": [{"name": "app", "image": image}]}})

    def set_status(self, status: Document) -> None:
        self._patch({"status": status}, subresource="status")

    def _patch(self, change: Document, subresource: str = "") -> None:
        self._pods.objects.patch(
            "v1", "pods", self.name, change, namespace=self._pods.namespace,
            subresource=subresource, strategic=True,
        )  # fmt: skip


@pytest.fixture(scope="module")
def pods(sandbox: Sandbox, make_namespace: Callable[..., str]) -> Iterator[Pods]:
    cluster = Cluster(sandbox.kubeconfig("staging"), name="staging")
    yield Pods(cluster, make_namespace("staging"))
    cluster.close()


def test_a_pod_gets_ready_and_has_a_log(pods: Pods) -> None:
    pod = pods.start("well")

    wait_until(lambda: pod.is_ready)
    assert pod.phase == "Running"
    assert pod.document["status"]["podIP"].startswith("10.128.")
    assert pod.log()[-1] == "ready"


def test_it_waits_for_its_probe(pods: Pods) -> None:
    probe = {"initialDelaySeconds": 2, "httpGet": {"path": "/healthz", "port": 8080}}
    slow = pods.start("probed", APP | {"readinessProbe": probe})
    quick = pods.start("unprobed")

    wait_until(lambda: quick.is_ready)
    assert not slow.is_ready
    wait_until(lambda: slow.is_ready)


def test_crash_has_an_exit_code_and_a_reason_in_the_log(pods: Pods) -> None:
    pod = pods.start("crashing", fault="crash", exit_code="7", crash_backoff="200ms")

    wait_until(lambda: pod.container().get("restartCount", 0) >= 2)
    wait_until(lambda: pod.waiting() == "CrashLoopBackOff")
    last = pod.container()["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (7, "Error")
    assert "fatal: cannot reach the database" in pod.log(previous="true")[-1]
    assert "BackOff" in pod.events
    assert not pod.is_ready


def test_a_tag_is_a_fault_of_its_own_container(pods: Pods) -> None:
    broken = {"name": "app", "image": "example/app:1.2.4-fault-oom"}
    pod = pods.start("tagged", {"name": "helper", "image": "example/helper:1"}, broken)

    wait_until(lambda: pod.waiting() == "CrashLoopBackOff")
    last = pod.container()["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (137, "OOMKilled")
    assert "running" in pod.container("helper")["state"]


def test_an_image_that_is_not_there(pods: Pods) -> None:
    pod = pods.start("pulling", fault="image-pull")

    wait_until(lambda: pod.waiting() == "ImagePullBackOff")
    assert pod.phase == "Pending"
    assert "example/app:1.2.3" in pod.container()["state"]["waiting"]["message"]
    wait_until(lambda: {"Failed", "BackOff"} <= pod.events)
    with pytest.raises(ApiError):
        pod.log()


def test_never_ready(pods: Pods) -> None:
    pod = pods.start("unready", fault="never-ready")

    wait_until(lambda: "Unhealthy" in pod.events)
    assert pod.phase == "Running"
    assert not pod.is_ready
    assert "503" in pod.log()[-1]


def test_an_init_container_that_crashes(pods: Pods) -> None:
    init = {"name": "migrate", "image": "example/migrate:1"}
    spec = {"initContainers": [init], "containers": [APP]}
    pod = pods.make("initial", spec, fault="init-crash", crash_backoff="100ms")

    wait_until(lambda: pod.waiting("migrate", "initContainerStatuses") == "CrashLoopBackOff")
    assert pod.waiting() == "PodInitializing"
    assert "migration 7 failed" in pod.log("migrate")[-1]


def test_hook_pods_end_well_fail_or_hang(pods: Pods) -> None:
    well, bad = pods.hook("hook"), pods.hook("hook-fails", fault="fail", exit_code="3")
    hanging = pods.hook("hook-hangs", fault="hang")

    wait_until(lambda: well.phase == "Succeeded")
    wait_until(lambda: bad.phase == "Failed")
    assert bad.container()["state"]["terminated"]["exitCode"] == 3
    assert "FAIL" in bad.log()[-1]
    assert hanging.phase == "Running"


def test_the_pod_of_a_job_completes_it(pods: Pods) -> None:
    template = {"spec": {"containers": [APP], "restartPolicy": "Never"}}
    metadata = {"name": "job", "namespace": pods.namespace}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}
    pods.objects.create("batch/v1", "jobs", job | {"spec": {"template": template}})

    def succeeded() -> object:
        found = pods.objects.get("batch/v1", "jobs", "job", namespace=pods.namespace)
        return (found or {}).get("status", {}).get("succeeded")

    wait_until(succeeded)


def test_a_pod_that_fits_nowhere_stays_unscheduled(pods: Pods) -> None:
    greedy = APP | {"resources": {"requests": {"cpu": "900"}}}
    pod = pods.start("greedy", greedy)

    wait_until(lambda: "FailedScheduling" in pod.events)
    assert pod.phase == "Pending"


def test_a_fault_can_be_put_into_a_ready_pod_and_taken_away(pods: Pods) -> None:
    pod = pods.start("injected", crash_after="0s", crash_backoff="100ms")
    wait_until(lambda: pod.is_ready)

    pod.annotate("crash")
    wait_until(lambda: pod.container()["restartCount"] > 0)
    assert not pod.is_ready

    pod.annotate(None)
    wait_until(lambda: pod.is_ready)
    assert pod.container()["restartCount"] > 0


def test_an_image_that_was_changed_by_hand_breaks_a_ready_pod(pods: Pods) -> None:
    pod = pods.start("changed")
    wait_until(lambda: pod.is_ready)

    pod.set_image("example/app:1.2.5-fault-image-pull")
    wait_until(lambda: pod.waiting() == "ImagePullBackOff")
    assert not pod.is_ready


def test_a_status_that_was_changed_by_hand_stays(pods: Pods) -> None:
    pod = pods.start("by-hand")
    wait_until(lambda: pod.is_ready)
    container = pod.container() | {
        "ready": False,
        "restartCount": 4,
        "state": {"waiting": {"reason": "CreateContainerConfigError"}},
    }

    pod.set_status(
        {
            "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}],
            "containerStatuses": [container],
        }
    )

    later = pods.start("later")
    wait_until(lambda: later.is_ready)
    assert pod.waiting() == "CreateContainerConfigError"
    assert not pod.is_ready


def test_ready_that_only_the_node_controller_took_away_comes_back(pods: Pods) -> None:
    pod = pods.start("asleep")
    wait_until(lambda: pod.is_ready)

    pod.set_status({"conditions": [{"type": "Ready", "status": "False"}]})

    wait_until(lambda: pod.is_ready)


def test_a_log_can_be_any_file(pods: Pods, tmp_path: Path) -> None:
    file = tmp_path / "last-words.log"
    file.write_text("2026-01-01T00:00:00.000000000Z stderr F panic: out of coffee\n")
    pod = pods.start("talking", fault="crash", logs=str(file))

    wait_until(lambda: pod.container().get("restartCount"))
    assert pod.log(previous="true") == ["panic: out of coffee"]


def test_a_load_balancer_gets_an_address_and_a_claim_a_volume(pods: Pods) -> None:
    metadata = {"name": "both", "namespace": pods.namespace}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
    service["spec"] = {
        "type": "LoadBalancer",
        "ports": [{"port": 80, "nodePort": random.randrange(1025, 20_000)}],
    }
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
    resources = {"requests": {"storage": "1Gi"}}
    claim["spec"] = {"accessModes": ["ReadWriteOnce"], "resources": resources}
    pods.objects.create("v1", "services", service)
    pods.objects.create("v1", "persistentvolumeclaims", claim)

    def status(plural: str) -> dict[str, Any]:
        found = pods.objects.get("v1", plural, "both", namespace=pods.namespace)
        assert found
        return dict(found["status"])

    wait_until(lambda: status("services")["loadBalancer"].get("ingress"))
    wait_until(lambda: status("persistentvolumeclaims").get("phase") == "Bound")
