"""A healthy rollout never fails, and one beyond its limits fails when it was said to.

The limits are declared: what the environment tolerates, and what the probes of the pods allow.
"""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploycharts.cluster.connection import Cluster
from deploycharts.deployment.follow import Follower, Look
from deploycharts.target import Target
from tests.deployment.rollout_simulator import KEY, NAMESPACE, NEVER, Pod, Rollout

pytestmark = pytest.mark.slow

TARGET = Target("echo", "staging", "main")
LOOK_S = 0.5
UNDECLARED_S = 120
MOST_S = 4000.0


@st.composite
def rollouts(draw: st.DrawFn, *, stuck: bool, crash: bool = False) -> tuple[Rollout, float, float]:
    """A rollout, what its environment tolerates, and how long each pod may stay unready."""
    replicas = draw(st.integers(1, 12))
    surge = draw(st.integers(0, 4))
    unavailable = draw(st.integers(0 if surge else 1, replicas))
    tolerate_s = float(draw(st.integers(3, 20)))
    probe = draw(
        st.none()
        | st.fixed_dictionaries(
            {"initialDelaySeconds": st.integers(0, 8), "periodSeconds": st.integers(1, 5),
             "failureThreshold": st.integers(1, 4)}
        )
    )  # fmt: skip
    budget_s = UNDECLARED_S
    if probe:
        budget_s = probe["initialDelaySeconds"] + probe["periodSeconds"] * probe["failureThreshold"]
    limit_s = tolerate_s + budget_s
    below = st.floats(0, max(0.0, min(limit_s, 40.0) - 2 * LOOK_S))
    times = draw(st.lists(below, min_size=replicas, max_size=replicas))
    bad = draw(st.integers(0, replicas - 1)) if stuck or crash else -1
    every_s = draw(st.floats(2, 30)) if crash else 0.0

    def starts(number: int, now: float) -> Pod:
        time_s = NEVER if number == bad else times[number]
        return Pod(f"new-{number}", True, now, time_s, every_s if number == bad else 0.0)

    return Rollout(replicas, surge, unavailable, starts, probe), tolerate_s, limit_s


def _follow(rollout: Rollout, tolerate_s: float) -> tuple[Look, float | None]:
    """Look until the rollout is done or failed; the last look, and the countdown shown before."""
    follower = Follower(
        cast("Cluster", rollout), TARGET, NAMESPACE, [KEY],
        tolerate_s=tolerate_s, clock=lambda: rollout.now,
    )  # fmt: skip
    follower.remember(1)
    rollout.begin()
    promised: float | None = None
    while rollout.now < MOST_S:
        look = follower.look()
        if look.failing is not None or look.complete:
            return look, promised
        left = [seconds for _, seconds in look.troubles if seconds is not None]
        promised = min(rollout.now + seconds for seconds in left) if left else None
        rollout.advance(LOOK_S)
    raise AssertionError("neither done nor failed")


@settings(max_examples=200)
@given(rollouts(stuck=False))
def test_pods_that_keep_within_their_limits_never_fail(case: tuple[Rollout, float, float]) -> None:
    rollout, tolerate_s, _ = case

    look, _ = _follow(rollout, tolerate_s)

    assert look.failing is None
    assert look.complete
    assert rollout.is_done


@settings(max_examples=100)
@given(rollouts(stuck=True))
def test_a_pod_that_never_gets_ready_fails_when_its_time_and_that_of_the_others_is_over(
    case: tuple[Rollout, float, float],
) -> None:
    rollout, tolerate_s, limit_s = case

    look, promised = _follow(rollout, tolerate_s)

    (bad,) = [pod for pod in rollout.pods if pod.start_s == NEVER]
    assert look.failing is not None
    assert look.failing.object.name == bad.name
    predicted = max(bad.made_at, rollout.progress_at) + limit_s
    assert predicted <= rollout.now <= predicted + 2 * LOOK_S
    assert promised is not None
    assert promised <= rollout.now <= promised + 2 * LOOK_S


@settings(max_examples=100)
@given(rollouts(stuck=False, crash=True))
def test_a_pod_that_crashes_fails_after_its_third_restart_or_its_time(
    case: tuple[Rollout, float, float],
) -> None:
    rollout, tolerate_s, limit_s = case

    look, _ = _follow(rollout, tolerate_s)

    (bad,) = [pod for pod in rollout.pods if pod.crash_every_s]
    assert look.failing is not None
    assert look.failing.object.name == bad.name
    first = bad.made_at + bad.crash_every_s
    crashed = min(first + tolerate_s, bad.made_at + 3 * bad.crash_every_s)
    unready = max(bad.made_at, rollout.progress_at) + limit_s
    predicted = min(crashed, unready) if unready < first else crashed
    assert predicted <= rollout.now <= predicted + 2 * LOOK_S


def _scaled(pods: list[Pod], replicas: int) -> Rollout:
    """A Deployment whose template stays and whose replicas change."""
    rollout = Rollout(replicas, 1, 0, lambda n, now: Pod(f"new-{n}", True, now, 0.0))
    rollout.pods = pods
    return rollout


def test_what_crashed_before_is_said_to_and_restarts_of_before_do_not_count() -> None:
    old = Pod("p", True, -1000.0, 0.0, crash_every_s=100.0)
    rollout = _scaled([old], 2)
    follower = Follower(
        cast("Cluster", rollout), TARGET, NAMESPACE, [KEY], tolerate_s=5.0,
        clock=lambda: rollout.now,
    )  # fmt: skip
    follower.remember(1)
    rollout.begin()

    look = follower.look()

    ((problem, left_s),) = [pair for pair in look.troubles if pair[0].object.name == "p"]
    assert problem.restarts >= 10
    assert "since before this deployment" in str(problem)
    assert look.failing is None
    assert left_s == 15.0
