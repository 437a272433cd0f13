"""What is wrong with a roll-out, judged from the objects alone.

A trouble is final (nobody waits for it: admission, quota, an invalid image name, a failed hook or
Job, the progress deadline) or tolerable: it may pass, and counts when it lasts or repeats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deploycharts.cluster.workloads import Body, Snapshot, conditions
from deploycharts.documents import ObjectKey
from deploycharts.target import Target

NOT_READY = "NotReady"
"""Our word for a pod that runs and is not ready; every pod is, while it starts."""

_FINAL_WAITING = frozenset({"InvalidImageName", "ErrImageNeverPull"})
_HARMLESS_WAITING = frozenset({"ContainerCreating", "PodInitializing", ""})
_DEFAULT_PROBE_PERIOD_S = 10
_DEFAULT_FAILURE_THRESHOLD = 3
_UNDECLARED_S = 120
# Their controllers replace pods that ended; such a pod may stay in the list for days.
_ROLLED = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that keeps a release from rolling out.

    Attributes:
        workload: the object that the release made.
        object: the object in trouble, mostly a pod.
        container: its container, empty where the whole object is meant.
        reason: Kubernetes' word: CrashLoopBackOff, ImagePullBackOff, Unschedulable, …
        exit_code: of the container's last end.
        message: Kubernetes' sentence.
        restarts: of the container.
        final: whether waiting is pointless.
        patience_s: seconds that this trouble is entitled to besides the environment's.
        uid: of the pod, empty for other objects; pods of a StatefulSet keep their names.
    """

    target: Target
    workload: ObjectKey
    object: ObjectKey
    container: str
    reason: str
    message: str
    exit_code: int | None = None
    restarts: int = 0
    final: bool = False
    patience_s: int = 0
    uid: str = ""

    @property
    def identity(self) -> tuple[str, str, str]:
        """What is told once: many pods of a workload may have the same problem."""
        return (str(self.workload), self.container, _family(self.reason))

    @property
    def clock(self) -> tuple[str, str, str]:
        """What time is counted for: the problem of one pod, which ends with it."""
        return (self.uid or str(self.object), self.container, _family(self.reason))

    def __str__(self) -> str:
        container = f", container {self.container}" if self.container else ""
        code = f", exit code {self.exit_code}" if self.exit_code is not None else ""
        message = f": {self.message}" if self.message else ""
        return f"{self.object}{container}: {self.reason}{code}{message}"


def diagnose(
    target: Target, snapshot: Snapshot, keys: Sequence[ObjectKey], *, every: bool = False
) -> tuple[Trouble, ...]:
    """The problems of the workloads `keys` in a snapshot, the gravest first.

    Those of pods of an older template count only if `every` pod is asked for.
    """
    found: list[Trouble] = []
    for key in keys:
        found += _workload_troubles(target, key, snapshot)
        over = key.kind == "Job" and bool(found) and found[-1].workload == key
        for pod in snapshot.all_pods_of(key) if every else snapshot.pods_of(key):
            troubles = _pod_troubles(target, key, pod)
            found += (replace(each, final=True) for each in troubles) if over else troubles
    return tuple(sorted(found, key=_gravity))


def _gravity(trouble: Trouble) -> tuple[bool, bool, bool, int]:
    """Of a Job that gave up, its container tells more than the Job itself."""
    is_summary = trouble.object.kind == "Job"
    return not trouble.final, is_summary, trouble.exit_code is None, -trouble.restarts


def _workload_troubles(target: Target, key: ObjectKey, snapshot: Snapshot) -> Iterator[Trouble]:
    body = snapshot.workloads.get(key)
    if body is None:
        return
    replica_set = snapshot.newest_replica_set(key)
    for condition in (*conditions(body), *(conditions(replica_set) if replica_set else ())):
        kind, status = condition.get("type"), condition.get("status")
        reason = str(condition.get("reason", ""))
        deadline = kind == "Progressing" and status == "False"
        refused = kind == "ReplicaFailure" and status == "True"
        failed = key.kind == "Job" and kind == "Failed" and status == "True"
        if deadline or refused or failed:
            message = str(condition.get("message", ""))
            yield Trouble(target, key, key, "", reason, message, final=True)
            return


