from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from deploycharts.errors import UnknownName
from deploycharts.sandbox import components
from deploycharts.sandbox.components import Component, Kind
from deploycharts.sandbox.environments import ENVIRONMENTS, environment
from deploycharts.sandbox.layout import Layout
from deploycharts.sandbox.settings import Settings

ROOT = Path("/checkout")


def build() -> dict[str, Component]:
    ports = {name: 20_000 + number for number, name in enumerate(components.names())}
    configs = {each.name: Path(f"/checkout/.sandbox/{each.name}.json") for each in ENVIRONMENTS}
    built = components.build(
        Layout(ROOT),
        Settings(ports, {}),
        kwok_configs=configs,
        find=lambda name: Path("/bin", name),
    )
    return {each.name: each for each in built}


def test_one_etcd_and_one_egress_serve_three_clusters_of_four_programs() -> None:
    built = build()

    assert list(built) == components.names()
    assert len(built) == 2 + 3 * 4
    prefixes = {
        argument
        for each in built.values()
        for argument in each.argv
        if argument.startswith("--etcd-prefix=")
    }
    assert prefixes == {f"--etcd-prefix=/{each.name}" for each in ENVIRONMENTS}


@pytest.mark.parametrize("name", components.names())
def test_each_program_listens_on_loopback_only_and_is_found_by_its_folder(name: str) -> None:
    component = build()[name]

    assert any("/checkout/.sandbox/" in argument for argument in component.argv)
    assert any(str(component.port) in argument for argument in component.argv)
    assert component.kind is Kind.EGRESS or any("127.0.0.1" in each for each in component.argv)
    assert not any("0.0.0.0" in each for each in component.argv)


def test_etcd_has_no_port_for_data() -> None:
    argv = build()["etcd"].argv

    listeners = [each for each in argv if each.startswith("--listen-") and "metrics" not in each]
    assert listeners
    assert all("=unix://" in each for each in listeners)


def test_api_servers_enforce_rbac_and_take_any_node_port() -> None:
    argv = build()["codfw-apiserver"].argv

    assert "--authorization-mode=Node,RBAC" in argv
    assert "--service-node-port-range=1-65535" in argv


def test_addresses_of_environments_do_not_overlap() -> None:
    ranges = [cidr for each in ENVIRONMENTS for cidr in (each.service_cidr, each.pod_cidr)]

    assert len(set(ranges)) == len(ranges)


def test_addresses_of_pods_of_one_start_are_not_given_again_for_long() -> None:
    staging = environment("staging")
    parts = [IPv4Network(staging.pod_addresses(start)) for start in range(1, 65)]

    assert len(set(parts)) == 64
    assert all(part.subnet_of(IPv4Network(staging.pod_cidr)) for part in parts)


def test_the_production_datacenters_are_equal_and_staging_is_smaller() -> None:
    staging, codfw, eqiad = (environment(name) for name in ("staging", "codfw", "eqiad"))

    def shape(name: str) -> list[tuple[str, str, str]]:
        return [
            (node.zone.removeprefix(name), node.cpu, node.memory)
            for node in environment(name).nodes
        ]

    assert shape("codfw") == shape("eqiad")
    assert len(staging.nodes) < len(codfw.nodes)
    for each in (staging, codfw, eqiad):
        assert {node.zone for node in each.nodes} == set(each.zones)
        assert len(each.zones) == 2


def test_an_unknown_environment_gets_near_matches() -> None:
    with pytest.raises(UnknownName) as caught:
        environment("eqaid")
    assert "eqiad" in caught.value.why


def test_components_can_be_chosen_by_kind_and_name() -> None:
    everything = list(build().values())

    assert len(components.of_kind(everything, Kind.KWOK)) == 3
    assert [each.name for each in components.named(everything, ["etcd"])] == ["etcd"]
