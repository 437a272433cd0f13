"""helm's history of one release while a deployment acts on it; a lost API server may come back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from deploycharts.cluster import releases
from deploycharts.cluster.connection import Cluster, Unreachable
from deploycharts.deployment.plan import Place
from deploycharts.errors import OutcomeUnknown, StalePlan, UserError

_ASK_EVERY_S = 1.0
_SILENT_S = 2.0
# Texts of Go's net and net/http, which helm passes on behind the URL that it asked.
_NO_ANSWER = re.compile(
    r"connection refused|connection reset|broken pipe|\bEOF\b|[Tt]imeout|no route to host"
    r"|network is unreachable|no such host|connection lost|closed (network )?connection"
)
_IN_THE_MIDDLE = releases.PENDING | {releases.UNINSTALLING}
_UNREACHABLE = "Kubernetes cluster unreachable"


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest revision of a release and helm's word for it; 0 and empty where there is none."""

    number: int
    status: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """Asks helm's history where a release stands.

    Attributes:
        timeout_s: how long an API server that does not answer is asked.
        sleep: waits between attempts; what it raises ends them.
        silent: environments whose API server did not come back in that time, shared by all acts of
            a deployment: they are asked for a moment only.
    """

    cluster: Cluster
    place: Place
    timeout_s: float
    sleep: Callable[[float], None]
    clock: Callable[[], float]
    silent: set[str] = field(default_factory=set)

    @property
    def asked_s(self) -> float:
        """For how long this API server is asked."""
        return _SILENT_S if self.place.environment.name in self.silent else self.timeout_s

    def newest(self, known: str = "") -> Standing:
        """Where the release stands; waits for an API server that comes back soon.

        Args:
            known: what is known of an act that was begun, for the error.

        Raises:
            OutcomeUnknown: it does not come back.
        """
        place, started, asked_s = self.place, self.clock(), self.asked_s
        while True:
            try:
                return Standing(
                    *releases.newest_number(self.cluster, place.namespace, place.target.release)
                )
            except UserError as error:
                if self.clock() - started > asked_s:
                    self.silent.add(place.environment.name)
                    raise OutcomeUnknown(
                        f"{place.target}: how it ended is not known",
                        why="\n".join(filter(None, (error.what, error.why, known))),
                        next_step=f"deploy status {place.environment.name} {place.target.service}",
                    ) from None
                self.sleep(_ASK_EVERY_S)

    def require(self, expected: int) -> None:
        """Make sure that helm's newest revision is still the expected one.

        Raises:
            StalePlan: it is another.
            Unreachable: the cluster cannot be asked, so nothing is begun.
        """
        place = self.place
        try:
            now = self.newest()
        except OutcomeUnknown as error:
            raise Unreachable(
                f"{place.target}: not begun, the API server of {place.environment.name} "
                "does not answer",
                why=error.why,
                next_step=error.next_step,
            ) from None
        if now.number != expected:
            raise StalePlan(
                f"{place.target} is at revision {now.number} ({now.status}), the plan was made for "
                f"{expected}",
                why="somebody deployed in between",
                next_step=f"deploy diff {place.environment.name} {place.target.service}",
            )

    def is_loss(self, words: str) -> bool:
        """Whether helm says that the API server itself gave it no answer."""
        return is_loss(words, self.cluster.address())


def is_loss(words: str, address: str) -> bool:
    """Whether one of helm's lines says that the API server at `address` gave it no answer.

    Others, such as webhooks, that gave the API server itself no answer are not meant.
    """
    return any(
        _UNREACHABLE in line or (address in line and _NO_ANSWER.search(line.rpartition('": ')[2]))
        for line in words.splitlines()
    )


def cut_off(environment: str, before: int, now: Standing) -> str:
    """What helm's history says of an act that lost its API server, in a sentence.

    Args:
        environment: whose API server it was.
        before: the newest revision when the act began.
        now: the newest one after the API server came back.
    """
    lost = f"the API server of {environment} was lost while helm worked"
    if now.number == before and now.status not in _IN_THE_MIDDLE:
        return f"{lost}: it had not recorded anything yet"
    if now.status in _IN_THE_MIDDLE:
        return f"{lost}: revision {now.number} stayed {now.status}, a part of it may be applied"
    return f"{lost}: helm recorded revision {now.number} as {now.status}"
