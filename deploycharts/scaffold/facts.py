"""What the repository already has: gathered before the first question, quoted in the answers."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from deploycharts.documents import HelmLoader
from deploycharts.errors import UserError
from deploycharts.registry.repository import Repository
from deploycharts.scaffold import names, record, settings
from deploycharts.scaffold.question import Answers
from deploycharts.scaffold.settings import Settings
from deploycharts.scaffold.tree import chart_folder
from deploycharts.source import Source
from deploycharts.tools import process

FIRST_PORT = 8080
NODE_PORTS = range(30000, 32768)
_PORT_KEYS = frozenset(
    {
        ("port",), ("app", "port"), ("main_app", "port"), ("service", "port"),
        ("service", "port", "port"), ("mesh", "public_port"),
    }
)  # fmt: skip
"""Where charts say the port that a service is called at: ours, and those written by hand."""
_HOST_KEYS = frozenset({"host", "hosts", "hostname", "hostnames", "gatewayHosts", "extraFQDNs"})
"""Where charts say which host names lead to a service."""
_NODE_PORT_KEYS = frozenset({"nodePort", "node_port"})


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has a port or a host name, and where it says so."""

    owner: str
    source: Source


@dataclass(frozen=True, slots=True)
class Facts:
    """The names, ports and people of a repository; `made`: what charts were made from."""

    charts: Mapping[str, Source]
    made: Mapping[str, Answers]
    services: Mapping[str, Source]
    namespaces: Mapping[str, Source]
    environments: tuple[str, ...]
    ports: Mapping[int, Claim]
    node_ports: Mapping[int, Claim]
    node_port_range: range
    hosts: Mapping[str, Claim]
    image: str
    domain: str
    deployers: tuple[str, ...]
    contact: str
    settings: Settings = field(default_factory=Settings)
    groups: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    repositories: Mapping[str, str] = field(default_factory=dict)
    asks_registry: bool = False

    def free_port(self) -> int:
        """The lowest port that no service has."""
        return next(p for p in range(FIRST_PORT, 65536) if p not in self.ports)

    def free_node_port(self) -> int:
        """The lowest node port in the declared range that no service has."""
        free = (p for p in self.node_port_range if p not in self.node_ports)
        return next(free, self.node_port_range.start)

    def without(self, service: str, chart: str) -> Facts:
        """The facts as if the service and its chart were not there yet."""
        return replace(
            self,
            charts={k: v for k, v in self.charts.items() if k != chart},
            services={k: v for k, v in self.services.items() if k != service},
            namespaces={k: v for k, v in self.namespaces.items() if k != service},
            ports={k: v for k, v in self.ports.items() if v.owner != service},
            node_ports={k: v for k, v in self.node_ports.items() if v.owner != service},
            hosts={k: v for k, v in self.hosts.items() if v.owner != service},
        )


def gather(repository: Repository) -> Facts:
    """Read the repository's charts, services, registry entries and port numbers."""
    services = repository.root / "helmfile.d" / "services"
    own = settings.read(repository.root / "chart-templates")
    charts = _sources(repository, repository.root / "charts", "*/Chart.yaml")
    claims = list(_claims(repository, services))
    entries = list(_entries(repository))
    return Facts(
        charts=charts,
        made=_made(repository, charts),
        services={
            name: Source(repository.shown(services / name)) for name in repository.service_names
        },
        namespaces={namespace: source for namespace, source, _ in entries},
        environments=tuple(e.name for e in repository.environments),
        ports={number: claim for key, number, claim in reversed(claims) if key == "port"},
        node_ports={number: claim for key, number, claim in reversed(claims) if key == "node"},
        hosts=dict(_hosts(repository, services)),
        node_port_range=_declared_node_ports(repository.root),
        image=_usual_image(services, own.image),
        domain=_usual_domain(services) or own.domain,
        settings=own,
        groups=tuple(dict.fromkeys([*own.deployers, *(p for _, _, ps in entries for p in ps)])),
        gateways=tuple(dict.fromkeys([*own.gateways, *_gateways(services)])),
        issuers=tuple(dict.fromkeys([*own.issuers, *_values(services, ("tls", "issuer"))])),
        repositories=_repositories(services),
        deployers=_usual_deployers([people for _, _, people in entries]),
        contact=_own_address(repository.root),
    )


def _sources(repository: Repository, folder: Path, pattern: str) -> dict[str, Source]:
    return {p.parent.name: Source(repository.shown(p)) for p in sorted(folder.glob(pattern))}


def _made(repository: Repository, charts: Iterable[str]) -> dict[str, Answers]:
    found = {}
    for chart in charts:
        path = f"{chart_folder(chart)}/{record.FILE}"
        if (repository.root / path).is_file():
            with suppress(UserError):  # --check and --update complain of a broken record
                found[chart] = record.read(repository.root / path, path).answers
    return found


