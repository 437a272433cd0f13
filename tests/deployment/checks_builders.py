"""Checks and places that tests ask, and servers that answer as they are told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploycharts.changes.masking import Masker
from deploycharts.deployment.plan import Place
from deploycharts.documents import ObjectKey
from deploycharts.registry.checks import Check, Probe
from deploycharts.registry.repository import Repository
from deploycharts.source import Source
from deploycharts.target import Target
from tests.servers import Answer, serving
from tests.services import ROOT

SECRET = "s3cret-of-the-service"
NOWHERE = Path("/nowhere/kubeconfig")


def check(probe: Probe, **more: Any) -> Check:
    return Check(probe, probe.title, Source("service.yaml", 4), **more)


def place(
    *, namespace: str = "echo", kubeconfig: Path = NOWHERE, release: str = "main",
    workloads: tuple[ObjectKey, ...] = (),
) -> Place:  # fmt: skip
    environment = Repository(ROOT).environment("staging")
    return Place(
        Target("echo", "staging", release), namespace, environment, kubeconfig, workloads,
        Masker([SECRET], b"key"),
    )  # fmt: skip


class Time:
    """A clock that only moves while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def clock(self) -> float:
        return self.now


def vector(*values: str, **labels: str) -> str:
    """What Prometheus answers to an instant query."""
    result = [{"metric": labels, "value": [1795240189.2, value]} for value in values]
    data = {"resultType": "vector", "result": result}
    return json.dumps({"status": "success", "data": data})


@contextmanager
def prometheus(answers: Iterable[str], status: int = 200) -> Iterator[str]:
    """The URL of a Prometheus that gives each of the answers once, and the last for ever."""
    left = list(answers)

    def answer(_asked: str) -> Answer:
        body = left.pop(0) if len(left) > 1 else left[0]
        return status, {"Content-Type": "application/json"}, body

    with serving(answer) as port:
        yield f"http://127.0.0.1:{port}"


Asked = Callable[[str], Answer]
