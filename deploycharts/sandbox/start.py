"""One run of `up`: what is missing is started, what does not answer is started again."""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Container, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import replace

from deploycharts.cluster.connection import ApiError, Cluster, Unreachable
from deploycharts.cluster.objects import Objects
from deploycharts.errors import UserError
from deploycharts.sandbox import (
    components,
    contents,
    credentials,
    egress,
    health,
    processes,
    repair,
    settings,
    simulation,
)
from deploycharts.sandbox.components import Component, Kind, named, of_kind
from deploycharts.sandbox.environments import ENVIRONMENTS, SandboxEnvironment
from deploycharts.sandbox.layout import Layout, make_private_folder, write_private
from deploycharts.sandbox.repair import Observation
from deploycharts.sandbox.settings import Settings
from deploycharts.tools import programs

Progress = Callable[[str, str], None]
"""Told what is ready: the environment (empty for what all share) and the thing."""

_START_S = 120.0
_FIRST_ANSWER_S = 1.0
_ANSWER_S = 5.0
_POLL_S = 0.1
_LAST_LINES = 5
_LINE_LENGTH = 400
_MOST_COLLISIONS = 3
_PORT_TAKEN = "address already in use"
_FATAL = re.compile(r'^panic: |^Error: |"level":"(panic|fatal)"|^F\d{4} ')


class _PortTaken(UserError):
    """A port was free when it was chosen; another program was quicker."""


