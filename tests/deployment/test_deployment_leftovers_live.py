"""What failed revisions leave, and what a client-side merge loses, on real control planes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from deploycharts.cluster.objects import Objects
from tests.deployment.matrix_builders import declare, put, take
from tests.services import Deployable, Make

pytestmark = pytest.mark.sandbox

ObjectsOf = Callable[[str], Objects]
EXTRA: dict[str, Any] = {
    "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}, "data": {"a": "b"}
}  # fmt: skip


@pytest.fixture
def service(make: Make) -> Deployable:
    """A service of one release that runs in staging and stays as it is after a failure."""
    made = make("staging")
    declare(made, "main")
    made.say(onFailure="hold")
    ended = made.deploy("staging")
    assert ended.code == 0, ended.err
    return made


def _client_side(service: Deployable) -> None:
    """Make the release anew as helm 3 would have made it."""
    values = service.helm("staging", "get", "values", "main", "-o", "yaml").out
    file = service.root / ".credentials" / "values.yaml"
    file.write_text(values)
    assert service.helm("staging", "uninstall", "main", "--wait").code == 0
    chart = str(service.root / "charts" / "echoserver")
    ended = service.helm(
        "staging", "install", "main", chart, "-f", str(file), "--server-side=false"
    )
    assert ended.code == 0, ended.err


def _fail(service: Deployable, word: str) -> None:
    service.fault("crash", config={"env": {word: "on"}})
    failed = service.deploy("staging")
    assert failed.code == 7, failed.err


def _fail_twice(service: Deployable) -> None:
    """Two failed revisions, of which only the first brought an object."""
    put(service, EXTRA)
    _fail(service, "ONE")
    take(service, "extra")
    _fail(service, "TWO")


def _container(service: Deployable, objects: ObjectsOf) -> dict[str, Any]:
    found = objects("staging").get(
        "apps/v1", "deployments", f"{service.name}-main", namespace=service.name
    )
    assert found is not None
    container = found["spec"]["template"]["spec"]["containers"][0]
    assert isinstance(container, dict)
    return container


def _variables(service: Deployable, objects: ObjectsOf) -> set[str]:
    return {each["name"] for each in _container(service, objects).get("env") or ()}


def _config_maps(service: Deployable, objects: ObjectsOf) -> set[str]:
    listed = objects("staging").list("v1", "configmaps", namespace=service.name)
    return {each["metadata"]["name"] for each in listed}


@pytest.mark.parametrize("client_side", [False, True], ids=["server-side", "client-side"])
def test_what_only_a_failed_revision_brought_is_named_and_goes(
    service: Deployable, objects: ObjectsOf, *, client_side: bool
) -> None:
    if client_side:
        _client_side(service)
        assert service.deploy("staging").code == 0
    put(service, EXTRA)
    _fail(service, "FLAG")
    take(service, "extra")
    service.heal()

    shown = service.deploy("diff", "staging")
    ended = service.deploy("staging")
    after = service.deploy("diff", "staging", "--exit-code")

    assert "FLAG" in shown.out
    assert "ConfigMap/extra-main" in shown.out
    assert "ConfigMap/extra-main: only revision" in shown.err
    assert ended.code == 0, ended.err
    assert "extra-main" not in _config_maps(service, objects)
    assert "FLAG" not in _variables(service, objects)
    assert after.code == 0, after.out


@pytest.mark.thorough
def test_a_rollback_removes_what_an_earlier_failed_revision_brought(
    service: Deployable, objects: ObjectsOf
) -> None:
    _fail_twice(service)
    assert "extra-main" in _config_maps(service, objects)

    ended = service.deploy("rollback", "staging", "--yes")

    assert ended.code == 0, ended.err
    assert "ConfigMap/extra-main: only revision 2 brought it" in ended.err + ended.out
    assert "extra-main" not in _config_maps(service, objects)
    assert not {"ONE", "TWO"} & _variables(service, objects)
    assert any("extra-main" in str(each.get("action")) for each in service.journal())


@pytest.mark.thorough
def test_what_is_to_be_kept_stays_and_is_named(service: Deployable, objects: ObjectsOf) -> None:
    kept = {**EXTRA, "metadata": {
        "name": "extra", "annotations": {"helm.sh/resource-policy": "keep"}
    }}  # fmt: skip
    put(service, kept)
    _fail(service, "FLAG")
    take(service, "extra")
    service.heal()

    ended = service.deploy("staging")

    assert ended.code == 0, ended.err
    assert "ConfigMap/extra-main: only revision 2 brought it, which failed; it stays" in ended.err
    assert "extra-main" in _config_maps(service, objects)


def _second_port(service: Deployable) -> None:
    """One more protocol of a port that is there: a client-side merge loses it."""
    file = service.root / "charts" / "echoserver" / "templates" / "deployment.yaml"
    text = file.read_text()
    start = text.index("          ports:\n") + len("          ports:\n")
    first = text[start:].partition("- name:")[0]
    port = "{name: more, containerPort: {{ .Values.port }}, protocol: UDP}"
    file.write_text(f"{text[:start]}{first}- {port}\n{text[start:]}")


def test_a_port_that_a_client_side_merge_loses_is_put_back(
    service: Deployable, objects: ObjectsOf
) -> None:
    _client_side(service)
    assert service.deploy("staging").code == 0
    _second_port(service)

    ended = service.deploy("staging")

    assert ended.code == 0, ended.err
    ports = _container(service, objects)["ports"]
    assert len({(each["containerPort"], each["protocol"]) for each in ports}) == 2, ports
    assert "was not there after helm had applied it; it was put back" in ended.err

    _lose_again(service, objects, len(ports))


def _lose_again(service: Deployable, objects: ObjectsOf, count: int) -> None:
    """What was lost without us is told by status and diff, and put back by the next deployment."""
    staging = objects("staging")
    named = {"name": f"{service.name}-main", "namespace": service.name}
    body = staging.get("apps/v1", "deployments", named["name"], namespace=service.name)
    assert body is not None
    container = body["spec"]["template"]["spec"]["containers"][0]
    left = [each for each in container["ports"] if each["protocol"] != "UDP"]
    ops = {"spec": {"template": {"spec": {"containers": [
        {"name": container["name"], "ports": [{"$patch": "replace"}, *left]}
    ]}}}}  # fmt: skip
    staging.patch(
        "apps/v1", "deployments", named["name"], ops, namespace=service.name, strategic=True
    )

    status = service.deploy("status", "staging")
    shown = service.deploy("diff", "staging")
    ended = service.deploy("staging")

    assert "lost when helm merged it client-side" in status.out
    assert "ports" in shown.out
    assert "by hand" not in shown.err
    assert ended.code == 0, ended.err
    assert len(_container(service, objects)["ports"]) == count


@pytest.mark.thorough
def test_a_variable_set_twice_is_refused_of_a_client_side_release(
    service: Deployable, objects: ObjectsOf
) -> None:
    service.greet("hello")
    assert service.deploy("staging").code == 0
    _client_side(service)
    template = service.root / "charts" / "echoserver" / "templates" / "deployment.yaml"
    mark = '            {{- include "base.env" . | nindent 12 }}\n'
    text = template.read_text()
    assert mark in text
    again = f"{mark}            - {{name: GREETING, value: twice}}\n"
    template.write_text(text.replace(mark, again, 1))

    refused = service.deploy("staging")

    assert refused.code == 4, refused.err
    assert "the variable GREETING is there twice" in refused.err
    assert yaml.safe_dump(service.history("staging", "main")).count("deployed") == 1


@pytest.mark.thorough
def test_removing_a_service_removes_what_earlier_failed_revisions_brought(
    service: Deployable, objects: ObjectsOf
) -> None:
    _fail_twice(service)
    assert "extra-main" in _config_maps(service, objects)

    ended = service.deploy("remove", "staging", "--yes")

    assert ended.code == 0, ended.err
    assert "extra-main" not in _config_maps(service, objects)
