from __future__ import annotations

from collections.abc import Iterable

import pytest

from deploycharts.sandbox import repair
from deploycharts.sandbox.components import Component, Kind
from deploycharts.sandbox.processes import Process
from deploycharts.sandbox.repair import Observation


def component(kind: Kind, environment: str | None = None) -> Component:
    name = f"{environment}-{kind}" if environment else str(kind)
    return Component(name, kind, environment, (str(kind), f"--of={name}"), 20_000, 1)


SHARED = (Kind.ETCD, Kind.EGRESS)
COMPONENTS = [
    component(Kind.ETCD),
    component(Kind.EGRESS),
    *(component(kind, env) for env in ("codfw", "eqiad") for kind in Kind if kind not in SHARED),
]
NAMES = [each.name for each in COMPONENTS]
EVERYTHING = {name: pid for pid, name in enumerate(NAMES, start=100)}


def started(healthy: Iterable[str], observation: Observation | None = None) -> list[str]:
    seen = observation or Observation(EVERYTHING, ())
    return [each.name for each in repair.plan(COMPONENTS, seen, healthy).start]


def stopped(healthy: Iterable[str]) -> set[int]:
    return set(repair.plan(COMPONENTS, Observation(EVERYTHING, ()), healthy).stop)


def without(*names: str) -> list[str]:
    return [name for name in NAMES if name not in names]


def test_a_whole_sandbox_is_left_alone() -> None:
    assert not started(NAMES)
    assert not stopped(NAMES)


def test_an_empty_one_is_started_in_order() -> None:
    assert started([], Observation({}, ())) == NAMES


@pytest.mark.parametrize("name", ["eqiad-kwok", "egress"])
def test_a_component_that_nobody_watches_is_started_alone(name: str) -> None:
    assert started(without(name)) == [name]
    assert stopped(without(name)) == {EVERYTHING[name]}


def test_what_watches_an_api_server_is_started_again_with_it() -> None:
    assert started(without("codfw-apiserver")) == [
        name for name in NAMES if name.startswith("codfw-")
    ]


def test_without_etcd_everything_is_started_again() -> None:
    assert started(without("etcd")) == NAMES
    assert stopped(without("etcd")) == set(EVERYTHING.values())


def test_a_killed_process_is_started_and_nothing_is_stopped_for_it() -> None:
    running = {name: pid for name, pid in EVERYTHING.items() if name != "codfw-scheduler"}

    todo = repair.plan(COMPONENTS, Observation(running, ()), NAMES)

    assert [each.name for each in todo.start] == ["codfw-scheduler"]
    assert not todo.stop


def test_processes_are_known_by_their_whole_command_lines() -> None:
    etcd = COMPONENTS[0]
    found = [
        Process(7, etcd.argv),
        Process(8, (*etcd.argv, "--with=other-settings")),
        Process(9, etcd.argv),
    ]

    observation = repair.observe(COMPONENTS, found)

    assert observation == Observation({"etcd": 7}, (8, 9))
    assert set(repair.plan(COMPONENTS, observation, ["etcd"]).stop) == {8, 9}
