"""How long a deployment of two releases takes beside helm and helmfile, and how long a plan.

A service of its own in the sandbox of this checkout gets the same change again and again, by helm,
by `helmfile sync` and by `deploy`, in turn. A plan is compared with `helmfile template` in each of
the three environments, one after the other: less than what `helmfile diff` does.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from deploycharts.cluster.connection import Cluster  # noqa: E402
from deploycharts.cluster.objects import Objects  # noqa: E402
from deploycharts.sandbox.lifecycle import Sandbox  # noqa: E402
from tests.services import PROGRAMS, Deployable  # noqa: E402

ROUNDS = 5
RELEASES = ("canary", "main")
ENVIRONMENTS = ("staging", "codfw", "eqiad")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def timed(service: Deployable, *argv: str, cwd: Path | None = None) -> float:
    started = time.perf_counter()
    done = subprocess.run(
        [str(PROGRAMS / argv[0]), *argv[1:]], cwd=cwd or service.root, env=service.environ(),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{' '.join(argv)} failed: {done.stderr}")
    return time.perf_counter() - started


def by_helm(service: Deployable) -> float:
    return sum(timed(service, *_upgrade(service, release)) for release in RELEASES)


def _upgrade(service: Deployable, release: str) -> Sequence[str]:
    names = [
        service.root / "helmfile.d" / "defaults" / "staging.yaml",
        service.folder / "values.yaml",
        service.folder / "private.example.yaml",
        service.folder / f"values-{release}.yaml",
    ]
    files = [word for name in names if name.is_file() for word in ("--values", str(name))]
    return [
        "helm", "upgrade", "--install", release, str(service.root / "charts" / "echoserver"),
        *files, "--namespace", service.name, "--kubeconfig", str(service.kubeconfig("staging")),
        "--wait=legacy", "--wait-for-jobs", "--timeout", "60s",
    ]  # fmt: skip


def by_helmfile(service: Deployable) -> float:
    words = ("--environment", "staging", "sync", "--skip-deps")
    return timed(service, "helmfile", *words, cwd=service.folder)


def by_deploy(service: Deployable) -> float:
    return timed(service, "deploy", "staging", service.name)


def templates(service: Deployable) -> float:
    words = ("template", "--skip-deps", "--quiet")
    return sum(
        timed(service, "helmfile", "--environment", each, *words, cwd=service.folder)
        for each in ENVIRONMENTS
    )


def planned(service: Deployable) -> float:
    return timed(service, "deploy", "diff", "all", service.name)


def median(what: Callable[[Deployable], float], service: Deployable, *, change: str = "") -> float:
    found = []
    for number in range(ROUNDS):
        if change:
            service.greet(f"{change} {number}")
        found.append(what(service))
    return statistics.median(found)


def main() -> int:
    missed: list[str] = []

    def check(name: str, value: float, bar: float, unit: str) -> None:
        good = value <= bar
        say(f"  {name}: {value:.2f} {unit} (at most {bar:g}){'' if good else '  MISSED'}")
        if not good:
            missed.append(name)

    lent = os.environ.get("DEPLOYCHARTS_TEST_SANDBOX")
    sandbox = Sandbox(Path(lent or CHECKOUT))
    if not lent:
        sandbox.up()
    with tempfile.TemporaryDirectory(prefix="deploy-bench-") as name:
        service = Deployable(Path(name).resolve(), sandbox)
        service.register(*ENVIRONMENTS)
        try:
            bench(service, check)
        finally:
            for environment in ENVIRONMENTS:
                cluster = Cluster(sandbox.kubeconfig(environment), name=environment)
                Objects(cluster).delete("v1", "namespaces", service.name)
                cluster.close()
    say("all bars reached" if not missed else f"missed: {', '.join(missed)}")
    return 1 if missed else 0


def bench(service: Deployable, check: Callable[[str, float, float, str], None]) -> None:
    by_deploy(service)
    helm = median(by_helm, service, change="helm")
    helmfile = median(by_helmfile, service, change="helmfile")
    ours = median(by_deploy, service, change="deploy")
    say(f"two releases in staging, medians of {ROUNDS}")
    say(f"  helm alone {helm:.2f} s, helmfile sync {helmfile:.2f} s, deploy {ours:.2f} s")
    check("beyond helm's own time", (ours - helm) / len(RELEASES), 1, "s a release")
    service.greet("something else")
    planned(service)
    lower, plan = median(templates, service), median(planned, service)
    say("a change of two releases in three environments")
    say(f"  helmfile template {lower:.2f} s (no diff, no cluster), deploy diff {plan:.2f} s")
    check("deploy diff, warm", plan, 1.5, "s")


if __name__ == "__main__":
    sys.exit(main())
