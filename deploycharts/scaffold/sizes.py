"""What follows from the answers in numbers: quotas and the ports of peers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

from deploycharts.scaffold import names
from deploycharts.scaffold.question import Answers, WrongAnswer


def calls(answers: Answers) -> dict[str, list[int]]:
    """The services that are called, with the ports of their pods.

    Raises:
        WrongAnswer: one has no port.
    """
    found: dict[str, list[int]] = {}
    for peer in cast("list[str]", answers.get("calls") or []):
        name, _, port = peer.partition(":")
        wrong = names.dns_label(name)
        if wrong or not port.isdecimal() or not 0 < int(port) < 65536:
            raise WrongAnswer(wrong or f"{peer!r} is not SERVICE:PORT")
        found.setdefault(name, []).append(int(port))
    return found


def quota(
    answers: Answers, sizes: Mapping[str, Mapping[str, str | int]]
) -> Mapping[str, str | int]:
    """What the namespace may use: the size that was chosen, else what the pods need.

    That is all pods of two releases while they are replaced, and a spare.
    """
    chosen = sizes.get(str(answers.get("quota")))
    if chosen is not None:
        return chosen
    pods = int(cast(int, answers.get("replicas", 1)))
    if answers.get("autoscaling"):
        pods *= 3
    pods = math.ceil(pods * 1.25) + 6
    cpu, memory = (
        names.cores(str(answers.get("cpu", "100m"))),
        names.mebibytes(str(answers.get("memory", "256Mi"))),
    )
    if answers.get("tls"):
        cpu, memory = cpu + 0.1, memory + 64
    if answers.get("runtime") == "php":
        cpu, memory = cpu + 0.1, memory + 128
    return {
        "cpu": f"{math.ceil(cpu * pods * 10) * 100}m",
        "memory": f"{math.ceil(memory * pods / 64) * 64}Mi",
        "pods": pods,
    }
