"""What counts as a change, and where it is."""

from __future__ import annotations

from typing import Any

from deploycharts.changes.apply import apply
from deploycharts.changes.compare import compare
from deploycharts.changes.model import ChangeSet, FactKind, Op, show_path
from tests.changes.changes_builders import (
    CONTAINER,
    TARGET,
    Body,
    changed,
    config_map,
    deployment,
    documents,
    network_policy,
    service,
)


def between(base: list[Body], head: list[Body]) -> ChangeSet:
    return compare(TARGET, documents(*base), documents(*head))


def places(found: ChangeSet) -> list[tuple[str, str]]:
    return [(change.op.value, show_path(change.path)) for change in found.changes]


def only(base: Body, head: Body) -> list[tuple[str, str]]:
    return places(between([base], [head]))


def test_containers_and_variables_are_found_by_name() -> None:
    env = [{"name": "NEW", "value": "0"}, *deployment_env()]
    head = changed(deployment(), f"{CONTAINER}/env", env)
    assert only(deployment(), head) == [("add", "spec.template.spec.containers[echo].env[NEW]")]


def deployment_env() -> list[Any]:
    return [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]


def test_a_port_is_found_by_its_name() -> None:
    head = changed(service(), "spec/ports/1/port", 9103)
    assert only(service(), head) == [("replace", "spec.ports[metrics].port")]


def test_ports_without_names_are_found_by_number_and_protocol() -> None:
    ports = [{"port": 80}, {"port": 80, "protocol": "UDP"}]
    more = [{"port": 443}, *ports]
    found = only(service(ports=ports), service(ports=more))
    assert found == [("add", "spec.ports[port=443,protocol=TCP]")]


def test_arguments_are_found_by_the_longest_common_run() -> None:
    head = changed(deployment(), f"{CONTAINER}/args", ["--new", "--listen", ":9090", "--verbose"])
    container = "spec.template.spec.containers[echo]"
    assert only(deployment(), head) == [
        ("replace", f"{container}.args[1]"),
        ("add", f"{container}.args[0]"),
    ]


def test_another_order_of_arguments_is_a_change() -> None:
    head = changed(deployment(), f"{CONTAINER}/args", [":8080", "--verbose", "--listen"])
    assert only(deployment(), head) != []


def test_a_new_peer_of_a_rule_is_found_in_the_rule() -> None:
    base = network_policy()
    peers = [{"ipBlock": {"cidr": "10.0.0.9/32"}}, {"ipBlock": {"cidr": "10.0.0.2/32"}}]
    assert only(base, changed(base, "spec/egress/1/to", peers)) == [("add", "spec.egress[1].to[0]")]


def test_a_changed_rule_is_found_while_another_comes() -> None:
    base = network_policy()
    first, second = base["spec"]["egress"]
    new = {"to": [{"ipBlock": {"cidr": "10.7.7.7/32"}}], "ports": [{"port": 9092}]}
    wider = {**second, "to": [*second["to"], {"ipBlock": {"cidr": "10.0.0.9/32"}}]}
    found = only(base, network_policy(egress=[new, first, wider]))
    assert found == [("add", "spec.egress[1].to[1]"), ("add", "spec.egress[0]")]


def test_documents_in_config_maps_are_compared_inside() -> None:
    base = config_map(**{"app.yaml": "listeners:\n- name: a\n  port: 1\n- name: b\n  port: 2\n"})
    head = config_map(**{"app.yaml": "listeners:\n- name: a\n  port: 1\n- name: b\n  port: 3\n"})
    found = between([base], [head])
    assert places(found) == [("replace", "data[app.yaml]!listeners[b].port")]
    assert [fact.kind for fact in found.facts] == [FactKind.TEXT]


def test_other_texts_are_compared_by_lines() -> None:
    base, head = config_map(**{"a.ini": "a\nb\nc\n"}), config_map(**{"a.ini": "a\nx\nc\n"})
    (change,) = between([base], [head]).changes
    assert (change.op, change.new) == (Op.PATCH, [[1, ["b"], ["x"]]])


def test_broken_yaml_is_a_text() -> None:
    base, head = config_map(**{"a.yaml": "a: [\nb\n"}), config_map(**{"a.yaml": "a: [\nc\n"})
    assert only(base, head) == [("patch", "data[a.yaml]")]


def test_an_object_under_another_name_is_renamed() -> None:
    found = between([config_map("config-aaaa")], [config_map("config-bbbb")])
    assert places(found) == [("move", ""), ("replace", "metadata.name")]
    assert found.changes[0].object.name == "config-bbbb"


def test_objects_that_are_not_alike_are_not_renamed() -> None:
    found = between([config_map("a", x="1", y="2")], [config_map("b", z="3", w="4")])
    assert {change.op for change in found.changes} == {Op.ADD, Op.REMOVE}


def test_another_api_version_is_a_change_of_the_same_object() -> None:
    head = {**network_policy(), "apiVersion": "networking.k8s.io/v2"}
    assert only(network_policy(), head) == [("replace", "apiVersion")]


def test_the_items_of_a_list_are_objects() -> None:
    wrapped: Body = {"apiVersion": "v1", "kind": "List", "items": [service(), config_map()]}
    assert between([wrapped], [config_map(), service()]).is_empty


def test_generated_names_are_counted() -> None:
    body: Body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "test-"}}
    found = between([body], [body, body])
    assert [(each.op, each.object.name) for each in found.changes] == [(Op.ADD, "test-*2")]


def test_duplicates_are_told_and_the_last_one_counts() -> None:
    found = between([service()], [service(type="NodePort"), service()])
    assert found.changes == ()
    assert [fact.kind for fact in found.facts] == [FactKind.DUPLICATE]


def test_the_version_label_and_checksums_are_facts() -> None:
    head = deployment()
    head["metadata"]["labels"]["helm.sh/chart"] = "echo-0.2.0"
    head["spec"]["template"]["metadata"]["annotations"]["checksum/config"] = "bbbb"
    found = between([deployment()], [head])
    assert found.changes == ()
    kinds = {fact.kind for fact in found.facts}
    assert kinds == {FactKind.VERSION_LABEL, FactKind.CHECKSUM}


def test_facts_make_the_head_exact() -> None:
    base = config_map(**{"a.yaml": "a: 1\nb: 2\n"})
    head = config_map(**{"a.yaml": "# hello\nb: 2\na: 1\n"})
    found = between([base], [head])
    assert found.changes == ()
    assert apply(found, documents(base)) == (head,)
