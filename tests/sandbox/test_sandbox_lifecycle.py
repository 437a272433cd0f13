"""Starting, breaking, repairing and stopping a sandbox of its own, beside the shared one."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.objects import Objects
from deploycharts.sandbox import processes, settings
from deploycharts.sandbox.lifecycle import Sandbox, Status
from tests.waiting import wait_until

# One such sandbox is enough for a machine, however many workers run the tests.
# `up` gives up after two minutes and says why: that is what a failure shall show.
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.xdist_group("own sandbox"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that may be broken."""
    sandbox = Sandbox(tmp_path_factory.mktemp("checkout"))
    sandbox.up()
    yield sandbox
    sandbox.down()


def pids(sandbox: Sandbox) -> dict[str, int]:
    return {each.component: each.pid for each in sandbox.status() if each.pid}


def is_whole(sandbox: Sandbox) -> bool:
    return all(each.is_well for each in sandbox.status())


def test_it_is_ready_within_its_limits(own: Sandbox) -> None:
    found = own.status()

    assert len(found) == 14
    assert is_whole(own)
    assert sum(each.memory_bytes for each in found) < 2.5 * 2**30
    files = [path for path in own.layout.folder.rglob("*") if path.is_file()]
    secret = [path for path in files if path.suffix in {".kubeconfig", ".key", ".csv", ".json"}]
    assert len(secret) > 9
    assert all(path.stat().st_mode & 0o077 == 0 for path in [own.layout.folder, *secret])


def test_two_sandboxes_do_not_meet(own: Sandbox, sandbox: Sandbox) -> None:
    assert not set(pids(own).values()) & set(pids(sandbox).values())
    with connected(own, "eqiad") as ours, connected(sandbox, "eqiad") as theirs:
        mark = {"apiVersion": "v1", "kind": "ConfigMap"}
        ours.create(
            "v1", "configmaps", mark | {"metadata": {"name": "mark", "namespace": "default"}}
        )
        assert theirs.get("v1", "configmaps", "mark", namespace="default") is None


@pytest.mark.parametrize(
    "names",
    [
        ["codfw-kwok", "staging-controller-manager", "egress"],
        ["eqiad-apiserver"],
        ["etcd"],
    ],
    ids=" ".join,
)
def test_after_kill_9_of_any_process_it_is_made_whole(own: Sandbox, names: list[str]) -> None:
    before = pids(own)
    kubeconfig = own.kubeconfig("eqiad").read_text()
    processes.kill(before[name] for name in names)
    assert stopped(own.status()) == set(names)

    own.up()

    assert is_whole(own)
    after = pids(own)
    assert all(after[name] != before[name] for name in names)
    assert own.kubeconfig("eqiad").read_text() == kubeconfig


def test_a_process_that_stands_still_is_replaced(own: Sandbox) -> None:
    before = pids(own)
    os.kill(before["eqiad-scheduler"], signal.SIGSTOP)

    own.up()

    assert is_whole(own)
    assert not processes.is_alive(before["eqiad-scheduler"])


def test_a_whole_one_is_left_alone_even_by_two_at_once(own: Sandbox) -> None:
    before = pids(own)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: own.up(), range(2)))

    assert pids(own) == before


def test_a_port_that_another_program_takes_in_the_last_moment_is_given_up(
    own: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pids(own)
    processes.kill([before["eqiad-scheduler"]])
    taken = settings.load(own.layout).ports["eqiad-scheduler"]
    wait_until(lambda: settings.is_free(taken))
    answers = iter([True])
    is_free = settings.is_free
    monkeypatch.setattr(settings, "is_free", lambda port: next(answers, None) or is_free(port))

    with socket.create_server(("127.0.0.1", taken)):
        own.up()

    assert is_whole(own)
    assert settings.load(own.layout).ports["eqiad-scheduler"] != taken


def test_what_was_there_survives_down_and_up(own: Sandbox) -> None:
    name = f"kept-{time.time_ns()}"
    with connected(own, "codfw") as cluster:
        cluster.create(
            "v1",
            "namespaces",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        )

    own.down()
    assert not processes.find(own.layout.folder)
    assert stopped(own.status()) == {each.component for each in own.status()}

    own.up()
    with connected(own, "codfw") as cluster:
        assert cluster.get("v1", "namespaces", name)

    own.wipe()
    assert not processes.find(own.layout.folder)
    assert [path.name for path in own.layout.folder.iterdir()] == ["lock"]


def stopped(found: list[Status]) -> set[str]:
    return {each.component for each in found if each.state == "stopped"}


@contextmanager
def connected(sandbox: Sandbox, environment: str) -> Iterator[Objects]:
    cluster = Cluster(sandbox.kubeconfig(environment), name=environment)
    try:
        yield Objects(cluster)
    finally:
        cluster.close()
