"""Why a roll-out failed, collected before the rollback destroys it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from deploycharts.cluster import workloads
from deploycharts.cluster.connection import Cluster
from deploycharts.deployment.symptoms import Trouble
from deploycharts.documents import Json
from deploycharts.errors import UserError
from deploycharts.tools import plainwords
from deploycharts.tools.process import Result

_LOG_LINES = 15
_EVENT_LINES = 8
_HEADING = re.compile(r"\d+ errors? occurred:$")
# Texts of helm 3 and 4 (pkg/kube/wait.go, statuswait.go; pkg/action/hooks.go).
_WAITED = re.compile(
    r"timed out waiting|context (deadline exceeded|canceled)|resource not ready|not ready\."
    r"|job \S+ failed|job is failed|[Pp]rogress deadline|pod \S+ failed|BackoffLimitExceeded"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The reason of a failure, with what the container and the cluster last said.

    Attributes:
        troubles: what was wrong, the gravest first; empty where only helm knows.
        log_tail: last lines of the gravest trouble's container.
        events: the cluster's warnings about the object, oldest first.
        helm: what helm or helmfile said.
        checks: what the checks that did not pass found.
        lost: what is known of an act whose API server was lost; nothing else is a reason then.
    """

    troubles: tuple[Trouble, ...]
    log_tail: tuple[str, ...]
    events: tuple[str, ...]
    helm: str = ""
    checks: tuple[str, ...] = ()
    lost: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it failed, each in a sentence; empty where only helm or a check knows."""
        return (self.lost,) if self.lost else tuple(str(trouble) for trouble in self.troubles)

    def as_json(self) -> Json:
        """The evidence for a journal."""
        return {
            "troubles": [str(trouble) for trouble in self.troubles],
            "log": list(self.log_tail),
            "events": list(self.events),
            "helm": self.helm,
            "checks": list(self.checks),
            "lost": self.lost,
        }


def collect(
    cluster: Cluster, namespace: str, troubles: tuple[Trouble, ...], *,
    helm: str, mask: Callable[[str], str],
) -> Evidence:  # fmt: skip
    """Read logs and events of the gravest trouble; what cannot be read is left out."""
    log: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    if troubles:
        first = next((each for each in troubles if each.container), troubles[0])
        try:
            log = _log(cluster, namespace, first)
            said = _events(cluster, namespace, first)
        except UserError:
            pass
    return Evidence(
        troubles=troubles,
        log_tail=tuple(mask(line) for line in log),
        events=tuple(mask(line) for line in said),
        helm=mask(helm),
    )


def _log(cluster: Cluster, namespace: str, trouble: Trouble) -> tuple[str, ...]:
    if trouble.object.kind != "Pod" or not trouble.container:
        return ()
    read = [
        workloads.log_tail(cluster, namespace, trouble.object.name, trouble.container,
                           lines=_LOG_LINES, previous=previous)
        for previous in (True, False)
    ]  # fmt: skip
    return read[0] if trouble.restarts and read[0] else read[1]


def _events(cluster: Cluster, namespace: str, trouble: Trouble) -> tuple[str, ...]:
    names = [trouble.object.name, trouble.workload.name]
    found = [
        f"{event.get('reason', '')}: {event.get('message', '')}"
        + (f" (×{event['count']})" if int(event.get("count") or 1) > 1 else "")
        for event in workloads.events(cluster, namespace, names)
        if event.get("type") == "Warning"
    ]
    return tuple(dict.fromkeys(found))[-_EVENT_LINES:]


def masked(trouble: Trouble, mask: Callable[[str], str]) -> Trouble:
    """The trouble without secrets in its message."""
    return replace(trouble, message=mask(trouble.message))


def helm_words(result: Result) -> str:
    """What helm said, without helmfile's frame around it and without saying it twice."""
    said = plainwords.plain(f"{result.err}\n{result.out}")
    lines = _with_its_items(line.strip() for line in said.splitlines())
    lines = list(dict.fromkeys(line for line in lines if line))
    telling = [line for line in lines if line.startswith("Error: ")]
    telling = telling or [line for line in lines if "error" in line.lower()]
    return "\n".join(telling[-6:] or lines[-6:])


def _with_its_items(lines: Iterable[str]) -> list[str]:
    """The lines, each with the items that follow it: helm 3 lists errors below their heading."""
    joined: list[str] = []
    for line in lines:
        if joined and line.startswith("* "):
            said = _HEADING.sub("", joined[-1]).rstrip()
            joined[-1] = f"{said}{' ' if said.endswith(':') else '; '}{line[2:]}"
        else:
            joined.append(line)
    return joined


def only_waited(words: str) -> bool:
    """Whether helm only says that it waited in vain: why, the objects have to tell."""
    return bool(_WAITED.search(words))
