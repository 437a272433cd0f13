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
        wanted: those that take the new template by themselves, of as many as the workload or its
            autoscaler asks for.
        draining: how many are told to end and have not yet; 0 where Kubernetes does not count them
            (`terminatingReplicas` of Deployments, from 1.35 on).
        kept: those that keep an older template as the update strategy says (a partition, OnDelete).
        kept_ready: how many of these are ready.
    """

    ready: int
    wanted: int
    old: int
    is_complete: bool
    draining: int = 0
    kept: int = 0
    kept_ready: int = 0


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
        found.append(Part(name, counts(key, snapshot), restarts))
    return tuple(found)


def counts(key: ObjectKey, snapshot: Snapshot) -> Counts:
    """How far the rollout of a workload of the snapshot is, by its own account.

    What does not roll by itself is complete: a paused Deployment, a partition, OnDelete.
    """
    body = snapshot.workloads[key]
    if key.kind == "DaemonSet":
        return _daemon_set(body)
    asked = int((body.get("spec") or {}).get("replicas", 1))
    wanted = max(asked, snapshot.asked_of(key))
    if key.kind == "StatefulSet":
        return _stateful_set(key, snapshot, wanted)
    return _deployment(body, wanted)


def _deployment(body: Body, wanted: int) -> Counts:
    updated, total = _number(body, "updatedReplicas"), _number(body, "replicas")
    ready, draining = _number(body, "availableReplicas"), _number(body, "terminatingReplicas")
    old = max(0, total - updated)
    new_ready = max(0, min(updated, ready - old))
    if (body.get("spec") or {}).get("paused"):
        kept_ready = max(0, ready - new_ready)
        return Counts(new_ready, updated, 0, True, draining, kept=old, kept_ready=kept_ready)
    is_complete = updated == total == ready == wanted
    return Counts(new_ready, wanted, old, is_complete, draining)


def _stateful_set(key: ObjectKey, snapshot: Snapshot, wanted: int) -> Counts:
    """Of a StatefulSet the pods tell which of them are of the new template and ready."""
    body = snapshot.workloads[key]
    updated, total = _number(body, "updatedReplicas"), _number(body, "replicas")
    new_ready = sum(is_true(pod, "Ready") for pod in snapshot.pods_of(key))
    taking = max(min(updated, wanted), _taking(body, wanted))
    kept = min(max(0, wanted - taking), max(0, total - updated))
    kept_ready = max(0, min(kept, _number(body, "readyReplicas") - new_ready))
    old = max(0, total - updated - kept)
    is_complete = total == wanted and updated >= taking and new_ready >= taking
    ready = min(new_ready, taking)
    return Counts(ready, taking, old, is_complete, kept=kept, kept_ready=kept_ready)


def _taking(body: Body, wanted: int) -> int:
    """How many pods of a StatefulSet take a new template by themselves."""
    spec, status = body.get("spec") or {}, body.get("status") or {}
    if status.get("updateRevision") == status.get("currentRevision"):
        return wanted  # there is but one template
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return 0
    first = int((spec.get("ordinals") or {}).get("start") or 0)
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    return max(0, wanted - max(0, partition - first))


def _daemon_set(body: Body) -> Counts:
    wanted = _number(body, "desiredNumberScheduled")
    updated = _number(body, "updatedNumberScheduled")
    all_ready = _number(body, "numberReady")
    ready = min(updated, all_ready)
    old = max(0, _number(body, "currentNumberScheduled") - updated)
    strategy = (body.get("spec") or {}).get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return Counts(ready, updated, 0, True, kept=old, kept_ready=max(0, all_ready - ready))
    return Counts(ready, wanted, old, ready == wanted)


def _number(body: Body, name: str) -> int:
    return int((body.get("status") or {}).get(name) or 0)


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
        now = None if body is None else counts(key, snapshot)
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
    is_suspended = job is not None and bool(job["spec"].get("suspend"))
    if not pods and job is not None and not (is_suspended or is_true(job, "Complete", "Failed")):
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
