"""Doing one step of a plan, and undoing it. The journal knows of each act before it begins."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from deploycharts.cluster import releases, workloads
from deploycharts.cluster.connection import Cluster
from deploycharts.deployment import evidence, progress
from deploycharts.deployment.control import Stopped
from deploycharts.deployment.evidence import Evidence
from deploycharts.deployment.follow import Follower, Look
from deploycharts.deployment.gates import ARTIFACT
from deploycharts.deployment.journal import Journal
from deploycharts.deployment.objections import RefusalKind
from deploycharts.deployment.plan import Action, Place, Step
from deploycharts.deployment.progress import Listener
from deploycharts.deployment.symptoms import NOT_READY, Trouble
from deploycharts.errors import OutcomeUnknown, StalePlan, UserError
from deploycharts.target import Target
from deploycharts.tools import helm, helmfile
from deploycharts.tools.process import Result, Running
from deploycharts.tools.workdir import private_folder

_LOOK_EVERY_S = 0.4
_NOTICE_EVERY_S = 0.05
_WORTH_A_WORD_S = 3.0
_OBSERVED_S = 10.0


class StepFailed(Exception):
    """An act did not succeed; helm recorded it as `revision`, 0 if it made none."""

    def __init__(self, target: Target, found: Evidence, revision: int) -> None:
        super().__init__(str(target))
        self.target = target
        self.evidence = found
        self.revision = revision


@dataclass
class Actor:
    """Carries out acts on releases for one deployment.

    Attributes:
        sleep: waits between looks; what it raises stops the act, and helm with it.
        labels: given to each new revision besides the deployment's ID.
        reason: what helm's history says besides the ID.
        take_over: overwrite fields that others own, where the plan says that there are some.
        patience_s: how long an API server that does not answer is asked how an act ended.
    """

    journal: Journal
    listen: Listener
    author: str
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    labels: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    patience_s: float = 30.0
    take_over: bool = False
    _shown: set[tuple[str, str, str]] = field(default_factory=set)

    def do(self, step: Step) -> int:
        """Install, upgrade or uninstall the step's release; returns the revision it stands as.

        Raises:
            StalePlan: the release moved since the plan was made, or its layers did.
            StepFailed: it does not roll out; nothing is undone yet.
            OutcomeUnknown: the cluster cannot be asked how it ended.
        """
        place, action = step.place, step.action.value
        with _connected(place) as cluster:
            self._require_revision(cluster, place, step.expected_revision)
            self._intend(place, action, step.expected_revision, step.release.fingerprint)
            started = self.clock()
            try:
                if step.action is Action.UNINSTALL:
                    revision = self._uninstall(cluster, place, step.expected_revision)
                else:
                    revision = self._upgrade(cluster, step)
            except Stopped:
                self.journal.append("result", target=str(step.target), ok=False, stopped=True)
                raise
            self._conclude(place, action, revision, started)
            return revision

    def require_well(self, step: Step) -> None:
        """Look once at what a step made.

        Raises:
            StepFailed: it is in trouble by now.
        """
        with _connected(step.place) as cluster:
            number, _ = self._newest(cluster, step.place)
            follower = self._follower(cluster, step.place)
            look = self._look(follower, step.place, self.clock())
            if look is not None and look.failing is not None:
                raise self._failed(cluster, step.place, (look.failing,), None, number)

    def roll(self, place: Place, action: str, begin: Callable[[Cluster], None]) -> None:
        """Begin a roll-out that helm knows nothing of, and follow it to its end.

        Raises:
            StepFailed: it does not come to a good one.
        """
        with _connected(place) as cluster:
            number, _ = self._newest(cluster, place)
            follower = self._follower(cluster, place)
            follower.remember(number)
            self._intend(place, action, number)
            started = self.clock()
            begin(cluster)
            failing = self._settle(follower, place)
            if failing is not None:
                raise self._failed(cluster, place, (failing,), None, number)
            self._conclude(place, action, number, started)

    def require_revision(self, place: Place, expected: int) -> None:
        """Make sure that helm's newest revision is still the expected one.

        Raises:
            StalePlan: it is another.
        """
        with _connected(place) as cluster:
            self._require_revision(cluster, place, expected)

    def undo(self, step: Step) -> int:
        """Bring a release back to where the plan found it; returns the revision it stands as.

        Raises:
            StepFailed: that does not work either.
            OutcomeUnknown: the cluster cannot be asked how it ended.
        """
        with _connected(step.place) as cluster:
            number, _ = self._newest(cluster, step.place)
        if number == step.expected_revision and step.action is not Action.UNINSTALL:
            return number  # helm had not recorded anything yet
        return self.go_back(step.place, step.return_to)

    def go_back(self, place: Place, revision: int | None) -> int:
        """Roll a release back to `revision`, None uninstalls it; returns where it stands."""
        with _connected(place) as cluster:
            number, status = self._newest(cluster, place)
            if number == 0 or (revision is None and status == "uninstalled"):
                return number
            action = "uninstall" if revision is None else f"rollback to {revision}"
            self._intend(place, action, number)
            started = self.clock()
            if revision is None:
                new = self._uninstall(cluster, place, number)
            else:
                new = self._rollback(cluster, place, number, revision)
            self._conclude(place, action, new, started)
            return new

    def _upgrade(self, cluster: Cluster, step: Step) -> int:
        follower = self._follower(cluster, step.place)
        follower.remember(step.expected_revision)
        said: list[str] = []
        with private_folder("sync") as workdir:
            running = helmfile.sync(
                step.release.state_file,
                step.place.environment.name,
                step.target.release,
                planned=step.release.fingerprint,
                workdir=workdir,
                description=self._description(),
                labels={
                    **self.labels,
                    ARTIFACT: step.artifact,
                    "deployment": self.journal.deployment,
                },
                on_line=said.append,
                take_over=self.take_over and _conflicts(step),
            )
            self.journal.append("started", target=str(step.target), pid=running.pid)
            failing = self._watch(running, follower, step.place)
            result = running.wait()
            if helmfile.refused(workdir):
                raise StalePlan(
                    f"{step.target}: layers or chart changed after the plan was made",
                    next_step="look at the new difference, then deploy again",
                )
        return self._judge(cluster, step.place, follower, result, failing, step.expected_revision)

    def _description(self) -> str:
        reason = f": {self.reason}" if self.reason else ""
        return f"deployment {self.journal.deployment} by {self.author}{reason}"

    def _rollback(self, cluster: Cluster, place: Place, number: int, revision: int) -> int:
        follower = self._follower(cluster, place)
        follower.remember(number)
        release = place.target.release
        running = helm.rollback(
            release,
            revision,
            server_side=releases.is_server_side(cluster, place.namespace, release, revision),
            namespace=place.namespace,
            kubeconfig=place.kubeconfig,
            timeout_s=place.environment.timeout_s,
        )
        result = running.wait()  # it only applies, and is not to be stopped in the middle
        self._free_stateful_sets(cluster, place)
        return self._judge(cluster, place, follower, result, None, number)

    def _free_stateful_sets(self, cluster: Cluster, place: Place) -> None:
        started = self.clock()
        while self.clock() - started < _OBSERVED_S:
            try:
                if workloads.replace_stuck_pods(cluster, place.namespace, place.workloads):
                    return
            except UserError:  # whoever follows the pods will say what is wrong
                return
            self.sleep(_LOOK_EVERY_S)

    def _uninstall(self, cluster: Cluster, place: Place, number: int) -> int:
        result = helm.uninstall(
            place.target.release,
            namespace=place.namespace,
            kubeconfig=place.kubeconfig,
            timeout_s=place.environment.timeout_s,
        ).wait()
        if result.code != 0:
            raise self._failed(cluster, place, (), result, number)
        return number

    def _watch(self, running: Running, follower: Follower, place: Place) -> Trouble | None:
        """Look until the program ends or a trouble ends the wait; then the program is stopped."""
        started = self.clock()
        try:
            while running.is_alive():
                look = self._look(follower, place, started)
                if look is not None and look.failing is not None:
                    running.interrupt()
                    return look.failing
                self._sleep_beside(running)
        except BaseException:
            running.interrupt()
            running.wait()
            raise
        return None

    def _sleep_beside(self, running: Running) -> None:
        """Sleep until the next look, or until the program has ended."""
        until = self.clock() + _LOOK_EVERY_S
        while self.clock() < until and running.is_alive():
            self.sleep(_NOTICE_EVERY_S)

    def _judge(
        self, cluster: Cluster, place: Place, follower: Follower, result: Result,
        failing: Trouble | None, before: int,
    ) -> int:  # fmt: skip
        """The new revision, once all of its pods are there; helm returns before that."""
        number, status = self._newest(cluster, place)
        if failing is None and result.code == 0 and status == "deployed" and number > before:
            failing = self._settle(follower, place)
            if failing is None:
                return number
        troubles = () if failing is None else (failing,)
        raise self._failed(cluster, place, troubles, result, number if number > before else 0)

    def _settle(self, follower: Follower, place: Place) -> Trouble | None:
        started = self.clock()
        while self.clock() - started < place.environment.timeout_s:
            look = self._look(follower, place, started)
            if look is not None and look.failing is not None:
                return look.failing
            if look is not None and look.complete:
                return None
            self.sleep(_LOOK_EVERY_S)
        key = place.workloads[0]
        message = f"its pods were not all ready after {place.environment.timeout_s} s"
        return Trouble(place.target, key, key, "", "TimedOut", message, final=True)

    def _look(self, follower: Follower, place: Place, started: float) -> Look | None:
        try:
            look = follower.look()
        except UserError as error:  # an API server that restarts also refuses for a moment
            key = (str(place.target), "api", error.what)
            if key not in self._shown:
                self._shown.add(key)
                self.listen(progress.Said(f"{place.target}: {error.what}; still following"))
            return None
        seconds = self.clock() - started
        self.listen(
            progress.Moved(place.target, look.ready, look.wanted, look.old, look.restarts, seconds)
        )
        for note in look.notes:
            self.listen(progress.Noted(place.target, place.mask.text(note)))
        for trouble, left_s in look.troubles:
            if (
                trouble.reason == NOT_READY
                and left_s is not None
                and left_s > _quiet_s(place, trouble)
            ):
                continue  # every pod is unready while it starts
            workload, container, reason = trouble.identity
            key = (f"{place.target} {workload}", container, reason)
            if key not in self._shown:
                self._shown.add(key)
                self.listen(progress.Appeared(evidence.masked(trouble, place.mask.text), left_s))
        return look

    def _failed(
        self, cluster: Cluster, place: Place, troubles: tuple[Trouble, ...],
        result: Result | None, revision: int,
    ) -> StepFailed:  # fmt: skip
        said = "" if troubles or result is None else evidence.helm_words(result)
        found = evidence.collect(
            cluster,
            place.namespace,
            tuple(evidence.masked(trouble, place.mask.text) for trouble in troubles),
            helm=said,
            mask=place.mask.text,
        )
        self.journal.append(
            "result", target=str(place.target), ok=False, revision=revision,
            evidence=found.as_json(),
        )  # fmt: skip
        return StepFailed(place.target, found, revision)

    def _require_revision(self, cluster: Cluster, place: Place, expected: int) -> None:
        number, status = self._newest(cluster, place)
        if number != expected:
            raise StalePlan(
                f"{place.target} is at revision {number} ({status}), the plan was made for "
                f"{expected}",
                why="somebody deployed in between",
                next_step=f"deploy diff {place.environment.name} {place.target.service}",
            )

    def _newest(self, cluster: Cluster, place: Place) -> tuple[int, str]:
        """The newest revision; waits for an API server that comes back soon."""
        started = self.clock()
        while True:
            try:
                return releases.newest_number(cluster, place.namespace, place.target.release)
            except UserError as error:
                if self.clock() - started > self.patience_s:
                    raise OutcomeUnknown(
                        f"{place.target}: how it ended is not known",
                        why=f"{error.what}\n{error.why}".strip(),
                        next_step=f"deploy status {place.environment.name} {place.target.service}",
                    ) from None
                self.sleep(1.0)

    def _follower(self, cluster: Cluster, place: Place) -> Follower:
        return Follower(
            cluster, place.target, place.namespace, place.workloads,
            tolerate_s=place.environment.tolerate_s, clock=self.clock,
        )  # fmt: skip

    def _intend(self, place: Place, action: str, revision: int, fingerprint: str = "") -> None:
        self.journal.append(
            "intent", target=str(place.target), action=action, expecting=revision,
            fingerprint=fingerprint,
        )  # fmt: skip
        self.listen(progress.Began(place.target, action, revision))

    def _conclude(self, place: Place, action: str, revision: int, started: float) -> None:
        self.journal.append("result", target=str(place.target), ok=True, revision=revision)
        seconds = self.clock() - started
        self.listen(progress.Finished(place.target, action, revision, seconds))


def _quiet_s(place: Place, trouble: Trouble) -> float:
    """The patience that is left when an unready pod becomes worth a word."""
    return place.environment.tolerate_s + trouble.patience_s - _WORTH_A_WORD_S


@contextmanager
def _connected(place: Place) -> Iterator[Cluster]:
    cluster = Cluster(place.kubeconfig, name=place.environment.name)
    try:
        yield cluster
    finally:
        cluster.close()


def _conflicts(step: Step) -> bool:
    return any(refusal.kind is RefusalKind.CONFLICT for refusal in step.refusals)
