"""What must be stopped and started to make a sandbox whole. Decides only; nothing is touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deploycharts.sandbox.components import Component, Kind
from deploycharts.sandbox.processes import Process


@dataclass(frozen=True, slots=True)
class Observation:
    """What runs.

    Attributes:
        running: process IDs by the name of the component whose command line they have.
        strays: processes of this sandbox that no component accounts for: started with other
            settings, or twice.
    """

    running: dict[str, int]
    strays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Repair:
    """Processes to end, then components to start, in order."""

    stop: tuple[int, ...]
    start: tuple[Component, ...]


def observe(components: Iterable[Component], processes: Iterable[Process]) -> Observation:
    """Match processes with components by their whole command lines."""
    names = {component.argv: component.name for component in components}
    running: dict[str, int] = {}
    strays: list[int] = []
    for process in processes:
        name = names.get(process.argv)
        if name is None or name in running:
            strays.append(process.pid)
        else:
            running[name] = process.pid
    return Observation(running, tuple(strays))


def plan(
    components: Sequence[Component], observation: Observation, healthy: Iterable[str]
) -> Repair:
    """What makes the sandbox whole again.

    Args:
        components: all that should run.
        observation: what runs.
        healthy: the names of those that answer.
    """
    broken = _with_dependants(components, set(healthy) & set(observation.running))
    stop = (observation.running[name] for name in broken if name in observation.running)
    return Repair(
        stop=(*observation.strays, *stop),
        start=tuple(component for component in components if component.name in broken),
    )


def _with_dependants(components: Sequence[Component], sound: set[str]) -> list[str]:
    # Whoever watched a broken etcd or API server comes back only after a back-off of up to a
    # minute, so it is started again too.
    broken = [component for component in components if component.name not in sound]
    lost_data = any(component.kind is Kind.ETCD for component in broken)
    lost_api = {each.environment for each in broken if each.kind is Kind.APISERVER}
    return [
        component.name
        for component in components
        if lost_data or component in broken or component.environment in lost_api
    ]
