"""What the three local environments are."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from deploycharts.errors import unknown


@dataclass(frozen=True, slots=True)
class Node:
    """A machine that kwok plays."""

    name: str
    zone: str
    region: str
    cpu: str
    memory: str


@dataclass(frozen=True, slots=True)
class SandboxEnvironment:
    """One local cluster.

    Attributes:
        name: staging, codfw or eqiad.
        index: tells address ranges apart.
        region: the datacenter that it plays.
        nodes_per_zone: how many nodes each of the two zones has.
        cpu: processors of a node.
        memory: memory of a node.
    """

    name: str
    index: int
    region: str
    nodes_per_zone: int
    cpu: str
    memory: str

    @property
    def service_cidr(self) -> str:
        """The address range of Services."""
        return f"10.{64 + self.index}.0.0/16"

    @property
    def pod_cidr(self) -> str:
        """The address range of pods."""
        return f"10.{128 + self.index}.0.0/16"

    def pod_addresses(self, start: int) -> str:
        """The part of the range that pods get after the n-th start.

        After a start kwok does not know which addresses the pods have that it finds (0.8).
        """
        parts = list(IPv4Network(self.pod_cidr).subnets(new_prefix=22))
        return str(parts[start % len(parts)])

    @property
    def zones(self) -> tuple[str, str]:
        """The two zones."""
        return (f"{self.name}-a", f"{self.name}-b")

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, evenly over the zones."""
        return tuple(
            Node(f"{zone}-{number}", zone, self.region, self.cpu, self.memory)
            for zone in self.zones
            for number in range(1, self.nodes_per_zone + 1)
        )


ENVIRONMENTS = (
    SandboxEnvironment("staging", 0, "eqiad", nodes_per_zone=1, cpu="16", memory="64Gi"),
    SandboxEnvironment("codfw", 1, "codfw", nodes_per_zone=2, cpu="32", memory="128Gi"),
    SandboxEnvironment("eqiad", 2, "eqiad", nodes_per_zone=2, cpu="32", memory="128Gi"),
)


def environment(name: str) -> SandboxEnvironment:
    """The environment called `name`.

    Raises:
        UnknownName: there is no such environment.
    """
    for candidate in ENVIRONMENTS:
        if candidate.name == name:
            return candidate
    raise unknown("environment", name, [each.name for each in ENVIRONMENTS])
