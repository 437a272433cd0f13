"""What cannot succeed is refused before anything is touched, on real control planes."""

from __future__ import annotations

import base64
import random

import pytest
import yaml

from deploycharts.deployment.recordsize import LIMIT
from tests.deployment.matrix_builders import put, require_refused, take
from tests.services import Deployable, Make

pytestmark = pytest.mark.sandbox


def _set_twice(service: Deployable) -> None:
    """The template sets a variable, and then the values set it once more."""
    template = service.root / "charts" / "echoserver" / "templates" / "deployment.yaml"
    text = template.read_text()
    assert "          ports:\n" in text
    env = "          env: [{name: TWICE, value: one},\n            {name: TWICE, value: two}]\n"
    template.write_text(text.replace("          ports:\n", f"{env}          ports:\n", 1))


def test_a_variable_that_is_set_twice_is_refused_with_both_lines(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    _set_twice(service)

    refused = service.deploy("staging")

    template = "charts/echoserver/templates/deployment.yaml"
    lines = (service.root / template).read_text().splitlines()
    places = [f"{template}:{n}" for n, line in enumerate(lines, 1) if "name: TWICE" in line]
    assert len(places) == 2
    require_refused(
        service, refused, "container app: the variable TWICE is there twice", *places, at=1
    )


@pytest.mark.thorough
def test_a_release_that_helm_cannot_record_is_refused_with_the_file(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    noise = base64.b64encode(random.Random(1).randbytes(LIMIT)).decode()
    (service.root / "charts" / "echoserver" / "fixture.txt").write_text(noise)
    service.greet("good day")

    refused = service.deploy("staging")

    require_refused(
        service, refused, "a Secret has room for 1.00 MiB", "echoserver/fixture.txt (1.33 MiB)",
        at=1,
    )  # fmt: skip


@pytest.mark.thorough
def test_an_object_of_another_release_is_refused_and_its_owner_named(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    put(service, {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared"}, "data": {"a": "b"}
    }, only="main")  # fmt: skip
    assert service.deploy("staging").code == 0
    take(service, "shared")
    file = service.root / "charts" / "echoserver" / "templates" / "shared.yaml"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared-main"}}
    file.write_text(
        f'{{{{- if eq .Release.Name "canary" }}}}\n{yaml.safe_dump(body)}{{{{- end }}}}'
    )

    refused = service.deploy("staging")

    assert refused.code == 4, refused.err
    assert f"belongs to the release {service.name}/main" in refused.err.partition("error: ")[2]
