"""What a deployment looks like while it runs."""

from __future__ import annotations

import io

from deploycharts.cli.deploy.watching import Watch
from deploycharts.console import Console
from deploycharts.deployment.progress import Began, Finished, Moved
from deploycharts.deployment.readiness import Counts, Part
from deploycharts.target import Target

CANARY = Target("echo", "codfw", "canary")
MAIN = Target("echo", "codfw", "main")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _part(name: str, ready: int, wanted: int, old: int, restarts: int, draining: int = 0) -> Part:
    is_complete = ready == wanted and not old
    return Part(name, Counts(ready, wanted, old, is_complete, draining), restarts)


def _moved(target: Target, ready: int) -> Moved:
    return Moved(target, (_part("", ready, 2, 2 - ready, 0),), float(ready))


def test_a_log_gets_a_line_when_numbers_change_and_none_when_not() -> None:
    stream = io.StringIO()
    watch = Watch(Console(err=stream, colour=False), clock=lambda: 0.0)

    for ready in (0, 0, 1, 1, 2):
        watch(_moved(MAIN, ready))

    assert stream.getvalue().splitlines() == [
        "  codfw echo/main  0 of 2 ready, 2 old ░░ 0 s",
        "  codfw echo/main  1 of 2 ready, 1 old █░ 1 s",
        "  codfw echo/main  2 of 2 ready ██ 2 s",
    ]


def test_a_log_hears_now_and_then_that_nothing_moves() -> None:
    stream = io.StringIO()
    times = iter([0.0, 10.0, 20.0])
    watch = Watch(Console(err=stream, colour=False), clock=lambda: next(times))

    for _ in range(3):
        watch(_moved(MAIN, 1))

    assert len(stream.getvalue().splitlines()) == 2


def _several(web: Part, agent: Part, seconds: float) -> Moved:
    return Moved(MAIN, (web, agent), seconds)


def test_of_several_workloads_a_log_gets_a_line_for_each_that_moves() -> None:
    stream = io.StringIO()
    watch = Watch(Console(err=stream, colour=False), clock=lambda: 0.0)
    agent = _part("DaemonSet/agent", 3, 3, 0, 0)

    watch(_several(_part("Deployment/web", 0, 2, 2, 0), agent, 0))
    watch(_several(_part("Deployment/web", 1, 2, 1, 1), agent, 4))

    assert stream.getvalue().splitlines() == [
        "  codfw echo/main Deployment/web  0 of 2 ready, 2 old ░░ 0 s",
        "  codfw echo/main DaemonSet/agent  3 of 3 ready ███ 0 s",
        "  codfw echo/main Deployment/web  1 of 2 ready, 1 old, 1 restart █░ 4 s",
    ]


def test_pods_that_drain_are_counted_until_they_have_ended() -> None:
    stream = io.StringIO()
    watch = Watch(Console(err=stream, colour=False), clock=lambda: 0.0)

    for draining in (1, 1, 0):
        watch(Moved(MAIN, (_part("", 2, 2, 0, 0, draining),), 3.0))

    assert stream.getvalue().splitlines() == [
        "  codfw echo/main  2 of 2 ready, 1 draining ██ 3 s",
        "  codfw echo/main  2 of 2 ready ██ 3 s",
    ]


def test_of_several_workloads_a_terminal_shows_all_until_the_release_is_done() -> None:
    stream = _Terminal()
    watch = Watch(Console(err=stream, colour=False))

    watch(_several(_part("Deployment/web", 0, 2, 2, 0), _part("DaemonSet/agent", 3, 3, 0, 0), 0))
    shown = stream.getvalue().split("\r\x1b[K")[-1].split("\x1b[1A\x1b[K")[-1]
    watch(Finished(MAIN, "upgrade", 3, 4.0))

    assert shown.splitlines() == [
        "  codfw echo/main Deployment/web   0 of 2 ready, 2 old ░░ 0 s",
        "  codfw echo/main DaemonSet/agent  3 of 3 ready ███ 0 s",
    ]
    assert stream.getvalue().endswith("✓ codfw echo/main: upgrade done, revision 3, 4.0 s\n")


def test_on_a_terminal_all_that_moves_stands_below_what_happened() -> None:
    stream = _Terminal()
    watch = Watch(Console(err=stream, colour=False))

    watch(_moved(MAIN, 1))
    watch(_moved(CANARY, 0))
    watch(Finished(MAIN, "upgrade", 3, 4.0))

    last = stream.getvalue().split("\x1b[1A\x1b[K")[-1]
    assert last.splitlines() == [
        "✓ codfw echo/main: upgrade done, revision 3, 4.0 s",
        "  codfw echo/canary  0 of 2 ready, 2 old ░░ 0 s",
    ]


def test_many_releases_end_in_a_table() -> None:
    watch = Watch(Console(err=io.StringIO(), colour=False))
    for environment in ("codfw", "eqiad"):
        for release in ("canary", "main"):
            target = Target("echo", environment, release)
            watch(Began(target, "upgrade", 1))
            watch(Finished(target, "upgrade", 2, 1.25))

    assert watch.table().splitlines()[:2] == [
        "SERVICE  ENVIRONMENT  RELEASE  DONE     NOW         TOOK",
        "echo     codfw        canary   upgrade  revision 2  1.2 s",
    ]
