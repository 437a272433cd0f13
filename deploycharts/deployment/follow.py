"""Following a roll-out: how far it is, what is wrong, and whether waiting still makes sense."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deploycharts.cluster import releases, workloads
from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.cluster.workloads import PATHS, Body, Snapshot, is_true
from deploycharts.deployment.clocks import Clocks
from deploycharts.deployment.readiness import ONCE, Part, parts, unfinished
from deploycharts.deployment.symptoms import NOT_READY, Trouble, diagnose
from deploycharts.deployment.waits import UNBOUND, waiting
from deploycharts.documents import Document, ObjectKey
from deploycharts.target import Target

_SETTLE_S = 1.5
_NOTES_EVERY_S = 2.0
_RECENT_S = 3.0
# Events of what is a trouble by itself, and of metrics that take their time.
_TOLD_OTHERWISE = frozenset(
    {
        "BackOff", "Failed", "FailedScheduling", "FailedCreate", "Unhealthy", "InspectFailed",
        "ProgressDeadlineExceeded", "BackoffLimitExceeded", "FailedGetResourceMetric",
        "FailedComputeMetricsReplicas", "OOMKilling",
    }
)  # fmt: skip
ROLLBACK_HOOKS = frozenset({"pre-rollback", "post-rollback"})
_UNINSTALL_HOOKS = frozenset({"pre-delete", "post-delete"})
_ROLLOUT_HOOKS = ROLLBACK_HOOKS | {"pre-install", "post-install", "pre-upgrade", "post-upgrade"}


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a roll-out.

    Attributes:
        parts: how far each workload is that this roll-out has reached.
        complete: whether nothing of an older template is left and all is ready.
        notes: warnings of the cluster that are new and belong to no pod's trouble.
        troubles: what is wrong, each with the seconds that it may still last (None: no longer).
        failing: the trouble that ends the wait, if any.
    """

    parts: tuple[Part, ...]
    complete: bool
    notes: tuple[str, ...]
    troubles: tuple[tuple[Trouble, float | None], ...]
    failing: Trouble | None

    @property
    def reasons(self) -> tuple[Trouble, ...]:
        """The failing trouble and what else is wrong with its workload; empty if none fails."""
        if self.failing is None:
            return ()
        others = {
            each.identity: each
            for each, _ in reversed(self.troubles)
            if (each.workload == self.failing.workload and each.reason != NOT_READY)
            or (each.reason == UNBOUND and self.failing.reason == "Unschedulable")
        }
        others.pop(self.failing.identity, None)
        return (self.failing, *reversed(others.values()))


