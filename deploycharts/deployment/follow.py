"""Following a roll-out: how far it is, what is wrong, and whether waiting still makes sense."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from deploycharts.cluster import releases, workloads
from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.cluster.workloads import PATHS, Body, Snapshot
from deploycharts.deployment.symptoms import Trouble, diagnose
from deploycharts.documents import Document, ObjectKey
from deploycharts.target import Target

_SETTLE_S = 1.5
_MANY_RESTARTS = 3
_LINGERS_S = 10
_NOTES_EVERY_S = 2.0
# Events of what is a trouble by itself, and of metrics that take their time.
_TOLD_OTHERWISE = frozenset(
    {
        "BackOff", "Failed", "FailedScheduling", "FailedCreate", "Unhealthy", "InspectFailed",
        "ProgressDeadlineExceeded", "BackoffLimitExceeded", "FailedGetResourceMetric",
        "FailedComputeMetricsReplicas", "OOMKilling",
    }
)  # fmt: skip
_ROLLOUT_HOOKS = frozenset(
    {"pre-install", "post-install", "pre-upgrade", "post-upgrade", "pre-rollback", "post-rollback"}
)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a roll-out.

    Attributes:
        ready: pods of the new template that are ready.
        wanted: pods that shall be.
        old: pods of older templates that are still there.
        restarts: of containers of the new template's pods.
        complete: whether nothing of an older template is left and all is ready.
        notes: warnings of the cluster that are new and belong to no pod's trouble.
        troubles: what is wrong, each with the seconds that it may still last (None: no longer).
        failing: the trouble that ends the wait, if any.
    """

    ready: int
    wanted: int
    old: int
    restarts: int
    complete: bool
    notes: tuple[str, ...]
    troubles: tuple[tuple[Trouble, float | None], ...]
    failing: Trouble | None


