"""For how long a problem of a rollout may last: each pod has its own time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from deploycharts.cluster.workloads import Snapshot
from deploycharts.deployment.readiness import Part
from deploycharts.deployment.symptoms import NOT_READY, Trouble
from deploycharts.documents import ObjectKey

BEFORE = "since before this deployment"
_MANY_RESTARTS = 3
_LINGERS_S = 10


@dataclass
class Clocks:
    """Counts the time of each problem of one release.

    Attributes:
        tolerate_s: how long a problem may last that can pass.
    """

    tolerate_s: float
    _first_seen: dict[tuple[str, str, str], float] = field(default_factory=dict)
    _progress: dict[ObjectKey, tuple[int, float]] = field(default_factory=dict)
    _before: frozenset[tuple[str, str, str]] = frozenset()
    _restarts_before: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def remember(self, problems: Sequence[Trouble], snapshot: Snapshot) -> None:
        """Note how things are before an upgrade: that is not its doing."""
        self._before = frozenset(problem.clock for problem in problems)
        self._restarts_before = _restart_counts(snapshot)

    def was_before(self, problem: Trouble) -> bool:
        """Whether a pod had this problem before the upgrade."""
        return problem.clock in self._before

    def left(
        self, problems: Sequence[Trouble], parts: Mapping[ObjectKey, Part], now: float
    ) -> tuple[tuple[Trouble, float | None], ...]:
        """The problems of this moment, each with the seconds that it may still last.

        Args:
            problems: all that is wrong now; the time of what is not among them ends.
            parts: how far each workload is.
            now: the moment.

        Returns:
            None as seconds where waiting has no point.
        """
        self._first_seen = {
            problem.clock: self._first_seen.get(problem.clock, now) for problem in problems
        }
        for key, part in parts.items():
            if part.counts.ready > self._progress.get(key, (0, 0.0))[0]:
                self._progress[key] = (part.counts.ready, now)
        known = [self._with_its_time(problem) for problem in problems]
        return tuple((problem, self._left_s(problem, now)) for problem in known)

    def _with_its_time(self, problem: Trouble) -> Trouble:
        """A problem that was there before lingers until its controller has looked again."""
        if not self.was_before(problem):
            return problem
        patience_s = max(problem.patience_s, _LINGERS_S)
        message = f"{problem.message} ({BEFORE})".strip()
        return replace(problem, final=False, patience_s=patience_s, message=message)

    def _left_s(self, problem: Trouble, now: float) -> float | None:
        earlier = self._restarts_before.get((problem.uid, problem.container), 0)
        if problem.final or problem.restarts - earlier >= _MANY_RESTARTS:
            return None
        return self.tolerate_s + problem.patience_s - (now - self._since(problem))

    def _since(self, problem: Trouble) -> float:
        """From when the time of a problem counts.

        A pod that is not ready yet also has the time of the others: its workload makes progress
        while new pods get ready, as `progressDeadlineSeconds` means it:
        https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#progressing-deployment
        """
        first_seen = self._first_seen[problem.clock]
        if problem.reason != NOT_READY:
            return first_seen
        return max(first_seen, self._progress.get(problem.workload, (0, 0.0))[1])


def _restart_counts(snapshot: Snapshot) -> dict[tuple[str, str], int]:
    """How often each container of each pod was restarted so far, by the pod's UID."""
    return {
        (str(pod["metadata"].get("uid")), str(each.get("name"))): int(each.get("restartCount") or 0)
        for pod in snapshot.pods
        for statuses in ("initContainerStatuses", "containerStatuses")
        for each in (pod.get("status") or {}).get(statuses) or ()
    }