class Follower:
    """Follows the workloads of one release from before its upgrade on.

    Attributes:
        clocks: for how long each problem lasts; whoever looks with one follower after the other
            hands them on.
        waits_for_jobs: whether Jobs have to end as well; helm sees to it unless one is suspended.
    """

    def __init__(
        self, cluster: Cluster, target: Target, namespace: str, keys: Sequence[ObjectKey], *,
        tolerate_s: float, timeout_s: float = 0.0, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._cluster = cluster
        self._target = target
        self._namespace = namespace
        self._keys = tuple(keys)
        self._tolerate_s = tolerate_s
        self.clocks = Clocks(tolerate_s)
        self.waits_for_jobs = False
        self._timeout_s = timeout_s
        self._clock = clock
        self._recorded_at: float | None = None
        self._generations: Mapping[ObjectKey, int] = {}
        self._revision = 0
        self._once_before: frozenset[str] = frozenset()
        self._seen: tuple[float, tuple[Trouble, ...]] = (0.0, ())
        self._noted: set[str] = set()
        self._noted_at = clock()
        self._waits: tuple[float, tuple[Trouble, ...]] = (clock(), ())

    def remember(self, revision: int) -> None:
        """Note how things are before the upgrade from `revision`: old troubles are not ours."""
        self._revision = revision
        before = workloads.snapshot(self._cluster, self._namespace, self._keys)
        self._generations = {key: _generation(body) for key, body in before.workloads.items()}
        self._once_before = frozenset(
            str(body["metadata"].get("uid")) for key in self._keys for body in _once(key, before)
        )
        self.clocks.remember(diagnose(self._target, before, self._keys), before)
        self._new_notes(before, self._noted_at + _NOTES_EVERY_S)

    def look(self) -> Look:
        """Look once.

        Raises:
            Unreachable: the API server does not answer.
        """
        snapshot = workloads.snapshot(self._cluster, self._namespace, self._keys)
        applied = [key for key in self._keys if self._is_applied(key, snapshot)]
        now = self._clock()
        troubles = [*diagnose(self._target, snapshot, applied), *self._waiting(now)]
        if troubles:
            self._seen = (now, tuple(troubles))
        rolling = [key for key in self._keys if key.kind not in ONCE]
        reached = [key for key in rolling if key in applied and key in snapshot.workloads]
        found = parts(reached, snapshot, alone=len(rolling) == 1)
        left = self.clocks.left(troubles, dict(zip(reached, found, strict=True)), now)
        failing = [trouble for trouble, seconds in left if seconds is None or seconds <= 0]
        return Look(
            parts=found,
            complete=len(reached) == len(rolling)
            and all(part.counts.is_complete for part in found)
            and not (self.waits_for_jobs and _has_open_jobs(snapshot)),
            notes=self._new_notes(snapshot, now),
            troubles=left,
            failing=failing[0] if failing else None,
        )

    def explain(self, timeout_s: float, *, named: str = "") -> tuple[Trouble, ...]:
        """What stood in the way, once nobody waits any longer.

        Args:
            timeout_s: how long somebody waited.
            named: a sentence; Jobs that it names count even if they were there before.

        Raises:
            Unreachable: the API server does not answer.
        """
        snapshot = workloads.snapshot(self._cluster, self._namespace, self._keys)
        ours = [
            key
            for key in self._keys
            if key.kind not in ONCE or self._is_new(key, snapshot) or key.name in named
        ]
        found = [each for each in diagnose(self._target, snapshot, ours) if self._is_fresh(each)]
        at, seen = self._seen
        if not found and self._clock() - at < _RECENT_S:
            found = [*seen]  # a hook may be deleted as soon as it failed
        waits = self._waiting(self._clock() + _NOTES_EVERY_S)
        found = [*(t for t in found if t.final), *waits, *(t for t in found if not t.final)]
        found += unfinished(self._target, snapshot, ours, timeout_s=timeout_s)
        workload = found[0].workload if found else None
        once = {each.identity: each for each in reversed(found) if each.workload == workload}
        return tuple(reversed(once.values()))

    def _waiting(self, now: float) -> tuple[Trouble, ...]:
        """What objects without pods wait for, asked less often than pods; helm sets the limit."""
        asked_at, found = self._waits
        if self._timeout_s and now - asked_at >= _NOTES_EVERY_S:
            patience_s = max(0.0, self._timeout_s - self._tolerate_s)
            found = waiting(self._cluster, self._target, self._namespace, patience_s=patience_s)
            self._waits = (now, found)
        return found

    def _is_fresh(self, trouble: Trouble) -> bool:
        return trouble.workload.kind in ONCE or (not self.clocks.was_before(trouble))

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
        if key.kind in ONCE:
            return self._is_new(key, snapshot)
        body = snapshot.workloads.get(key)
        if body is None:
            return False
        status = body.get("status") or {}
        if int(status.get("observedGeneration") or 0) < _generation(body):
            return False
        return self._generations.get(key) != _generation(body) or self._has_settled()

    def _is_new(self, key: ObjectKey, snapshot: Snapshot) -> bool:
        """Whether a Job or a hook's pod was made since the upgrade began."""
        return any(
            str(body["metadata"].get("uid")) not in self._once_before
            for body in _once(key, snapshot)
        )

    def _has_settled(self) -> bool:
        """Whether helm has recorded its revision long enough ago to have applied all."""
        if self._recorded_at is None:
            number, _ = releases.newest_number(self._cluster, self._namespace, self._target.release)
            if number > self._revision:
                self._recorded_at = self._clock()
        return self._recorded_at is not None and self._clock() - self._recorded_at > _SETTLE_S


def _has_open_jobs(snapshot: Snapshot) -> bool:
    jobs = [body for key, body in snapshot.workloads.items() if key.kind == "Job"]
    return any(not body["spec"].get("suspend") and not is_true(body, "Complete") for body in jobs)


def is_suspended_job(document: Document) -> bool:
    """Whether a document is a Job that does not begin; a hook's is not the release's own."""
    spec = document.body.get("spec")
    suspended = isinstance(spec, dict) and spec.get("suspend") is True
    return document.key.kind == "Job" and suspended and not _hooks(document)


def _generation(body: Body) -> int:
    return int(body["metadata"].get("generation") or 0)


def _once(key: ObjectKey, snapshot: Snapshot) -> tuple[Body, ...]:
    """The object itself, if it is a Job or a pod that is no other's."""
    if key.kind == "Pod":
        return snapshot.pods_of(key)
    return (snapshot.workloads[key],) if key.kind == "Job" and key in snapshot.workloads else ()


def follow_keys(
    documents: Sequence[Document], *, hooks: frozenset[str] = _ROLLOUT_HOOKS
) -> tuple[ObjectKey, ...]:
    """The objects whose pods take part in a roll-out: workloads and `hooks`, not tests."""
    return tuple(
        document.key
        for document in documents
        if (document.key.kind in PATHS and document.key.kind != "CronJob" and not _hooks(document))
        or (document.key.kind in ONCE and _hooks(document) & hooks)
    )


def uninstall_hooks(documents: Sequence[Document]) -> tuple[ObjectKey, ...]:
    """The Jobs and pods that run before and after a release is deleted."""
    return tuple(
        document.key
        for document in documents
        if document.key.kind in ONCE and _hooks(document) & _UNINSTALL_HOOKS
    )


def _hooks(document: Document) -> frozenset[str]:
    metadata = document.body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    hook = annotations.get("helm.sh/hook") if isinstance(annotations, dict) else None
    return frozenset(word.strip() for word in str(hook or "").split(",") if word.strip())
