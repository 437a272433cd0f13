"""A deployment-charts repository: where its parts are, and which services it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from deploycharts import documents
from deploycharts.errors import Problems, UnknownName, UserError, unknown
from deploycharts.registry import checkforms, environments
from deploycharts.registry.checks import Check
from deploycharts.registry.environments import GROUP, Environment
from deploycharts.registry.marks import lines_of
from deploycharts.registry.policy import Policy, parse_policy
from deploycharts.source import Source

STATE_FILES = ("helmfile.yaml.gotmpl", "helmfile.yaml")
_MARKER = Path("helmfile.d", "environments.yaml")


@dataclass(frozen=True, slots=True)
class Service:
    """What the owner says of a service in its service.yaml."""

    name: str
    folder: Path
    state_file: Path
    description: str
    contact: str
    without_staging: str
    """Why the service has no staging release; empty if it has one."""
    source: Source
    policy: Policy = field(default_factory=Policy)
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Registration:
    """What administrators agreed to: helmfile.d/cluster/services/NAME.yaml."""

    service: str
    namespace: str
    path: Path
    source: Source


class Repository:
    """The repository at `root`. Reads lazily, remembers what it read."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def environments(self) -> tuple[Environment, ...]:
        """All environments, in roll-out order."""
        return environments.read(self.root)

    @cached_property
    def service_names(self) -> tuple[str, ...]:
        """All services, by name."""
        folder = self.root / "helmfile.d" / "services"
        names = (file.parent.name for state in STATE_FILES for file in folder.glob(f"*/{state}"))
        return tuple(sorted(set(names)))

    @cached_property
    def registered_names(self) -> tuple[str, ...]:
        """All services that have a registry entry."""
        folder = self.root / "helmfile.d" / "cluster" / "services"
        return tuple(sorted(file.stem for file in folder.glob("*.yaml")))

    def environment(self, name: str) -> Environment:
        """The environment `name`.

        Raises:
            UnknownName: there is none; near matches are named.
        """
        for environment in self.environments:
            if environment.name == name:
                return environment
        raise unknown("environment", name, [*(e.name for e in self.environments), GROUP])

    def select(self, word: str) -> tuple[Environment, ...]:
        """The environments that `word` means, in roll-out order: one of them, or the group."""
        if word == GROUP:
            return tuple(e for e in self.environments if e.is_production)
        return (self.environment(word),)

    def service(self, name: str) -> Service:
        """The service `name`.

        Raises:
            UnknownName: there is none; near matches are named.
            UserError: its service.yaml is not valid.
        """
        if name not in self.service_names:
            error = unknown("service", name, self.service_names)
            if "did you mean" not in error.why:
                error.next_step = f"create-new-service {name}"
            raise error
        folder = self.root / "helmfile.d" / "services" / name
        state_file = next(folder / state for state in STATE_FILES if (folder / state).is_file())
        body, source = self._mapping(folder / "service.yaml", optional=True)
        staging = str(body.get("staging", ""))
        policy, checks = self._wishes(folder / "service.yaml", body, source)
        return Service(
            name=name,
            folder=folder,
            state_file=state_file,
            description=str(body.get("description", "")),
            contact=str(body.get("contact", "")),
            without_staging=str(body.get("why", "it says so")) if staging == "none" else "",
            source=source,
            policy=policy,
            checks=checks,
        )

    def _wishes(
        self, path: Path, body: dict[str, Any], source: Source
    ) -> tuple[Policy, tuple[Check, ...]]:
        """What it says of gates, failures and checks; everything that is wrong with it at once."""
        if not body.keys() & {"gates", "onFailure", "checks"}:
            return Policy(), ()
        lines = lines_of(yaml.compose(path.read_text(), Loader=documents.HelmLoader))
        names = [environment.name for environment in self.environments]
        policy, problems = parse_policy(body, source, lines, names)
        checks, wrong = checkforms.parse(body.get("checks"), source, lines, names)
        if problems or wrong:
            raise Problems(f"{source.path} is not valid", [*problems, *wrong])
        return policy, checks

    def registration(self, name: str) -> Registration:
        """The registry entry of the service `name`.

        Raises:
            UnknownName: there is none.
            UserError: it is not valid.
        """
        path = self.root / "helmfile.d" / "cluster" / "services" / f"{name}.yaml"
        if not path.is_file():
            raise UnknownName(
                f"service {name!r} has no registry entry",
                where=self.shown(path),
                next_step=f"create-new-service {name}",
            )
        body, source = self._mapping(path)
        namespace = body.get("namespace")
        if not isinstance(namespace, str) or not namespace:
            raise UserError("the registry entry names no namespace", where=source)
        return Registration(name, namespace, path, source)

    def shown(self, path: Path) -> str:
        """`path` as a user of this repository would type it."""
        try:
            return str(path.relative_to(self.root))
        except ValueError:
            return str(path)

    def _mapping(self, path: Path, *, optional: bool = False) -> tuple[dict[str, Any], Source]:
        source = Source(self.shown(path))
        if optional and not path.is_file():
            return {}, source
        body = documents.load(path.read_bytes(), source)
        if not isinstance(body, dict):
            raise UserError("this file must be a mapping", where=source)
        return dict(body), source


def discover(start: Path | None = None) -> Repository:
    """The repository that contains the folder `start` (the working folder if None).

    Raises:
        UserError: no folder above has helmfile.d/environments.yaml.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / _MARKER).is_file():
            return Repository(folder)
    raise UserError(
        "this is not a deployment-charts repository",
        where=here,
        why=f"neither this folder nor one above it has {_MARKER}",
        next_step="cd to the repository",
    )
