"""Checks: streaks and time limits, Prometheus, what is unknown, what is masked. No cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploycharts.deployment.checking.finding import Verdict
from deploycharts.deployment.checks import CheckResult, run_checks
from deploycharts.deployment.progress import Event
from deploycharts.registry.checks import Check, Http, Prometheus
from tests.deployment.checks_builders import SECRET, Time, check, place, prometheus, vector

ERRORS = 'sum(rate(errors{release="{release}"}[2m]))'


def _run(*checks: Check, **more: Any) -> tuple[CheckResult, ...]:
    time = Time()
    listen = more.pop("listen", lambda _event: None)
    return run_checks(place(), checks, listen=listen, sleep=time.sleep, clock=time.clock, **more)


def _below(url: str, limit: float = 1, **more: Any) -> Check:
    return check(Prometheus("errors", url, below=limit), **more)


def test_one_success_is_enough_unless_more_are_asked_for() -> None:
    with prometheus([vector("0.5")]) as url:
        (result,) = _run(_below(url))

    assert (result.verdict, result.attempts, result.seconds) == (Verdict.PASSED, 1, 0)


def test_failures_are_asked_again_until_the_time_is_over() -> None:
    with prometheus([vector("3")]) as url:
        (result,) = _run(_below(url, every_s=2, within_s=10))

    assert result.verdict is Verdict.FAILED
    assert (result.attempts, result.seconds) == (5, 8)
    assert result.message == "the value is 3, not below 1"


def test_a_success_in_time_is_one() -> None:
    with prometheus([vector("3"), vector("2"), vector("0")]) as url:
        (result,) = _run(_below(url))

    assert (result.verdict, result.attempts, result.seconds) == (Verdict.PASSED, 3, 4)


def test_a_failure_interrupts_a_streak() -> None:
    answers = [vector("0"), vector("0"), vector("9"), vector("0"), vector("0"), vector("0")]
    with prometheus(answers) as url:
        (result,) = _run(_below(url, streak=3))

    assert (result.verdict, result.attempts) == (Verdict.PASSED, 6)


def test_a_streak_that_is_not_had_in_time_fails() -> None:
    with prometheus([vector("9"), vector("9"), vector("0")]) as url:
        (result,) = _run(_below(url, streak=3, every_s=2, within_s=7))

    assert result.verdict is Verdict.FAILED
    assert result.message == "passed 2 times in a row, not 3, in 7 s"


def test_after_a_check_that_did_not_pass_the_others_are_not_asked() -> None:
    with prometheus([vector("9")]) as url:
        first, second = _run(_below(url, within_s=1), _below(url, 10))

    assert first.verdict is Verdict.FAILED
    assert (second.verdict, second.attempts) == (Verdict.UNKNOWN, 0)
    assert "not asked, since errors < 1 did not pass" in second.message


def test_all_are_asked_where_somebody_only_looks() -> None:
    with prometheus([vector("9")]) as url:
        results = _run(_below(url, within_s=1), _below(url, 10), keep_going=True)

    assert [each.verdict for each in results] == [Verdict.FAILED, Verdict.PASSED]


def test_checks_of_other_releases_are_passed_over() -> None:
    assert _run(_below("http://nobody", releases=("canary",))) == ()


def test_each_verdict_is_told() -> None:
    told: list[Event] = []
    with prometheus([vector("0.25")]) as url:
        _run(_below(url), listen=told.append)

    assert "staging echo/main: errors < 1: passed, 0.25" in str(told)


def test_what_sleep_raises_ends_everything() -> None:
    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    with prometheus([vector("9")]) as url, pytest.raises(KeyboardInterrupt):
        run_checks(place(), [_below(url)], listen=lambda _event: None, sleep=stop)


@pytest.mark.parametrize(
    ("above", "below", "values", "verdict"),
    [
        (None, 1, ["0.99"], Verdict.PASSED),
        (None, 1, ["1"], Verdict.FAILED),
        (0, None, ["0"], Verdict.FAILED),
        (0, None, ["1e-9"], Verdict.PASSED),
        (0, 2, ["1"], Verdict.PASSED),
        (0, 2, ["1", "2"], Verdict.FAILED),
        (None, 1, ["0", "+Inf"], Verdict.FAILED),
        (None, 1, ["0", "NaN"], Verdict.UNKNOWN),
        (None, 1, [], Verdict.UNKNOWN),
    ],
)
def test_every_value_must_be_on_the_right_side(
    above: float | None, below: float | None, values: list[str], verdict: Verdict
) -> None:
    with prometheus([vector(*values)]) as url:
        (result,) = _run(check(Prometheus("q", url, below, above), within_s=1))

    assert result.verdict is verdict


def test_the_value_at_fault_is_named_with_its_labels() -> None:
    with prometheus([vector("7", pod="echo-1", code="500")]) as url:
        (result,) = _run(_below(url, within_s=1))

    assert result.message == '{code="500", pod="echo-1"} is 7, not below 1'


def test_a_scalar_is_a_value_too() -> None:
    scalar = {"status": "success", "data": {"resultType": "scalar", "result": [1.5, "0"]}}
    with prometheus([json.dumps(scalar)]) as url:
        (result,) = _run(_below(url))

    assert result.is_passed


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        ('{"status": "error", "error": "parse error at char 3"}', 400, "parse error at char 3"),
        ("<html>", 502, "does not answer like Prometheus: status 502"),
        (json.dumps({"status": "success", "data": {"resultType": "matrix"}}), 200, "a matrix"),
        (vector("?"), 200, "no sample"),
        ("[]", 200, "it does not say success"),
    ],
)  # fmt: skip
def test_an_answer_without_data_is_unknown(answer: str, status: int, why: str) -> None:
    with prometheus([answer], status) as url:
        (result,) = _run(_below(url, within_s=1))

    assert result.verdict is Verdict.UNKNOWN
    assert why in result.message


def test_a_prometheus_that_does_not_answer_is_unknown() -> None:
    with prometheus([""]) as url:
        pass
    (result,) = _run(_below(url, within_s=1))

    assert result.verdict is Verdict.UNKNOWN
    assert "does not answer" in result.message


def test_without_an_address_of_prometheus_the_check_is_unknown() -> None:
    (result,) = _run(_below("", within_s=1))

    assert result.verdict is Verdict.UNKNOWN
    assert "no Prometheus is known" in result.message


def test_the_query_knows_what_is_asked_about() -> None:
    asked: list[str] = []
    from tests.servers import serving

    def answer(request: str) -> tuple[int, dict[str, str], str]:
        asked.append(request)
        return 200, {}, vector("0")

    with serving(answer) as port:
        _run(check(Prometheus(ERRORS, f"http://127.0.0.1:{port}", below=1)))

    assert "release%3D%22main%22%7D%5B2m%5D" in asked[0]


def test_a_cluster_that_cannot_be_asked_makes_a_check_unknown() -> None:
    (result,) = _run(check(Http("/"), within_s=1))

    assert result.verdict is Verdict.UNKNOWN
    assert "there are no credentials for staging" in result.message


def test_a_secret_in_an_answer_is_masked_before_it_is_cut() -> None:
    told: list[Event] = []
    long = "x" * 260 + SECRET
    with prometheus([json.dumps({"status": "error", "error": long})]) as url:
        (result,) = _run(_below(url, within_s=1), listen=told.append)

    assert "<secret" in result.message
    assert SECRET[:6] not in result.message + str(told) + json.dumps(result.as_json())
