"""What the API server or a controller would refuse: named in words, before anything is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deploycharts.cluster.objects import Objects
from tests.deployment.matrix_builders import (
    pod_spec,
    put,
    require_next_works,
    require_refused,
    take,
)
from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]

ObjectsOf = Callable[[str], Objects]
ADMISSION = "admissionregistration.k8s.io/v1"


@pytest.fixture
def forbid(objects: ObjectsOf) -> Iterator[Callable[[Deployable, str, str], None]]:
    """Makes a policy for one service's ConfigMaps: `forbid(service, expression, message)`."""
    made: list[str] = []

    def bind(service: Deployable, expression: str, message: str) -> None:
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                "resources": ["configmaps"]}  # fmt: skip
        chosen = {"matchLabels": {"kubernetes.io/metadata.name": service.name}}
        name = f"test-{service.name}"
        made.append(name)
        staging = objects("staging")
        staging.create(ADMISSION, "validatingadmissionpolicies", {
            "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [rule], "namespaceSelector": chosen},
                "validations": [{"expression": expression, "message": message}],
            },
        })  # fmt: skip
        staging.create(ADMISSION, "validatingadmissionpolicybindings", {
            "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"],
                     "matchResources": {"namespaceSelector": chosen}},
        })  # fmt: skip

    yield bind
    for name in made:
        objects("staging").delete(ADMISSION, "validatingadmissionpolicybindings", name)
        objects("staging").delete(ADMISSION, "validatingadmissionpolicies", name)


def _settings(word: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"},
            "data": {"word": word}}  # fmt: skip


def test_a_denial_by_a_policy_names_object_policy_and_its_words(
    make: Make, forbid: Callable[[Deployable, str, str], None]
) -> None:
    service = make("staging")
    service.deploy("staging")
    expression = "!has(object.data) || !('word' in object.data) || object.data.word != 'wrong'"
    forbid(service, expression, "the word is wrong")
    put(service, _settings("right"))
    assert service.deploy("staging").code == 0
    put(service, _settings("wrong"))
    refused = service.deploy("staging")

    require_refused(
        service, refused, "settings-canary", "the word is wrong", f"test-{service.name}", at=2
    )
    take(service, "settings")
    require_next_works(service)


def test_pods_that_the_namespace_s_security_level_refuses_are_explained(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    spec = {**pod_spec("tool"), "restartPolicy": "Always", "hostNetwork": True}
    labels = {"app": "tool"}
    put(service, {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "tool"},
        "spec": {"selector": {"matchLabels": labels},
                 "template": {"metadata": {"labels": labels}, "spec": spec}},
    }, only="canary")  # fmt: skip

    refused = service.deploy("staging")

    require_refused(service, refused, "Deployment/tool-canary", "hostNetwork", at=1)
    take(service, "tool")
    require_next_works(service)


def test_a_field_that_cannot_be_changed_is_named(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    template = service.root / "charts" / "echoserver" / "templates" / "deployment.yaml"
    before = template.read_text()
    more = 'list . "server") | nindent 6 }}\n      more: "yes"'
    labels = 'list . "server") | nindent 8 }}\n        more: "yes"'
    changed = before.replace('list . "server") | nindent 6 }}', more, 1)
    template.write_text(changed.replace('list . "server") | nindent 8 }}', labels, 1))

    refused = service.deploy("staging")

    require_refused(
        service, refused, f"{service.name}-canary", "spec.selector", "field is immutable", at=1
    )
    template.write_text(before)
    require_next_works(service)
