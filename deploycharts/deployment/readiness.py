"""How far workloads are by their own account, and what has not come to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploycharts.cluster.workloads import Body, Snapshot, is_true
from deploycharts.deployment.symptoms import Trouble
from deploycharts.documents import ObjectKey
from deploycharts.target import Target

TIMED_OUT = "TimedOut"
"""Our word for what did not come to its end in time."""
ONCE = frozenset({"Job", "Pod"})
"""Kinds that run once; the others roll."""
_ENDED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Counts:
    """Pods of a workload: ready ones of the new template, wanted ones, those of older templates.

    Attributes:
        draining: how many are told to end and have not yet; 0 where Kubernetes does not count them
            (`terminatingReplicas` of Deployments, from 1.35 on).
    """

    ready: int
    wanted: int
    old: int
    is_complete: bool
    draining: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """How far one workload of a release is.

    Attributes:
        name: its kind and name, empty where the release has no other.
        restarts: of containers of the new template's pods.
    """

    name: str
    counts: Counts
    restarts: int


def parts(keys: Sequence[ObjectKey], snapshot: Snapshot, *, alone: bool) -> tuple[Part, ...]:
    """How far the workloads `keys` of a snapshot are; named unless they are `alone`."""
    found: list[Part] = []
    for key in keys:
        restarts = sum(_restarts(pod) for pod in snapshot.pods_of(key))
        name = "" if alone else str(key)
        found.append(Part(name, counts(key, snapshot.workloads[key]), restarts))
    return tuple(found)


def counts(key: ObjectKey, body: Body) -> Counts:
    """How far a workload's roll-out is, by its own account."""
    spec, status = body.get("spec") or {}, body.get("status") or {}

    def number(name: str) -> int:
        return int(status.get(name) or 0)

    if key.kind == "DaemonSet":
        wanted, updated = number("desiredNumberScheduled"), number("updatedNumberScheduled")
        ready = min(updated, number("numberReady"))
        old = max(0, number("currentNumberScheduled") - updated)
        return Counts(ready, wanted, old, ready == wanted)
    wanted = int(spec.get("replicas", 1))
    updated, total = number("updatedReplicas"), number("replicas")
    ready = number("availableReplicas" if key.kind == "Deployment" else "readyReplicas")
    old = max(0, total - updated)
    new_ready = max(0, min(updated, ready - old))
    is_complete = updated == total == ready == wanted
    return Counts(new_ready, wanted, old, is_complete, number("terminatingReplicas"))


def unfinished(
    target: Target, snapshot: Snapshot, keys: Sequence[ObjectKey], *, timeout_s: float
) -> tuple[Trouble, ...]:
    """What of the workloads `keys` was not done when the time was over; pods by their names.

    Args:
        target: the release.
        snapshot: how things are now.
        keys: its workloads and hooks.
        timeout_s: how long somebody waited.
    """
    found: list[Trouble] = []
    for key in keys:
        if key.kind in ONCE:
            found += _running(target, snapshot, key, timeout_s)
            continue
        body = snapshot.workloads.get(key)
        now = None if body is None else counts(key, body)
        if now is None or not now.is_complete:
            ready = "it was not there" if now is None else f"{now.ready} of {now.wanted} pods ready"
            old = f", {now.old} of an older template left" if now is not None and now.old else ""
            message = f"{ready}{old} after {timeout_s:g} s"
            found.append(Trouble(target, key, key, "", TIMED_OUT, message, final=True))
    return tuple(found)


def _running(
    target: Target, snapshot: Snapshot, key: ObjectKey, timeout_s: float
) -> Iterator[Trouble]:
    """The pods of a Job or a hook that have not ended; the Job itself while it has none."""
    pods, job = snapshot.pods_of(key), snapshot.workloads.get(key)
    if not pods and job is not None and not is_true(job, "Complete", "Failed"):
        message = f"it had no pod that ended within {timeout_s:g} s"
        yield Trouble(target, key, key, "", TIMED_OUT, message, final=True)
    for pod in pods:
        status = pod.get("status") or {}
        if status.get("phase") in _ENDED:
            continue
        metadata = pod["metadata"]
        name = ObjectKey("", "Pod", metadata.get("namespace", ""), metadata["name"])
        running = [
            str(each.get("name", ""))
            for each in status.get("containerStatuses") or ()
            if not (each.get("state") or {}).get("terminated")
        ]
        message = f"it had not ended after {timeout_s:g} s"
        container = running[0] if running else ""
        yield Trouble(target, key, name, container, TIMED_OUT, message, final=True)


def _restarts(pod: Body) -> int:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return sum(int(each.get("restartCount") or 0) for each in statuses)
