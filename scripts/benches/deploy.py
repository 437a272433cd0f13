"""How much time `deploy` adds to helm's own, and how fast it plans; against helmfile.

Each round makes the same kind of change twice: `deploy staging` rolls the one out, `helmfile sync`
the other. A stand-in for helm notes when it begins and ends, so that what is left is the time of
the program around it. Plans and diffs are of two releases in three environments, against
`helmfile diff` of the three where helm's plugin is there. `helmfile template`, which asks no
cluster and compares nothing, is shown as its lower bound and is no bar.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.objects import Objects
from deploycharts.sandbox.lifecycle import Sandbox
from tests.services import PROGRAMS, Deployable, lasting_sandbox

ENVIRONMENTS = ("staging", "codfw", "eqiad")
RELEASES = 2
ROUNDS = 5
LOOKS = 7
MOST_ADDED_S = 1.0
MOST_PLAN_S = 2.0
MOST_DIFF_S = 1.5
LEAST_TIMES_FASTER = 5.0

_CLOCK = """#!/usr/bin/env bash
begun=$EPOCHREALTIME
{helm} "$@"
code=$?
echo "$begun $EPOCHREALTIME $1" >> {notes}
exit $code
"""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Clock:
    """A stand-in for helm that notes when it runs."""

    def __init__(self, work: Path) -> None:
        self.helm = work / "clocked-helm"
        self._notes = work / "notes"
        self.helm.write_text(_CLOCK.format(helm=PROGRAMS / "helm", notes=self._notes))
        self.helm.chmod(0o755)

    def begin(self) -> None:
        self._notes.write_text("")

    def upgrading_s(self) -> float:
        """The seconds in which a `helm upgrade` ran since `begin`."""
        lines = [line.split() for line in self._notes.read_text().splitlines()]
        return sum(float(end) - float(begun) for begun, end, verb in lines if verb == "upgrade")


@contextmanager
def deployed(work: Path, clock: Clock) -> Iterator[Bench]:
    """A service that runs in all environments, for as long as the block lasts."""
    sandbox = lasting_sandbox()
    root = work / "repository"
    root.mkdir()
    service = Deployable(root, sandbox)
    env = {"DEPLOYCHARTS_HELM": str(clock.helm), "DEPLOYCHARTS_CACHE": str(work / "cache")}
    try:
        service.register(*ENVIRONMENTS)
        service.commit()
        bench = Bench(service, clock, env)
        for name in ENVIRONMENTS:
            bench.deploy(name)
        yield bench
    finally:
        remove(sandbox, service.name)


def remove(sandbox: Sandbox, namespace: str) -> None:
    for name in ENVIRONMENTS:
        cluster = Cluster(sandbox.kubeconfig(name), name=name)
        try:
            Objects(cluster).delete("v1", "namespaces", namespace)
        finally:
            cluster.close()


class Bench:
    """One service, and both ways to deploy it."""

    def __init__(self, service: Deployable, clock: Clock, env: Mapping[str, str]) -> None:
        self.service = service
        self._clock = clock
        self._env = env
        self._words = 0

    def change(self) -> None:
        """Make a change that restarts all pods."""
        self._words += 1
        self.service.greet(f"hello {self._words}")

    def deploy(self, environment: str) -> None:
        self._ours("deploy", environment, self.service.name, "--yes")

    def diff(self) -> None:
        self._ours("deploy", "diff", "all", self.service.name)

    def plan(self) -> None:
        out = self.service.root / ".journals" / "plan"
        self._ours("deploy", "plan", "production", self.service.name, "--out", str(out))

    def sync(self) -> None:
        self._helmfile("staging", "sync", "--skip-deps")

    def templates(self) -> None:
        for name in ENVIRONMENTS:
            self._helmfile(name, "template", "--skip-deps")

    def diffs(self) -> None:
        for name in ENVIRONMENTS:
            self._helmfile(name, "diff", "--skip-deps")

    def added(self, way: Callable[[], None]) -> tuple[float, float]:
        """The seconds of a way to deploy a new change, and those that were not helm's."""
        self.change()
        self._clock.begin()
        seconds = timed(way)
        return seconds, seconds - self._clock.upgrading_s()

    def _ours(self, *argv: str) -> None:
        self._run([str(PROGRAMS / argv[0]), *argv[1:]], self.service.root)

    def _helmfile(self, environment: str, *words: str) -> None:
        argv = [str(PROGRAMS / "helmfile"), "--helm-binary", self._env["DEPLOYCHARTS_HELM"]]
        self._run([*argv, "--environment", environment, *words], self.service.folder)

    def _run(self, argv: Sequence[str], folder: Path) -> None:
        env = {**self.service.environ(self._env), "HELMFILE_UPGRADE_NOTICE_DISABLED": "1"}
        done = subprocess.run(
            argv, cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(argv)} ended with {done.returncode}: {done.stdout}{done.stderr}")


