"""Whatever is killed whenever: what was said agrees with helm's history and with what is live.

The judge here asks helm and the API server by itself, and none of the code under test.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.conftest import ObjectsOf
from tests.services import Deployable, Ended, Make, processes_of

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]

PROGRAMS = ("deploy", "helm", "helmfile")
KILLS = 100
LANES = 10
LONGEST_S = 2.0


@dataclass(frozen=True)
class _Truth:
    """What helm and the API server say, without us."""

    history: Sequence[tuple[int, str]]
    released: str
    live: str

    @property
    def newest(self) -> tuple[int, str]:
        return self.history[-1]


def _greetings(bodies: Iterable[Mapping[str, Any]]) -> str:
    """The greeting that Deployments are given."""
    found = {
        variable["value"]
        for body in bodies
        if "template" in body.get("spec", {})
        for container in body["spec"]["template"]["spec"]["containers"]
        for variable in container.get("env") or ()
        if variable["name"] == "GREETING"
    }
    (greeting,) = found
    return str(greeting)


def _truth(service: Deployable, objects: ObjectsOf) -> _Truth:
    """Helm's history and both greetings, once the history stays the same while they are read."""
    while True:
        history = service.history("staging", "main")
        manifest = service.helm("staging", "get", "manifest", "main").out
        released = _greetings(yaml.safe_load_all(manifest))
        live = _greetings(objects("staging").list("apps/v1", "deployments", namespace=service.name))
        if history == service.history("staging", "main"):
            return _Truth(history, released, live)


def _kill(service: Deployable, program: str, dice: random.Random) -> tuple[bool, Ended]:
    """Deploy, and kill a program at a random moment of its life; whether it was still alive."""
    process = service.start("staging", "--release", "main")
    killed = False
    wait_s = dice.uniform(0, LONGEST_S)
    if program == "deploy":
        time.sleep(wait_s)
        killed = process.poll() is None
        process.kill()
    else:
        killed = _kill_one(service, program, process, wait_s)
    out, err = process.communicate()
    return killed, Ended(process.returncode, out, err)


def _kill_one(
    service: Deployable, program: str, process: subprocess.Popen[str], wait_s: float
) -> bool:
    """Kill a program that a deployment starts, `wait_s` after it appeared first."""
    born = None
    while process.poll() is None:
        pids = [*processes_of(service, program)]
        if pids and born is None:
            born = time.monotonic()
        if pids and born is not None and time.monotonic() - born >= wait_s:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            return True
        time.sleep(0.1)
    return False


def _judge_survivor(ended: Ended, before: _Truth, now: _Truth, word: str) -> None:
    """`deploy` lived on: what it says of the end is the end."""
    assert now.newest[1] == "deployed", ended.err
    assert now.live == now.released, ended.err
    if ended.code == 0:
        assert now.live == word, ended.err
        assert "rolled back" not in ended.err
        return
    assert ended.code in {1, 6}, ended.err
    assert now.live == before.live, ended.err
    assert ("rolled back:" in ended.err) == (now.history != before.history), ended.err


def _judge_next(service: Deployable, objects: ObjectsOf) -> None:
    """`deploy` was killed: the next command says how things are, and one more repairs them."""
    status = service.deploy("status", "staging", "-o", "json").json["releases"]
    (told,) = [each for each in status if each["release"] == "main"]
    truth = _truth(service, objects)
    while (told["revision"], told["status"]) != truth.newest:  # helm goes on by itself
        status = service.deploy("status", "staging", "-o", "json").json["releases"]
        (told,) = [each for each in status if each["release"] == "main"]
        truth = _truth(service, objects)
    if told["status"].startswith("pending"):
        assert told["remark"]
        repaired = service.deploy("rollback", "staging", "--yes")
        assert repaired.code == 0, repaired.err
        service.deploy("unhold", "staging", "--reason", "the next one")
    truth = _truth(service, objects)
    assert truth.newest[1] in {"deployed", "failed"}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("lane", range(LANES))
def test_after_any_kill_words_and_exit_code_agree_with_history_and_cluster(
    make: Make, objects: ObjectsOf, lane: int
) -> None:
    dice = random.Random(lane)
    service = make("staging")
    service.greet("word 0")
    assert service.deploy("staging", "--release", "main").code == 0
    kills = attempts = 0
    while kills < KILLS // LANES:
        attempts += 1
        assert attempts < 4 * KILLS // LANES, "too few programs lived long enough"
        program = PROGRAMS[(lane + kills) % len(PROGRAMS)]
        word = f"word {attempts}"
        service.greet(word)
        before = _truth(service, objects)
        killed, ended = _kill(service, program, dice)
        kills += killed
        if killed and program == "deploy":
            _judge_next(service, objects)
        else:
            _judge_survivor(ended, before, _truth(service, objects), word)
