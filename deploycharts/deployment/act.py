"""Doing one step of a plan, and undoing it. The journal knows of each act before it begins."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from deploycharts.cluster import releases, workloads
from deploycharts.cluster.connection import Cluster
from deploycharts.deployment import follow, progress, uninstalling
from deploycharts.deployment.clocks import Clocks
from deploycharts.deployment.control import Stopped
from deploycharts.deployment.follow import ROLLBACK_HOOKS, Follower, follow_keys
from deploycharts.deployment.gates import ARTIFACT
from deploycharts.deployment.journal import Journal
from deploycharts.deployment.judge import Judge
from deploycharts.deployment.ledger import Ledger
from deploycharts.deployment.objections import RefusalKind
from deploycharts.deployment.plan import Action, Place, Step
from deploycharts.deployment.progress import Listener
from deploycharts.deployment.settling import Settling
from deploycharts.deployment.watch import LOOK_EVERY_S, Watcher
from deploycharts.errors import StalePlan, UserError
from deploycharts.target import Target
from deploycharts.tools import helm, helmfile, plainwords
from deploycharts.tools.workdir import private_folder

_OBSERVED_S = 10.0


@dataclass
class Actor:
    """Carries out acts on releases for one deployment.

    Attributes:
        sleep: waits between looks; what it raises stops the act, and helm with it.
        labels: given to each new revision besides the deployment's ID.
        reason: what helm's history says besides the ID.
        take_over: overwrite fields that others own, where the plan says that there are some.
        timeout_s: how long an API server that does not answer is asked how an act ended.
    """

    journal: Journal
    listen: Listener
    author: str
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    labels: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    timeout_s: float = 30.0
    take_over: bool = False
    _shown: set[tuple[str, str, str]] = field(default_factory=set)
    _clocks: dict[Target, Clocks] = field(default_factory=dict)
    _silent: set[str] = field(default_factory=set)

    def do(self, step: Step) -> int:
        """Install, upgrade or uninstall the step's release; returns the revision it stands as.

        Raises:
            StalePlan: the release moved since the plan was made, or its layers did.
            StepFailed: it does not roll out; nothing is undone yet.
            OutcomeUnknown: the cluster cannot be asked how it ended.
        """
        place, action = step.place, step.action.value
        with _connected(place) as cluster:
            self._ledger(cluster, place).require(step.expected_revision)
            self._intend(place, action, step.expected_revision, step.release.fingerprint)
            started = self.clock()
            try:
                if step.action is Action.UNINSTALL:
                    revision = self._uninstall(cluster, place, step.expected_revision)
                else:
                    judge = self._judge(cluster, place)
                    number = step.expected_revision
                    number = uninstalling.bring_back(cluster, place, number, judge=judge)
                    revision = self._upgrade(cluster, replace(step, expected_revision=number))
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
            number = self._ledger(cluster, step.place).newest().number
            watcher = self._watcher(cluster, step.place)
            follower = watcher.follower
            follower.clocks = self._clocks.setdefault(step.target, follower.clocks)
            look = watcher.look(self.clock())
            if look is not None and look.failing is not None:
                raise self._judge(cluster, step.place).failed(look.reasons, number)

    def roll(self, place: Place, action: str, begin: Callable[[Cluster], None]) -> None:
        """Begin a roll-out that helm knows nothing of, and follow it to its end.

        Raises:
            StepFailed: it does not come to a good one.
        """
        with _connected(place) as cluster:
            number = self._ledger(cluster, place).newest().number
            watcher = self._watcher(cluster, place, since=number)
            self._intend(place, action, number)
            started = self.clock()
            begin(cluster)
            failing = watcher.until_complete()
            if failing:
                raise self._judge(cluster, place).failed(failing, number)
            self._conclude(place, action, number, started)

    def require_revision(self, place: Place, expected: int) -> None:
        """Make sure that helm's newest revision is still the expected one.

        Raises:
            StalePlan: it is another.
        """
        with _connected(place) as cluster:
            self._ledger(cluster, place).require(expected)

    def undo(self, step: Step) -> bool:
        """Bring a release back to where the plan found it; whether anything had to be done.

        Raises:
            StepFailed: that does not work either.
            OutcomeUnknown: the cluster cannot be asked how it ended.
        """
        with _connected(step.place) as cluster:
            number = self._ledger(cluster, step.place).newest().number
        if number == step.expected_revision and step.action is not Action.UNINSTALL:
            return False  # helm had not recorded anything yet
        self.go_back(step.place, step.return_to)
        return True

    def go_back(self, place: Place, revision: int | None, *, hooks: bool = True) -> int:
        """Roll a release back to `revision`, None uninstalls it; returns where it stands.

        `hooks` says whether those of an uninstall run.
        """
        with _connected(place) as cluster:
            now = self._ledger(cluster, place).newest()
            number = now.number
            if number == 0 or (revision is None and now.status == "uninstalled"):
                return number
            action = "uninstall" if revision is None else f"rollback to {revision}"
            self._intend(place, action, number)
            started = self.clock()
            if revision is None:
                new = self._uninstall(cluster, place, number, hooks=hooks)
            else:
                new = self._rollback(cluster, place, number, revision)
            self._conclude(place, action, new, started)
            return new

    def _upgrade(self, cluster: Cluster, step: Step) -> int:
        watcher = self._watcher(cluster, step.place, since=step.expected_revision)
        watcher.follower.waits_for_jobs = any(map(follow.is_suspended_job, step.difference.head))
        said: list[str] = []
        if step.return_to != step.expected_revision:
            settling = Settling(cluster, step.place, self.journal, self.listen)
            settling.before_upgrade(step.difference.head)
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
                copy=step.release.chart.copy,
                waits_for_jobs=not watcher.follower.waits_for_jobs,
                aim=step.release.aim.words() if step.release.aim else "",
            )
            self.journal.append("started", target=str(step.target), pid=running.pid)
            failing = watcher.until_ended(running)
            ended = running.wait()
            result = replace(ended, err=plainwords.located(ended.err, step.release.state_file))
            if why := helmfile.refused(workdir):
                raise StalePlan(
                    f"{step.target}: {why}",
                    next_step="look at the new difference, then deploy again",
                )
        if result.code == 0 and not failing:
            self._settle(cluster, step.place)
        judge = self._judge(cluster, step.place)
        return judge.stands(watcher, result, failing, before=step.expected_revision)

    def _settle(self, cluster: Cluster, place: Place) -> None:
        """Compare with what was planned before the pods are followed: it may change them.

        Raises:
            StepFailed: something planned is missing and could not be put right.
        """
        missing = Settling(cluster, place, self.journal, self.listen).run()
        if missing:
            number = self._ledger(cluster, place).newest().number
            raise self._judge(cluster, place).failed((), number, words=missing)

    def _description(self) -> str:
        reason = f": {self.reason}" if self.reason else ""
        return f"deployment {self.journal.deployment} by {self.author}{reason}"

    def _rollback(self, cluster: Cluster, place: Place, number: int, revision: int) -> int:
        release = place.target.release
        goal = releases.revision(cluster, place.namespace, release, revision)
        if goal is None:
            words = f"revision {revision} is no longer in helm's history, which keeps so many only"
            raise self._judge(cluster, place).failed((), number, words=words)
        keys = follow_keys(goal.documents(), hooks=ROLLBACK_HOOKS)
        place = replace(place, workloads=keys)  # what it leads to, not what it leads from
        watcher = self._watcher(cluster, place, since=number)
        running = helm.rollback(
            release,
            revision,
            server_side=goal.apply_method == releases.SERVER_SIDE,
            namespace=place.namespace,
            kubeconfig=place.kubeconfig,
            timeout_s=place.environment.timeout_s,
        )
        result = running.wait()  # it only applies, and is not to be stopped in the middle
        if result.code == 0:
            self._settle(cluster, place)
        self._free_stateful_sets(cluster, place)
        return self._judge(cluster, place).stands(watcher, result, (), before=number)

    def _free_stateful_sets(self, cluster: Cluster, place: Place) -> None:
        started = self.clock()
        while self.clock() - started < _OBSERVED_S:
            try:
                if workloads.replace_stuck_pods(cluster, place.namespace, place.workloads):
                    return
            except UserError:  # whoever follows the pods will say what is wrong
                return
            self.sleep(LOOK_EVERY_S)

    def _uninstall(self, cluster: Cluster, place: Place, number: int, *, hooks: bool = True) -> int:
        revision = uninstalling.uninstall(
            cluster, place, number, hooks=hooks, journal=self.journal,
            judge=self._judge(cluster, place), watcher=partial(self._watcher, cluster),
        )  # fmt: skip
        Settling(cluster, place, self.journal, self.listen).after_uninstall()
        return revision

    def _judge(self, cluster: Cluster, place: Place) -> Judge:
        return Judge(self._ledger(cluster, place), self.journal, self.listen)

    def _ledger(self, cluster: Cluster, place: Place) -> Ledger:
        return Ledger(cluster, place, self.timeout_s, self.sleep, self.clock, self._silent)

    def _watcher(self, cluster: Cluster, place: Place, *, since: int | None = None) -> Watcher:
        """A watcher of the place; what was wrong before revision `since` is upgraded is old."""
        follower = Follower(
            cluster, place.target, place.namespace, place.workloads,
            tolerate_s=place.environment.tolerate_s, clock=self.clock,
            timeout_s=place.environment.timeout_s if since is not None else 0.0,
        )  # fmt: skip
        if since is not None:
            follower.remember(since)
        return Watcher(follower, place, self.listen, self.sleep, self.clock, self._shown)

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


@contextmanager
def _connected(place: Place) -> Iterator[Cluster]:
    cluster = Cluster(place.kubeconfig, name=place.environment.name)
    try:
        yield cluster
    finally:
        cluster.close()


def _conflicts(step: Step) -> bool:
    return any(refusal.kind is RefusalKind.CONFLICT for refusal in step.refusals)