def timed(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


class Bars:
    """What was measured, and what missed its bar."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def at_most(self, name: str, values: Sequence[float], bar: float) -> None:
        self._judge(name, values, " s", bar, is_good=statistics.median(values) <= bar)

    def at_least(self, name: str, values: Sequence[float], bar: float) -> None:
        self._judge(name, values, "×", bar, is_good=statistics.median(values) >= bar)

    def _judge(
        self, name: str, values: Sequence[float], unit: str, bar: float, *, is_good: bool
    ) -> None:
        say(f"  {shown(name, values, unit)}, bar {bar:g}{unit}{'' if is_good else '  MISSED'}")
        if not is_good:
            self.missed.append(name)


def shown(name: str, values: Sequence[float], unit: str = " s") -> str:
    return (
        f"{name}: {statistics.median(values):.2f}{unit} "
        f"({min(values):.2f}–{max(values):.2f}, {len(values)} runs)"
    )


def roll_outs(bench: Bench, bars: Bars) -> None:
    say(f"deploy staging, {RELEASES} releases that get new pods")
    ours, theirs = [], []
    for _ in range(ROUNDS):  # in turns: machines get slower and faster
        ours.append(bench.added(lambda: bench.deploy("staging")))
        theirs.append(bench.added(bench.sync))
    helm = [seconds - added for seconds, added in [*ours, *theirs]]
    say(f"  {shown('helm upgrade, both releases', helm)}")
    say(f"  {shown('helmfile sync', [seconds for seconds, _ in theirs])}")
    say(f"  {shown('deploy', [seconds for seconds, _ in ours])}")
    say(f"  {shown('helmfile adds, a release', [added / RELEASES for _, added in theirs])}")
    bars.at_most("deploy adds, a release", [added / RELEASES for _, added in ours], MOST_ADDED_S)


def looks(bench: Bench, bars: Bars, rivals: Mapping[str, Callable[[], None]]) -> None:
    say(f"plan and diff, {RELEASES} releases in {len(ENVIRONMENTS)} environments")
    bench.change()
    bench.diff()
    bench.plan()
    ours, plans = [], []
    theirs: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(LOOKS):
        ours.append(timed(bench.diff))
        plans.append(timed(bench.plan))
        for name, way in rivals.items():
            theirs[name].append(timed(way))
    bars.at_most("deploy plan production", plans, MOST_PLAN_S)
    bars.at_most("deploy diff all", ours, MOST_DIFF_S)
    for name, seconds in theirs.items():
        say(f"  {shown(name, seconds)}")
        if name == "helmfile diff":
            times = [their / our for their, our in zip(seconds, ours, strict=True)]
            bars.at_least(f"deploy diff all faster than {name}", times, LEAST_TIMES_FASTER)


def has_diff_plugin() -> bool:
    words = [str(PROGRAMS / "helm"), "diff", "version"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def main() -> int:
    bars = Bars()
    work = Path(tempfile.mkdtemp(prefix="deploy-bench-"))
    try:
        with deployed(work, Clock(work)) as bench:
            rivals = {"helmfile template": bench.templates}
            if has_diff_plugin():
                rivals["helmfile diff"] = bench.diffs
            looks(bench, bars, rivals)
            roll_outs(bench, bars)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    say(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    return 1 if bars.missed else 0


if __name__ == "__main__":
    sys.exit(main())
