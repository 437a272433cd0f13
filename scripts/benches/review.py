"""How fast a repository like those of real life is reviewed, and how `helm template` does.

The rival renders each affected unit on both sides by `helm template`, two at a time, and compares
the texts by `diff -u`; that it knows which units are affected is a present.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lifelike import repository
from lifelike.repository import CHECKOUT, Case

PROGRAMS = CHECKOUT / ".venv" / "bin"
PROCESSES = 2
MOST_CHANGES = 20


@dataclass(frozen=True)
class Run:
    """How long a command took, how much memory it and its children had, and what it wrote."""

    seconds: float
    cpu: float
    megabytes: float
    out: str


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def review(root: Path, cache: Path, *, is_watched: bool = False) -> Run:
    env = {**os.environ, "DEPLOYCHARTS_CACHE": str(cache), "COLUMNS": "80"}
    started, used = time.perf_counter(), cpu_of_children()
    process = subprocess.Popen(
        [str(PROGRAMS / "review-charts")],
        cwd=root, env=env, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    peak = [0.0]
    watcher = threading.Thread(target=watch, args=(process, peak), daemon=True)
    if is_watched:  # it takes time on a processor, too
        watcher.start()
    out, _ = process.communicate()
    seconds = time.perf_counter() - started
    if process.returncode:
        sys.exit(f"review-charts failed: {out}")
    return Run(seconds, cpu_of_children() - used, peak[0], out)


def cpu_of_children() -> float:
    """Seconds of processor time that all ended children took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def watch(process: subprocess.Popen[str], peak: list[float]) -> None:
    """Remember the most memory that a process and its children have together."""
    while process.poll() is None:
        peak[0] = max(peak[0], sum(memory(pid) for pid in family(process.pid)))
        time.sleep(0.02)


def family(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        try:
            tasks = Path(f"/proc/{each}/task").iterdir()
            children = [(task / "children").read_text().split() for task in tasks]
        except OSError:
            continue
        found += [int(child) for words in children for child in words]
    return found


def memory(pid: int) -> float:
    """The memory of a process; what it shares with others counts in part.

    A process that has not started its program yet has all of its parent's memory, not shares of
    it (vfork): it has none of its own.
    """
    try:
        if _program(pid) == _program(_parent(pid)):
            return 0
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _program(pid: int) -> tuple[str, str]:
    """What a process runs, and in how many pages."""
    folder = Path(f"/proc/{pid}")
    return str((folder / "exe").readlink()), (folder / "statm").read_text().split()[0]


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def rival(base: Path, head: Path, cases: Sequence[Case]) -> tuple[float, float, int]:
    """Seconds, of them on processors, and how many hunks a person would have to read."""

    def one(case: Case) -> int:
        files = []
        for side in (base, head):
            layers = [word for layer in case.layers for word in ("-f", layer)]
            argv = [str(PROGRAMS / "helm"), "template", case.release, f"charts/{case.chart}"]
            done = subprocess.run(
                [*argv, *layers], cwd=side, capture_output=True, text=True, check=True
            )
            handle, name = tempfile.mkstemp(dir=side.parent)
            os.write(handle, done.stdout.encode())
            os.close(handle)
            files.append(name)
        compared = subprocess.run(
            ["diff", "-u", *files], capture_output=True, text=True, check=False
        )
        for name in files:
            Path(name).unlink()
        return sum(line.startswith("@@") for line in compared.stdout.splitlines())

    started, used = time.perf_counter(), cpu_of_children()
    with ThreadPoolExecutor(PROCESSES) as pool:
        hunks = sum(pool.map(one, cases))
    return time.perf_counter() - started, cpu_of_children() - used, hunks


def changes_in(text: str) -> int:
    """How many changes a report shows: its lines of fields."""
    return sum(
        line.startswith("    ") and not line.startswith("      ")
        for line in text.partition("\n\n")[2].partition("\n\n")[2].splitlines()
    )


def main() -> int:
    failed: list[str] = []

    def check(name: str, value: float, bar: float, unit: str, *, at_least: bool = False) -> None:
        good = value >= bar if at_least else value <= bar
        say(f"  {name}: {value:.2f} {unit} ({'at least' if at_least else 'at most'} {bar:g})"
            f"{'' if good else '  MISSED'}")  # fmt: skip
        if not good:
            failed.append(name)

    with tempfile.TemporaryDirectory(prefix="review-bench-") as name:
        work = Path(name)
        root, base, cache = work / "head", work / "base", work / "cache"
        root.mkdir()
        repository.build(root)
        shutil.copytree(root, base, ignore=shutil.ignore_patterns(".git"))
        bench_helper(root, base, cache, check)
        bench_small(root, cache, check)
    say("all bars reached" if not failed else f"missed: {', '.join(failed)}")
    return 1 if failed else 0


def bench_helper(root: Path, base: Path, cache: Path, check: Callable[..., None]) -> None:
    """A change of the helper that 50 charts carry."""
    repository.change_helper(root, 6)
    cold = review(root, cache)
    runs = []
    for timeout in (7, 8, 9):
        repository.change_helper(root, timeout)
        runs.append(review(root, cache))
    warm = sorted(runs, key=lambda run: run.seconds)[1]
    watched = [
        review(root, folder, is_watched=True) for folder in (cache.with_name("other"), cache)
    ]
    meshed = frozenset(repository.chart_name(each) for each in range(repository.MESHED))
    cases = [*repository.cases_on(meshed)]
    seconds, cpu, hunks = rival(base, root, cases)
    say(f"the helper of {repository.MESHED} charts, {len(cases)} units")
    say(f"  helm and diff: {seconds:.1f} s, {cpu:.1f} s of processors, {hunks} hunks")
    for name, run in (("cold", cold), ("warm", warm)):
        say(f"  review, {name}: {run.seconds:.2f} s, {run.cpu:.2f} s of processors "
            f"({cpu / run.cpu:.1f} times), {len(run.out.splitlines())} lines")  # fmt: skip
    check("faster cold", seconds / cold.seconds, 4, "times", at_least=True)
    check("faster warm", seconds / warm.seconds, 10, "times", at_least=True)
    check("printed changes", changes_in(warm.out), MOST_CHANGES, "changes")
    check("memory", max(run.megabytes for run in watched), 500, "MB")


def bench_small(root: Path, cache: Path, check: Callable[..., None]) -> None:
    """A change of one service, and no change at all."""
    subprocess.run(["git", "checkout", "-q", "."], cwd=root, check=True)
    check("nothing changed", min(review(root, cache).seconds for _ in range(3)), 0.5, "s")
    runs = []
    for replicas in (4, 5, 6, 7):
        subprocess.run(["git", "checkout", "-q", "."], cwd=root, check=True)
        repository.change_service(root, 6, replicas)
        runs.append(review(root, cache))
    best = min(runs[1:], key=lambda run: run.seconds)
    say(f"one service, warm: {best.seconds:.2f} s, {best.cpu:.2f} s of processors")
    check("one service, warm", best.seconds, 1, "s")


if __name__ == "__main__":
    sys.exit(main())