def _claims(repository: Repository, services: Path) -> Iterator[tuple[str, int, Claim]]:
    for path in sorted(services.glob("*/values*.yaml")):
        for keys, value, line in _scalars(_compose(path)):
            if not re.fullmatch(r"\d{2,5}", value):
                continue
            claim = Claim(path.parent.name, Source(repository.shown(path), line))
            if keys in _PORT_KEYS:
                yield "port", int(value), claim
            elif keys[-1] in _NODE_PORT_KEYS:
                yield "node", int(value), claim


def _hosts(repository: Repository, services: Path) -> Iterator[tuple[str, Claim]]:
    """Host names that lead to a service from outside; the first file that has one counts."""
    for path in sorted(services.glob("*/values*.yaml"), reverse=True):
        for keys, value, line in _scalars(_compose(path)):
            is_outside = "ingress" in keys or keys[-1] == "hostnames"
            if is_outside and _HOST_KEYS & set(keys) and names.host(value) is None:
                yield value, Claim(path.parent.name, Source(repository.shown(path), line))


def _entries(repository: Repository) -> Iterator[tuple[str, Source, list[str]]]:
    folder = repository.root / "helmfile.d" / "cluster" / "services"
    for path in sorted(folder.glob("*.yaml")):
        found = list(_scalars(_compose(path)))
        people = [value for keys, value, _ in found if keys[0] == "deployers"]
        for keys, value, line in found:
            if keys == ("namespace",):
                yield value, Source(repository.shown(path), line), people


def _compose(path: Path) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(path.read_text(), Loader=HelmLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None  # somebody else's broken file is no reason not to make a new service
    return node


def _scalars(
    node: yaml.Node | None, keys: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(value, (*keys, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item, keys)
    elif isinstance(node, yaml.ScalarNode) and keys:
        yield keys, str(node.value), node.start_mark.line + 1


def _usual_image(services: Path, declared: str) -> str:
    """Where a service's image is, with {name} in it: as declared, else as most services have it."""
    if declared:
        return declared
    found = Counter(value.rpartition("/")[0] for value in _repositories(services).values())
    del found[""]
    return found.most_common(1)[0][0] + "/{name}" if found else ""


def _repositories(services: Path) -> dict[str, str]:
    """The image of each service, without its tag."""
    return {
        path.parent.name: value
        for path in sorted(services.glob("*/values.yaml"))
        for keys, value, _ in _scalars(_compose(path))
        if keys == ("image", "repository") and names.image(f"{value}:1") is None
    }


def _values(services: Path, wanted: tuple[str, ...]) -> Iterator[str]:
    """Every value that services have at these keys."""
    for path in sorted(services.glob("*/values*.yaml")):
        yield from (value for keys, value, _ in _scalars(_compose(path)) if keys == wanted)


def _gateways(services: Path) -> Iterator[str]:
    for path in sorted(services.glob("*/values*.yaml")):
        found = {keys: value for keys, value, _ in _scalars(_compose(path))}
        names_of = (found.get(("ingress", "gateway", key), "") for key in ("namespace", "name"))
        namespace, name = names_of
        if namespace and name:
            yield f"{namespace}/{name}"


def _usual_domain(services: Path) -> str:
    """What most services' host names end in."""
    found: Counter[str] = Counter()
    for path in services.glob("*/values*.yaml"):
        for keys, value, _ in _scalars(_compose(path)):
            if keys == ("ingress", "hosts") and names.host(value) is None:
                found[value.partition(".")[2]] += 1
    return found.most_common(1)[0][0] if found else ""


def _declared_node_ports(root: Path) -> range:
    """The range in environments.yaml (nodePorts: 30000-32767 of an environment), else the usual."""
    for keys, value, _ in _scalars(_compose(root / "helmfile.d" / "environments.yaml")):
        bounds = re.fullmatch(r"(\d+)-(\d+)", value)
        if keys[-1] == "nodePorts" and bounds:
            return range(int(bounds[1]), int(bounds[2]) + 1)
    return NODE_PORTS


def _usual_deployers(people: list[list[str]]) -> tuple[str, ...]:
    """The group that deploys most services, if one deploys more than one."""
    counted = Counter(tuple(one) for one in people if one)
    best = counted.most_common(1)
    return best[0][0] if best and best[0][1] > 1 else ()


def _own_address(root: Path) -> str:
    asked = process.run(["git", "config", "user.email"], cwd=root, ok=range(256), env=os.environ)
    address = asked.out.strip()
    return address if names.plain_text(address) is None else ""
