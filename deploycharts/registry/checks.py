"""What a service wants to be asked after each step: the list `checks` of its service.yaml.

checks:
  - test: true
  - http: {path: /healthz}
    streak: 3
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from deploycharts.registry.environments import GROUP, Environment
from deploycharts.source import Source


class Pods(Enum):
    """Which of a release's ready pods an attempt asks."""

    ANY = "any"
    EACH = "each"


@dataclass(frozen=True, slots=True)
class HelmTest:
    """The chart's own tests: `helm test`."""

    @property
    def title(self) -> str:
        """What is asked, in a few words."""
        return "helm test"


@dataclass(frozen=True, slots=True)
class Http:
    """One request to a pod of the release.

    Attributes:
        port: a number or a container port's name; empty: the pod's first port.
        status: the status that is expected; redirects are not followed.
        contains: what the body must contain.
    """

    path: str
    port: str = ""
    status: int = 200
    contains: str = ""
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    scheme: str = "http"

    @property
    def title(self) -> str:
        """What is asked, in a few words."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class OpenApi:
    """The examples (`x-amples`) in the description that a pod of the release serves at `path`."""

    path: str = "/?spec"
    port: str = ""
    scheme: str = "http"

    @property
    def title(self) -> str:
        """What is asked, in a few words."""
        return f"examples in {self.path}"


@dataclass(frozen=True, slots=True)
class Command:
    """A program on the deployer's machine, with a port-forward to a pod of the release.

    Attributes:
        argv: the program and its arguments; with a slash it is a path in the repository.
        folder: the top of the repository as it was planned; None: as it is.
    """

    argv: tuple[str, ...]
    port: str = ""
    scheme: str = "http"
    folder: Path | None = None

    @property
    def title(self) -> str:
        """What is asked, in a few words."""
        return shlex.join(self.argv)


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A query all of whose values must be below, or above, a threshold.

    Attributes:
        query: PromQL; {service}, {environment} and {release} are filled in.
        url: where Prometheus is; empty: the environment's.
    """

    query: str
    url: str = ""
    below: float | None = None
    above: float | None = None

    @property
    def title(self) -> str:
        """What is asked, in a few words."""
        limits = [f"> {self.above:g}"] if self.above is not None else []
        limits += [f"< {self.below:g}"] if self.below is not None else []
        return f"{self.query} {' and '.join(limits)}"


Probe: TypeAlias = HelmTest | Http | OpenApi | Command | Prometheus


@dataclass(frozen=True, slots=True)
class Check:
    """One entry of the list.

    Attributes:
        probe: what is asked.
        name: what it is called in tables; what is asked, unless the owner named it.
        releases: of which releases; empty: of all.
        environments: where, a group's name among them; empty: everywhere.
        streak: successes in a row that make it pass.
        every_s: seconds from the end of an attempt to the next.
        within_s: seconds in which it must have passed.
    """

    probe: Probe
    name: str
    source: Source
    releases: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    streak: int = 1
    every_s: float = 2
    within_s: float = 30
    pods: Pods = field(default=Pods.ANY)

    def applies_to(self, environment: Environment, release: str) -> bool:
        """Whether it is asked of this release there."""
        words = {environment.name, *([GROUP] if environment.is_production else [])}
        return (not self.releases or release in self.releases) and (
            not self.environments or bool(words & set(self.environments))
        )
