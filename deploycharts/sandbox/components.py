"""The programs of a sandbox and their command lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from deploycharts.sandbox import egress
from deploycharts.sandbox.environments import ENVIRONMENTS, SandboxEnvironment
from deploycharts.sandbox.layout import Layout
from deploycharts.sandbox.settings import Settings

# Names of unix sockets in the state folder, where etcd and the API servers run: etcd knows no
# passwords, so it must not be reachable by other users of the machine.
_ETCD = "unix://etcd:1"
_ETCD_PEER = "unix://etcd:2"
_MIB = 1024 * 1024


class Kind(StrEnum):
    """What a component is, in the order in which they need each other."""

    ETCD = "etcd"
    EGRESS = "egress"
    APISERVER = "apiserver"
    CONTROLLER_MANAGER = "controller-manager"
    SCHEDULER = "scheduler"
    KWOK = "kwok"


@dataclass(frozen=True, slots=True)
class Component:
    """One program of the sandbox.

    Attributes:
        name: unique in the sandbox.
        kind: which program it is.
        environment: the environment that it belongs to; None for what all share.
        argv: how it is started, and how it is recognised.
        port: where it answers questions about its health.
        memory_limit: from here on it collects garbage harder, in bytes.
    """

    name: str
    kind: Kind
    environment: str | None
    argv: tuple[str, ...]
    port: int
    memory_limit: int


def names() -> list[str]:
    """The names of all components."""
    return [*_SHARED, *(name(kind, env.name) for env in ENVIRONMENTS for kind in _OF_EACH)]


def name(kind: Kind, environment: str) -> str:
    """The name of an environment's component."""
    return f"{environment}-{kind}"


def of_kind(some: Iterable[Component], kind: Kind) -> list[Component]:
    """Those of a kind."""
    return [each for each in some if each.kind is kind]


def named(some: Iterable[Component], wanted: Iterable[str]) -> list[Component]:
    """Those with one of the wanted names."""
    chosen = set(wanted)
    return [each for each in some if each.name in chosen]


def build(
    layout: Layout,
    settings: Settings,
    *,
    kwok_configs: Mapping[str, Path],
    find: Callable[[str], Path],
) -> list[Component]:
    """All components, in the order in which they need each other.

    Args:
        layout: the paths of the sandbox.
        settings: its ports, and the number of this start.
        kwok_configs: how pods and nodes behave, by environment.
        find: finds a program by its name.
    """
    components = [
        Component(
            kind, kind, None,
            (str(find(program)), *arguments(layout, settings.ports[kind])),
            settings.ports[kind], memory_limit,
        )
        for kind, (program, arguments, memory_limit) in _SHARED.items()
    ]  # fmt: skip
    for environment in ENVIRONMENTS:
        for kind, (program, arguments, memory_limit) in _OF_EACH.items():
            component = name(kind, environment.name)
            port = settings.ports[component]
            argv = [str(find(program)), *arguments(layout, environment, port)]
            if kind is Kind.KWOK:
                start = settings.starts.get(environment.name, 0)
                argv.append(f"--config={kwok_configs[environment.name]}")
                argv.append(f"--cidr={environment.pod_addresses(start)}")
            components.append(
                Component(component, kind, environment.name, tuple(argv), port, memory_limit)
            )
    return components


def _etcd(layout: Layout, port: int) -> list[str]:
    return [
        "--name=sandbox",
        f"--data-dir={layout.etcd}",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        f"--listen-peer-urls={_ETCD_PEER}",
        f"--initial-advertise-peer-urls={_ETCD_PEER}",
        f"--initial-cluster=sandbox={_ETCD_PEER}",
        f"--listen-metrics-urls=http://127.0.0.1:{port}",
        "--auto-compaction-retention=1",
        "--unsafe-no-fsync=true",
        "--log-level=error",
    ]


def _egress(layout: Layout, port: int) -> list[str]:
    return ["-m", egress.MODULE, f"{layout.folder}/", str(port)]


def _apiserver(layout: Layout, environment: SandboxEnvironment, port: int) -> list[str]:
    of = environment.name
    return [
        f"--etcd-servers={_ETCD}",
        f"--etcd-prefix=/{of}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={layout.pki(of)}",
        f"--token-auth-file={layout.tokens(of)}",
        f"--service-account-key-file={layout.key(of)}",
        f"--service-account-signing-key-file={layout.key(of)}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged=true",
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={environment.service_cidr}",
        "--service-node-port-range=1-65535",
        f"--egress-selector-config-file={layout.egress}",
        "--profiling=false",
        "--v=0",
    ]


def _controller_manager(layout: Layout, environment: SandboxEnvironment, port: int) -> list[str]:
    of = environment.name
    return [
        f"--kubeconfig={layout.kubeconfig(of)}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--root-ca-file={layout.certificate(of)}",
        f"--service-account-private-key-file={layout.key(of)}",
        "--leader-elect=false",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        # With the defaults it gives up the nodes of a sandbox that stood still for 40 s.
        "--node-monitor-grace-period=200s",
        "--node-monitor-period=25s",
        "--profiling=false",
        "--v=0",
    ]


def _scheduler(layout: Layout, environment: SandboxEnvironment, port: int) -> list[str]:
    return [
        f"--kubeconfig={layout.kubeconfig(environment.name)}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        "--leader-elect=false",
        "--v=0",
    ]


def _kwok(layout: Layout, environment: SandboxEnvironment, port: int) -> list[str]:
    return [
        f"--kubeconfig={layout.kubeconfig(environment.name)}",
        "--manage-all-nodes=true",
        "--node-lease-duration-seconds=40",
        f"--server-address=127.0.0.1:{port}",
        f"--node-port={port}",
        "--node-ip=127.0.0.1",
        "--node-name=localhost",
        "--enable-crds=Logs,PortForward",
        "--v=WARN",
    ]


_SHARED: dict[Kind, tuple[str, Callable[[Layout, int], list[str]], int]] = {
    Kind.ETCD: ("etcd", _etcd, 200 * _MIB),
    Kind.EGRESS: ("python", _egress, 0),
}
_OF_EACH: dict[
    Kind, tuple[str, Callable[[Layout, SandboxEnvironment, int], list[str]], int]
] = {
    Kind.APISERVER: ("kube-apiserver", _apiserver, 320 * _MIB),
    Kind.CONTROLLER_MANAGER: ("kube-controller-manager", _controller_manager, 120 * _MIB),
    Kind.SCHEDULER: ("kube-scheduler", _scheduler, 90 * _MIB),
    Kind.KWOK: ("kwok", _kwok, 90 * _MIB),
}  # fmt: skip