class Start:
    """One run of `up`."""

    def __init__(self, layout: Layout, progress: Progress) -> None:
        self._layout = layout
        self._progress = progress
        self._told = threading.Lock()
        self._deadline = time.monotonic() + _START_S
        self._given_up = threading.Event()
        self._started: dict[str, dict[str, int]] = {}

    def run(self) -> None:
        """Return when everything is ready.

        Raises:
            UserError: a component ends, or does not get ready in time.
        """
        for _ in range(_MOST_COLLISIONS):
            try:
                return self._run()
            except _PortTaken:
                self._given_up.clear()
                self._started = {}
        return self._run()

    def _run(self) -> None:
        running = self._running()
        self._settings = self._prepare(running)
        wanted = all_components(self._layout, self._settings)
        well = self._answering(named(wanted, running))
        todo = repair.plan(wanted, Observation(running, ()), well)
        processes.kill(todo.stop)
        self._make_certificates_anew(todo.start)
        starting = {each.name for each in todo.start}
        self._start_and_wait([each for each in wanted if each.environment is None], starting)
        self._bring_up_all(wanted, starting)

    def _running(self) -> dict[str, int]:
        """What runs as the last settings want it. The rest is ended: its ports are needed."""
        known = with_ports(settings.load(self._layout))
        found = processes.find(self._layout.folder)
        observation = repair.observe(all_components(self._layout, known), found)
        processes.kill(observation.strays)
        return observation.running

    def _prepare(self, running: Container[str]) -> Settings:
        """Settings, folders and files, all before anything is started."""
        chosen = settings.complete(
            settings.load(self._layout),
            components=components.names(),
            environments=[each.name for each in ENVIRONMENTS],
            playing=[
                each.name
                for each in ENVIRONMENTS
                if components.name(Kind.KWOK, each.name) in running
            ],
            is_usable=lambda name, port: name in running or settings.is_free(port),
        )
        settings.save(self._layout, chosen)
        make_private_folder(self._layout.logs)
        make_private_folder(self._layout.etcd)
        write_private(self._layout.egress, egress.CONFIG)
        simulation.write_logs(self._layout)
        for each in ENVIRONMENTS:
            simulation.write_config(self._layout, each.name, port=_kwok_port(chosen, each))
            credentials.write_tokens(self._layout, each.name, chosen.tokens[each.name])
        return chosen

    def _answering(self, running: Sequence[Component]) -> list[str]:
        """Those that answer the first or the second time: a busy machine makes them slow."""
        if not self._ask(of_kind(running, Kind.ETCD), timeout_s=_ANSWER_S):
            return []
        well = self._ask(running, timeout_s=_FIRST_ANSWER_S)
        silent = [each for each in running if each.name not in well]
        return well + self._ask(silent, timeout_s=_ANSWER_S)

    def _ask(self, some: Sequence[Component], *, timeout_s: float) -> list[str]:
        return health.healthy(self._layout, some, timeout_s=timeout_s)

    def _make_certificates_anew(self, starting: Iterable[Component]) -> None:
        for each in starting:
            if each.kind is Kind.APISERVER and each.environment:
                credentials.drop_unusable(self._layout, each.environment)

    def _bring_up_all(self, wanted: Sequence[Component], starting: set[str]) -> None:
        with ThreadPoolExecutor(max_workers=len(ENVIRONMENTS)) as pool:
            lanes = [pool.submit(self._bring_up, each, wanted, starting) for each in ENVIRONMENTS]
            try:
                for lane in as_completed(lanes):
                    lane.result()
            except BaseException:
                self._given_up.set()
                raise

    def _bring_up(
        self, lane: SandboxEnvironment, wanted: Sequence[Component], starting: set[str]
    ) -> None:
        own = [each for each in wanted if each.environment == lane.name]
        servers = of_kind(own, Kind.APISERVER)
        self._start_and_wait(servers, starting)
        credentials.write_admin_kubeconfig(
            self._layout, lane.name, port=servers[0].port, token=self._settings.tokens[lane.name]
        )
        with closing(Cluster(self._layout.kubeconfig(lane.name), name=lane.name)) as cluster:
            self._fill(Objects(cluster), lane, own, starting)

    def _fill(
        self,
        objects: Objects,
        lane: SandboxEnvironment,
        own: Sequence[Component],
        starting: set[str],
    ) -> None:
        """Give a cluster its contents and the programs that work on them, up to a ready pod."""
        self._until(lane.name, "contents", lambda: contents.install(objects, lane))
        if any(each.name in starting for each in of_kind(own, Kind.KWOK)):
            self._until(lane.name, "leases", lambda: contents.release_nodes(objects))
        others = [each for each in own if each.kind is not Kind.APISERVER]
        self._start_and_wait(others, starting)
        self._until(lane.name, "nodes", lambda: contents.are_nodes_ready(objects, lane))
        probe = f"probe-{uuid.uuid4().hex[:8]}"
        self._until(lane.name, "probe", lambda: contents.start_probe(objects, probe))
        self._until(lane.name, "pods", lambda: contents.is_probe_ready(objects, probe))
        self._until(lane.name, "probe", lambda: contents.remove_probes(objects))
        self._tell(lane.name, "pods")

    def _start_and_wait(self, some: Sequence[Component], starting: set[str]) -> None:
        started = [each.name for each in some if each.name in starting]
        for each in some:
            if each.name in started:
                self._start(each)
        self._wait_for(some, started)

    def _start(self, component: Component) -> int:
        pid = self._launch(component)
        self._started.setdefault(component.environment or "", {})[component.name] = pid
        return pid

    def _launch(self, component: Component) -> int:
        log = self._layout.log(component.name)
        if log.exists():
            log.replace(log.with_suffix(".previous.log"))
        log.touch(0o600)
        variables = processes.clean(os.environ)
        if component.memory_limit:
            variables["GOMEMLIMIT"] = str(component.memory_limit)
        return processes.start(
            component.argv, cwd=self._layout.folder, log=log, environment=variables
        )

    def _wait_for(self, some: Iterable[Component], started: Container[str]) -> None:
        for each in some:
            lane = each.environment or ""
            self._until(lane, each.kind, self._question(each))
            if each.name in started:
                self._tell(lane, each.kind)

    def _question(self, component: Component) -> Callable[[], bool]:
        return lambda: health.is_healthy(self._layout, component, timeout_s=_ANSWER_S)

    def _require_alive(self, lane: str) -> None:
        """A stranger on the port of a program that has ended can look like it."""
        for name, pid in self._started.get(lane, {}).items():
            if not processes.is_alive(pid):
                raise self._failure(name, "ended")

    def _until(self, lane: str, thing: str, is_done: Callable[[], bool]) -> None:
        """Wait until something is done. An API server that has just started may refuse at first."""
        refusal: UserError | None = None
        while True:
            self._require_alive(lane)
            try:
                if is_done():
                    return
            except (ApiError, Unreachable) as error:
                refusal = error
            if self._given_up.is_set():
                raise UserError(f"{lane} was not waited for")
            if time.monotonic() > self._deadline:
                raise refusal or self._failure(f"{lane}-{thing}".strip("-"), "did not get ready")
            time.sleep(_POLL_S)

    def _tell(self, lane: str, thing: str) -> None:
        with self._told:
            self._progress(lane, thing)

    def _failure(self, name: str, what: str) -> UserError:
        log = self._layout.log(name)
        text = log.read_text(errors="replace") if log.exists() else ""
        taken = what == "ended" and _PORT_TAKEN in text
        return (_PortTaken if taken else UserError)(
            f"{name} {what}",
            where=log if log.exists() else self._layout.logs,
            why="\n".join(last_words(text)),
            next_step="sandbox up, to try again; sandbox reset, to start from nothing",
        )


def all_components(layout: Layout, chosen: Settings) -> list[Component]:
    """All components as these settings want them."""
    configs = {
        each.name: simulation.config_path(layout, each.name, port=_kwok_port(chosen, each))
        for each in ENVIRONMENTS
    }
    return components.build(layout, chosen, kwok_configs=configs, find=programs.find)


def last_words(log: str) -> list[str]:
    """The lines of a log that tell best why its program ended."""
    lines = [line[:_LINE_LENGTH] for line in log.splitlines()]
    for number, line in enumerate(lines):
        if _FATAL.search(line):
            return lines[number : number + _LAST_LINES]
    return lines[-_LAST_LINES:]


def with_ports(known: Settings) -> Settings:
    """The settings with port 0 for components that never had one, so that they match nothing."""
    ports = {name: known.ports.get(name, 0) for name in components.names()}
    return replace(known, ports=ports)


def _kwok_port(chosen: Settings, environment: SandboxEnvironment) -> int:
    return chosen.ports[components.name(Kind.KWOK, environment.name)]
