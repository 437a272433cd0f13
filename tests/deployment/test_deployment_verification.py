"""What a client-side merge loses, decided from released and live objects alone."""

from __future__ import annotations

from deploycharts.changes.model import Item
from deploycharts.deployment.drift import DriftKind, without_lost
from deploycharts.deployment.likeness import differences, distance
from deploycharts.deployment.merging import is_endangered, loses
from tests.deployment.live_builders import drifts, entry, parsed, there

RELEASED = parsed("""
apiVersion: v1
kind: Service
metadata: {name: dns}
spec:
  ports:
    - {name: tcp, port: 53, protocol: TCP}
    - {name: udp, port: 53, protocol: UDP}
    - {name: web, port: 80, protocol: TCP}
""")
_FIELDS = 'f:spec: {f:ports: {"k:{\\"port\\":53,\\"protocol\\":\\"TCP\\"}": {.: {}, f:port: {}}}}'
HELM = entry("helm", _FIELDS)


def _live(*names: str) -> dict[str, object]:
    spec = RELEASED.body["spec"]
    assert isinstance(spec, dict)
    ports = spec["ports"]
    assert isinstance(ports, list)
    return {"spec": {"ports": [p for p in ports if isinstance(p, dict) and p["name"] in names]}}


def test_a_port_that_shares_its_number_was_lost_and_nobody_removed_it() -> None:
    (found,) = drifts(RELEASED, there(RELEASED, _live("tcp", "web"), HELM))

    assert found.kind is DriftKind.LOST
    assert "by hand" not in str(found)
    assert "lost when helm merged it client-side" in str(found)


def test_a_port_of_a_number_of_its_own_is_not_lost_by_a_merge() -> None:
    (found,) = drifts(RELEASED, there(RELEASED, _live("tcp", "udp"), HELM))

    assert found.kind is DriftKind.MANUAL
    assert "the cluster does not record by whom" in str(found)


def test_the_base_of_a_comparison_lacks_what_was_lost() -> None:
    found = drifts(RELEASED, there(RELEASED, _live("tcp", "web"), HELM))

    (base,) = without_lost([RELEASED], found)

    assert base.body["spec"] == _live("tcp", "web")["spec"]
    assert without_lost([RELEASED], ()) == (RELEASED,)


def test_only_lists_that_share_a_merge_key_are_endangered() -> None:
    alone = parsed(
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 1}]}}"
    )

    assert is_endangered(RELEASED)
    assert not is_endangered(alone)
    udp = ("spec", "ports", Item(by=(("name", "udp"),)))
    web = ("spec", "ports", Item(by=(("name", "web"),)))
    assert loses(udp, dict(RELEASED.body))
    assert not loses(web, dict(RELEASED.body))


def test_the_nearer_document_is_the_one_that_was_applied() -> None:
    other = parsed("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: b, flag: on}}")
    base = parsed("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: b}}")
    live = {**other.body, "status": {}}

    assert distance(other, live) == 0
    assert [change.path for change in differences(base, live)] == [("data", "flag")]


def test_written_texts_of_a_secret_compare_as_they_are_stored() -> None:
    written = parsed("{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: b}}")
    stored = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": "Yg=="},
    }

    assert distance(written, stored) == 0
