"""Asking a release what its owner declared, until it has passed or its time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from deploycharts.cluster.connection import Cluster
from deploycharts.deployment.checking import command, helmtest, http, openapi, prometheus
from deploycharts.deployment.checking.finding import Attempt, Finding, Verdict, unknown
from deploycharts.deployment.plan import Place
from deploycharts.deployment.progress import Listener, Said
from deploycharts.documents import Json
from deploycharts.errors import UserError
from deploycharts.registry.checks import Check, Command, HelmTest, Http, OpenApi, Prometheus

_LINE = 300
_LINES = 14


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How a check ended.

    Attributes:
        message: what was found, secrets masked; several lines where there is a log.
        attempts: 0 if it was not begun.
        seconds: from its first attempt to its verdict.
    """

    check: Check
    verdict: Verdict
    message: str
    attempts: int
    seconds: float

    @property
    def is_passed(self) -> bool:
        """Whether a gate may open; what is unknown opens none."""
        return self.verdict is Verdict.PASSED

    def as_json(self) -> dict[str, Json]:
        """For programs and journals."""
        return {
            "check": self.check.name,
            "source": str(self.check.source),
            "verdict": self.verdict.value,
            "message": self.message,
            "attempts": self.attempts,
            "seconds": round(self.seconds, 3),
        }


def applying(checks: Sequence[Check], place: Place) -> tuple[Check, ...]:
    """Those of a service's checks that are meant for one release."""
    return tuple(
        check for check in checks if check.applies_to(place.environment, place.target.release)
    )


def run_checks(
    place: Place, checks: Sequence[Check], *, listen: Listener,
    sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic,
    keep_going: bool = False,
) -> tuple[CheckResult, ...]:  # fmt: skip
    """Carry out the checks that are meant for a release, in the order of their declaration.

    A check that fails is a result, not an error.

    Args:
        place: the release and its environment.
        checks: the service's; those for other releases are passed over.
        listen: gets a line for each verdict.
        sleep: waits some seconds; what it raises ends everything.
        clock: seconds that only grow.
        keep_going: carry out the others too after one that did not pass; else they are unknown.
    """
    results: list[CheckResult] = []
    cluster = Cluster(place.kubeconfig, name=place.environment.name)
    try:
        for check in applying(checks, place):
            missed = next((each for each in results if not each.is_passed), None)
            if missed is not None and not keep_going:
                why = f"not asked, since {missed.check.name} did not pass"
                results.append(CheckResult(check, Verdict.UNKNOWN, why, 0, 0.0))
                continue
            result = _Run(place, cluster, check, sleep, clock).result()
            listen(Said(sentence(place, result)))
            results.append(result)
    finally:
        cluster.close()
    return tuple(results)


def sentence(place: Place, result: CheckResult) -> str:
    """A result on one line."""
    first = result.message.partition("\n")[0]
    return f"{place.target}: {result.check.name}: {result.verdict.value}, {first}"


@dataclass(frozen=True, slots=True)
class _Run:
    """One check, from its first attempt to its verdict."""

    place: Place
    cluster: Cluster
    check: Check
    sleep: Callable[[float], None]
    clock: Callable[[], float]

    def result(self) -> CheckResult:
        started = self.clock()
        until = started + self.check.within_s
        attempts = streak = 0
        while True:
            finding = self._attempt(attempts, until)
            attempts += 1
            passed = finding.verdict is Verdict.PASSED
            streak = streak + 1 if passed else 0
            if streak >= self.check.streak or self._is_last(finding, until):
                break
            self.sleep(self.check.every_s)
        finding = self._judged(finding, streak)
        return CheckResult(
            self.check, finding.verdict, self._shown(finding.message), attempts,
            self.clock() - started,
        )  # fmt: skip

    def _is_last(self, finding: Finding, until: float) -> bool:
        """A chart's tests are not repeated after a failure: they say themselves what to retry."""
        once = isinstance(self.check.probe, HelmTest) and finding.verdict is not Verdict.PASSED
        return once or self.clock() + self.check.every_s >= until

    def _judged(self, last: Finding, streak: int) -> Finding:
        if last.verdict is not Verdict.PASSED or streak >= self.check.streak:
            return last
        why = (
            f"passed {streak} times in a row, not {self.check.streak}, in {self.check.within_s:g} s"
        )
        return replace(last, verdict=Verdict.FAILED, message=why)

    def _attempt(self, number: int, until: float) -> Finding:
        attempt = Attempt(self.place, self.cluster, number, until, self.sleep, self.clock)
        try:
            return _ask(self.check, attempt)
        except UserError as error:
            return unknown(http.said(error))

    def _shown(self, message: str) -> str:
        """Masked before it is cut: half a secret would not be recognised."""
        lines = self.place.mask.text(message).splitlines()
        cut = [line if len(line) <= _LINE else f"{line[:_LINE]}…" for line in lines]
        return "\n".join(cut[:_LINES])


def _ask(check: Check, attempt: Attempt) -> Finding:
    match check.probe:
        case HelmTest():
            return helmtest.run(attempt)
        case Http():
            return http.request(check, check.probe, attempt)
        case OpenApi():
            return openapi.ask_examples(check, check.probe, attempt)
        case Command():
            return command.run(check, check.probe, attempt)
        case Prometheus():
            return prometheus.query(check.probe, attempt)
