"""What an attempt found out, and what it has to find it out with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from deploycharts.cluster.connection import Cluster
from deploycharts.deployment.plan import Place


class Verdict(Enum):
    """Unknown means that there was nothing to judge by; it never counts as passed."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one attempt; the message may still hold secrets."""

    verdict: Verdict
    message: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one release.

    Attributes:
        number: from 0.
        until: when it must have ended, by `clock`.
        sleep: waits some seconds; may raise to stop everything.
    """

    place: Place
    cluster: Cluster
    number: int
    until: float
    sleep: Callable[[float], None]
    clock: Callable[[], float]

    @property
    def left_s(self) -> float:
        """Seconds that it may still take."""
        return max(0.0, self.until - self.clock())


def passed(message: str) -> Finding:
    """All as expected."""
    return Finding(Verdict.PASSED, message)


def failed(message: str) -> Finding:
    """The release answered, or should have, and it is not as expected."""
    return Finding(Verdict.FAILED, message)


def unknown(message: str) -> Finding:
    """Nothing was found out about the release."""
    return Finding(Verdict.UNKNOWN, message)