class Follower:
    """Follows the workloads of one release from before its upgrade on."""

    def __init__(
        self, cluster: Cluster, target: Target, namespace: str, keys: Sequence[ObjectKey], *,
        tolerate_s: float, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._cluster = cluster
        self._target = target
        self._namespace = namespace
        self._keys = tuple(keys)
        self._tolerate_s = tolerate_s
        self._clock = clock
        self._first_seen: dict[tuple[str, str, str], float] = {}
        self._recorded_at: float | None = None
        self._generations: Mapping[ObjectKey, int] = {}
        self._revision = 0
        self._before: frozenset[tuple[ObjectKey, str]] = frozenset()
        self._noted: set[str] = set()
        self._noted_at = clock()

    def remember(self, revision: int) -> None:
        """Note how things are before the upgrade from `revision`: old troubles are not ours."""
        self._revision = revision
        before = workloads.snapshot(self._cluster, self._namespace, self._keys)
        self._generations = {key: _generation(body) for key, body in before.workloads.items()}
        found = diagnose(self._target, before, self._keys)
        self._before = frozenset((trouble.object, trouble.message) for trouble in found)
        self._new_notes(before, self._noted_at + _NOTES_EVERY_S)

    def look(self) -> Look:
        """Look once.

        Raises:
            Unreachable: the API server does not answer.
        """
        snapshot = workloads.snapshot(self._cluster, self._namespace, self._keys)
        applied = [key for key in self._keys if self._is_applied(key, snapshot)]
        now = self._clock()
        troubles = [self._in_time(each) for each in diagnose(self._target, snapshot, applied)]
        seen = {trouble.identity: self._first_seen.get(trouble.identity, now)
                for trouble in troubles}  # fmt: skip
        self._first_seen = seen
        left = tuple(
            (trouble, self._left_s(trouble, now - seen[trouble.identity])) for trouble in troubles
        )
        failing = [trouble for trouble, seconds in left if seconds is None or seconds <= 0]
        rolling = [key for key in self._keys if key.kind not in {"Job", "Pod"}]
        numbers = [counts(key, snapshot.workloads[key]) for key in rolling
                  if key in snapshot.workloads]  # fmt: skip
        return Look(
            ready=sum(each.ready for each in numbers),
            wanted=sum(each.wanted for each in numbers),
            old=sum(each.old for each in numbers),
            restarts=sum(_restarts(pod) for key in rolling for pod in snapshot.pods_of(key)),
            complete=all(key in applied for key in rolling)
            and all(each.is_complete for each in numbers),
            notes=self._new_notes(snapshot, now),
            troubles=left,
            failing=failing[0] if failing else None,
        )

    def _new_notes(self, snapshot: Snapshot, now: float) -> tuple[str, ...]:
        """Events are many, and asked for less often than pods."""
        if now - self._noted_at < _NOTES_EVERY_S:
            return ()
        self._noted_at = now
        try:
            found = [note for note in self._notes(snapshot) if note not in self._noted]
        except ApiError:  # who may not read events follows without them
            return ()
        self._noted.update(found)
        return tuple(found)

    def _notes(self, snapshot: Snapshot) -> list[str]:
        own = [pod for key in self._keys for pod in snapshot.pods_of(key)]
        names = [*(key.name for key in self._keys), *(pod["metadata"]["name"] for pod in own)]
        return [
            f"{event['involvedObject']['kind']}/{event['involvedObject']['name']}: "
            f"{event.get('reason', '')}: {event.get('message', '')}"
            for event in workloads.events(self._cluster, self._namespace, names)
            if event.get("type") == "Warning" and event.get("reason") not in _TOLD_OTHERWISE
        ]

    def _is_applied(self, key: ObjectKey, snapshot: Snapshot) -> bool:
        """Whether what is seen is the work of this upgrade, not what it found."""
        body = snapshot.workloads.get(key)
        if key.kind == "Pod" or body is None:
            return key.kind == "Pod"
        status = body.get("status") or {}
        if int(status.get("observedGeneration") or 0) < _generation(body) and key.kind != "Job":
            return False
        return self._generations.get(key) != _generation(body) or self._has_settled()

    def _has_settled(self) -> bool:
        """Whether helm has recorded its revision long enough ago to have applied all."""
        if self._recorded_at is None:
            number, _ = releases.newest_number(self._cluster, self._namespace, self._target.release)
            if number > self._revision:
                self._recorded_at = self._clock()
        return self._recorded_at is not None and self._clock() - self._recorded_at > _SETTLE_S

    def _in_time(self, trouble: Trouble) -> Trouble:
        """A trouble that was there before lingers until its controller has looked again."""
        if (trouble.object, trouble.message) not in self._before:
            return trouble
        return replace(trouble, final=False, patience_s=max(trouble.patience_s, _LINGERS_S))

    def _left_s(self, trouble: Trouble, lasted_s: float) -> float | None:
        if trouble.final or trouble.restarts >= _MANY_RESTARTS:
            return None
        return self._tolerate_s + trouble.patience_s - lasted_s


def _generation(body: Body) -> int:
    return int(body["metadata"].get("generation") or 0)


@dataclass(frozen=True, slots=True)
class Counts:
    """Pods of a workload: ready ones of the new template, wanted ones, those of older templates."""

    ready: int
    wanted: int
    old: int
    is_complete: bool


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
    return Counts(new_ready, wanted, old, updated == total == ready == wanted)


def _restarts(pod: Body) -> int:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return sum(int(each.get("restartCount") or 0) for each in statuses)


def follow_keys(documents: Sequence[Document]) -> tuple[ObjectKey, ...]:
    """The objects whose pods take part in a roll-out: workloads and hooks, not tests."""
    return tuple(
        document.key
        for document in documents
        if (document.key.kind in PATHS and document.key.kind != "CronJob" and not _hooks(document))
        or (document.key.kind in {"Job", "Pod"} and _hooks(document) & _ROLLOUT_HOOKS)
    )


def _hooks(document: Document) -> frozenset[str]:
    metadata = document.body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    hook = annotations.get("helm.sh/hook") if isinstance(annotations, dict) else None
    return frozenset(word.strip() for word in str(hook or "").split(",") if word.strip())
