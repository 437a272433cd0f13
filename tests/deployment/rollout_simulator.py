"""A Deployment that rolls out on a clock of its own, as its controller and kubelets do it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploycharts.documents import ObjectKey

NAMESPACE = "echo"
KEY = ObjectKey("apps", "Deployment", NAMESPACE, "web")
NEVER = float("inf")


@dataclass
class Pod:
    """A pod that gets ready some time after it was made, and may crash instead.

    Attributes:
        start_s: seconds until it is ready.
        crash_every_s: it ends this long after each start; 0 if it does not.
    """

    name: str
    is_new: bool
    made_at: float
    start_s: float
    crash_every_s: float = 0.0

    def is_ready(self, now: float) -> bool:
        return not self.crash_every_s and now - self.made_at >= self.start_s

    def restarts(self, now: float) -> int:
        return int((now - self.made_at) / self.crash_every_s) if self.crash_every_s else 0

    def body(self, now: float, probe: Mapping[str, int] | None) -> dict[str, Any]:
        ready = self.is_ready(now)
        status: dict[str, Any] = {"name": "app", "ready": ready, "state": {"running": {}}}
        status["restartCount"] = restarts = self.restarts(now)
        if restarts:
            status["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
            status["lastState"] = {"terminated": {"exitCode": 1, "reason": "Error"}}
        container = {"name": "app", **({"readinessProbe": dict(probe)} if probe else {})}
        return {
            "metadata": {
                "name": self.name, "uid": self.name, "namespace": NAMESPACE,
                "ownerReferences": [{"uid": "new" if self.is_new else "old"}],
            },
            "spec": {"containers": [container]},
            "status": {
                "phase": "Running", "containerStatuses": [status],
                "conditions": [{"type": "Ready", "status": str(ready)}],
            },
        }  # fmt: skip


@dataclass
class Rollout:
    """A Deployment in the middle of a rolling update; it is the cluster that a follower asks.

    Attributes:
        starts: makes the pods of the new template: which number, when.
        probe: the readiness probe of its container, None if it has none.
    """

    replicas: int
    surge: int
    unavailable: int
    starts: Callable[[int, float], Pod]
    probe: Mapping[str, int] | None = None
    now: float = 0.0
    pods: list[Pod] = field(default_factory=list)
    progress_at: float = 0.0
    _made: int = 0
    _most_ready: int = 0
    _generation: int = 1

    def __post_init__(self) -> None:
        self.pods = [Pod(f"old-{n}", False, 0.0, 0.0) for n in range(self.replicas)]

    def begin(self) -> None:
        """The template changes."""
        self._generation = 2
        self._control()
        self._note_progress()

    def advance(self, seconds: float) -> None:
        """Time passes; the controller reacts."""
        self.now += seconds
        self._control()
        self._note_progress()

    def _note_progress(self) -> None:
        ready = sum(pod.is_ready(self.now) for pod in self.new)
        if ready > self._most_ready:
            self._most_ready, self.progress_at = ready, self.now

    @property
    def new(self) -> list[Pod]:
        """The pods of the new template."""
        return [pod for pod in self.pods if pod.is_new]

    @property
    def is_done(self) -> bool:
        """Whether all pods are new and ready."""
        return len(self.pods) == self.replicas == sum(p.is_ready(self.now) for p in self.new)

    def _control(self) -> None:
        """https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment"""
        moved = True
        while moved:
            moved = False
            if len(self.new) < self.replicas and len(self.pods) < self.replicas + self.surge:
                self.pods.append(self.starts(self._made, self.now))
                self._made += 1
                moved = True
            available = sum(pod.is_ready(self.now) for pod in self.pods)
            old = [pod for pod in self.pods if not pod.is_new]
            if old and available > self.replicas - self.unavailable:
                self.pods.remove(old[-1])
                moved = True

    def items(self, path: str) -> Iterator[Mapping[str, Any]]:
        """What the API server would list."""
        listed: dict[str, Sequence[Mapping[str, Any]]] = {
            "deployments": [self._deployment()],
            "replicasets": [_replica_set("old", 1), _replica_set("new", 2 if self.new else 0)],
            "pods": [pod.body(self.now, self.probe) for pod in self.pods],
        }
        return iter(listed.get(path.rpartition("/")[2], []))

    def _deployment(self) -> Mapping[str, Any]:
        available = sum(pod.is_ready(self.now) for pod in self.pods)
        return {
            "metadata": {"name": KEY.name, "uid": "web", "generation": self._generation},
            "spec": {"replicas": self.replicas},
            "status": {
                "observedGeneration": self._generation, "replicas": len(self.pods),
                "updatedReplicas": len(self.new), "availableReplicas": available,
            },
        }  # fmt: skip


def _replica_set(uid: str, revision: int) -> Mapping[str, Any]:
    annotations = {"deployment.kubernetes.io/revision": str(revision)}
    owner = [{"uid": "web"}]
    return {"metadata": {"uid": uid, "annotations": annotations, "ownerReferences": owner}}