def _pod_troubles(target: Target, key: ObjectKey, pod: Body) -> Iterator[Trouble]:
    name = ObjectKey("", "Pod", pod["metadata"].get("namespace", ""), pod["metadata"]["name"])
    if pod["metadata"].get("deletionTimestamp"):
        return
    status = pod.get("status") or {}
    containers = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    uid = str(pod["metadata"].get("uid") or "")
    found = [t for c in containers for t in _container_troubles(target, key, name, c)]
    if found:
        yield from (replace(each, uid=uid) for each in found)
        return
    for condition in conditions(pod):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield Trouble(target, key, name, "", str(condition.get("reason", "Unschedulable")),
                          str(condition.get("message", "")), uid=uid)  # fmt: skip
            return
    if status.get("phase") == "Failed" and key.kind not in _ROLLED:
        yield Trouble(target, key, name, "", str(status.get("reason") or "Failed"),
                      str(status.get("message", "")), final=key.kind == "Pod", uid=uid)  # fmt: skip
    elif status.get("phase") == "Running" and key.kind in _ROLLED:
        yield from (replace(each, uid=uid) for each in _unready(target, key, name, pod))


def _container_troubles(
    target: Target, key: ObjectKey, pod: ObjectKey, status: Mapping[str, Any]
) -> Iterator[Trouble]:
    state = status.get("state") or {}
    waiting = state.get("waiting") or {}
    ended = state.get("terminated") or {}
    before = (status.get("lastState") or {}).get("terminated") or {}
    restarts = int(status.get("restartCount") or 0)
    last = ended or before
    crashed = bool(last) and int(last.get("exitCode") or 0) != 0 and not status.get("ready")
    reason = str(waiting.get("reason") or "")
    if crashed:
        word = str(last.get("reason") or "Error")
        shown = reason if word == "Error" and reason not in _HARMLESS_WAITING else word
        message = str(last.get("message") or "")
        yield Trouble(target, key, pod, str(status.get("name", "")), shown, message,
                      exit_code=int(last["exitCode"]), restarts=restarts)  # fmt: skip
    elif reason not in _HARMLESS_WAITING:
        yield Trouble(target, key, pod, str(status.get("name", "")), reason,
                      str(waiting.get("message") or ""), restarts=restarts,
                      final=reason in _FINAL_WAITING)  # fmt: skip


def _unready(target: Target, key: ObjectKey, name: ObjectKey, pod: Body) -> Iterator[Trouble]:
    ready = next((c for c in conditions(pod) if c.get("type") == "Ready"), None)
    if ready is None or ready.get("status") == "True":
        return
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    if any((each.get("state") or {}).get("waiting") for each in statuses):
        return  # a container of it is still being created: its probes have not begun
    unready = [str(s.get("name", "")) for s in statuses if not s.get("ready")]
    message = str(ready.get("message") or "the pod is running but not ready")
    yield Trouble(target, key, name, unready[0] if unready else "", NOT_READY, message,
                  patience_s=_probe_budget_s(pod))  # fmt: skip


def _probe_budget_s(pod: Body) -> int:
    """Seconds that the pod itself declares to need until it is ready.

    Its probes say that. Where none does, or other controllers decide by readiness gates, nothing in
    the pod tells how long that takes.
    """
    spec = pod.get("spec") or {}
    sidecars = [each for each in spec.get("initContainers") or () if "restartPolicy" in each]
    budgets = [
        sum(_probe_s(container.get(probe)) for probe in ("startupProbe", "readinessProbe"))
        for container in (*sidecars, *(spec.get("containers") or ()))
    ]
    declared = max(budgets, default=0)
    return declared if declared and not spec.get("readinessGates") else max(declared, _UNDECLARED_S)


def _probe_s(probe: Mapping[str, Any] | None) -> int:
    if not probe:
        return 0
    period = int(probe.get("periodSeconds") or _DEFAULT_PROBE_PERIOD_S)
    failures = int(probe.get("failureThreshold") or _DEFAULT_FAILURE_THRESHOLD)
    return int(probe.get("initialDelaySeconds") or 0) + period * failures


def _family(reason: str) -> str:
    """Reasons that a pod alternates between while one thing is wrong with it."""
    if reason in {"ErrImagePull", "ImagePullBackOff"}:
        return "image"
    if reason in {"CrashLoopBackOff", "Error", "OOMKilled"}:
        return "crash"
    return reason
