"""What a sandbox keeps from one start to the next: ports, tokens, and how often it began."""

from __future__ import annotations

import json
import random
import secrets
import socket
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial

from deploycharts.errors import UserError
from deploycharts.sandbox.layout import Layout, write_private

# Below the range that systems hand out to outgoing connections.
_PORTS = range(20_000, 30_000)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the last start chose.

    Attributes:
        ports: by the name of the component.
        tokens: of administrators, by environment.
        starts: how often the pods' player was started, by environment.
    """

    ports: Mapping[str, int]
    tokens: Mapping[str, str]
    starts: Mapping[str, int] = field(default_factory=dict)


def load(layout: Layout) -> Settings:
    """The settings of the last start, empty ones before the first or if the file is damaged."""
    try:
        fields = json.loads(layout.settings.read_text())
        return Settings(
            {str(name): int(port) for name, port in fields["ports"].items()},
            {str(name): str(token) for name, token in fields["tokens"].items()},
            {str(name): int(number) for name, number in fields["starts"].items()},
        )
    except (OSError, ValueError, KeyError, AttributeError):
        return Settings({}, {})


def save(layout: Layout, settings: Settings) -> None:
    """Keep the settings for the next start."""
    write_private(layout.settings, json.dumps(asdict(settings), indent=2) + "\n")


def complete(
    settings: Settings,
    *,
    components: Iterable[str],
    environments: Iterable[str],
    playing: Container[str],
    is_usable: Callable[[str, int], bool],
) -> Settings:
    """The settings of this start, with a port for each component and a token for each environment.

    Args:
        settings: those of the last start; what still holds is kept, so that kubeconfigs stay valid.
        components: the names of all components that listen.
        environments: the names of all environments.
        playing: the environments whose pods are played already.
        is_usable: whether a component can have a port: it is free, or the component has it already.
    """
    ports: dict[str, int] = {}
    for name in components:
        port = settings.ports.get(name)
        if not port or port in ports.values() or not is_usable(name, port):
            taken = {*ports.values(), *settings.ports.values()}
            port = _choose(taken, partial(is_usable, name))
        ports[name] = port
    tokens = {name: settings.tokens.get(name) or secrets.token_hex(16) for name in environments}
    starts = {name: settings.starts.get(name, 0) + (name not in playing) for name in environments}
    return Settings(ports, tokens, starts)


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of the loopback interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _choose(taken: set[int], is_usable: Callable[[int], bool]) -> int:
    # At random, so that two checkouts that start at the same moment do not choose the same.
    for port in random.sample(_PORTS, k=500):
        if port not in taken and is_usable(port):
            return port
    raise UserError(
        f"no free port between {_PORTS.start} and {_PORTS.stop} on 127.0.0.1",
        next_step="stop other programs that listen there, then run sandbox up again",
    )
