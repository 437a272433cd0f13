"""What counts as drift, decided from documents and live objects alone."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from deploycharts.cluster.live import Live, State
from deploycharts.deployment.drift import Drift, DriftKind
from tests.deployment.live_builders import drifts, entry, parsed, there

DEPLOYMENT = parsed("""
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo, labels: {app: echo}}
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: app
          image: "registry/echo:1"
          args: [serve]
          env: [{name: GREETING, value: hello}]
          resources: {requests: {cpu: "0.5"}}
""")

HELM = entry(
    "helm",
    """
f:spec:
  f:template:
    f:spec:
      f:containers:
        'k:{"name":"app"}':
          .: {}
          f:image: {}
          f:resources: {f:requests: {f:cpu: {}}}
""",
    operation="Apply",
)
ENV_OF = """
f:spec:
  f:template:
    f:spec:
      f:containers:
        'k:{"name":"app"}':
          f:env:
            'k:{"name":"%s"}': {.: {}, f:name: {}, f:value: {}}
"""


def _spec() -> dict[str, Any]:
    return deepcopy(dict(DEPLOYMENT.body))["spec"]  # type: ignore[return-value]


def _container(**changed: object) -> dict[str, Any]:
    spec = _spec()
    spec["template"]["spec"]["containers"][0].update(changed)
    return {"spec": spec}


def _told(found: tuple[Drift, ...]) -> list[tuple[object, object, str, DriftKind]]:
    return [(each.released, each.live, each.manager, each.kind) for each in found]


def test_what_runs_as_released_is_no_drift() -> None:
    assert drifts(DEPLOYMENT, there(DEPLOYMENT, {}, HELM)) == ()


def test_a_value_that_a_person_changed() -> None:
    book = entry("kubectl-edit", ENV_OF % "GREETING")
    now = there(DEPLOYMENT, _container(env=[{"name": "GREETING", "value": "by hand"}]), HELM, book)

    (found,) = drifts(DEPLOYMENT, now)

    assert _told((found,)) == [("hello", "by hand", "kubectl-edit", DriftKind.MANUAL)]
    assert (found.operation, found.at) == ("Update", "2026-01-02T03:04:05Z")
    assert str(found) == (
        "Deployment/echo spec.template.spec.containers[app].env[GREETING].value: hello → by hand, "
        "by hand (kubectl-edit, 2026-01-02T03:04:05Z)"
    )


def test_a_variable_that_a_person_added() -> None:
    added = {"name": "DEBUG", "value": "1"}
    env = [{"name": "GREETING", "value": "hello"}, added]
    now = there(DEPLOYMENT, _container(env=env), HELM, entry("kubectl-set", ENV_OF % "DEBUG"))

    assert _told(drifts(DEPLOYMENT, now)) == [(None, added, "kubectl-set", DriftKind.MANUAL)]


def test_a_field_that_somebody_removed_has_no_manager() -> None:
    now = there(DEPLOYMENT, _container(env=[]), HELM)

    (found,) = drifts(DEPLOYMENT, now)

    assert (found.live, found.manager, found.at) == (None, "", "")
    assert found.kind is DriftKind.MANUAL


@pytest.mark.parametrize(
    ("manager", "subresource", "kind"),
    [
        ("kube-controller-manager", "scale", DriftKind.AUTOSCALER),
        ("keda-operator", "", DriftKind.AUTOSCALER),
        ("kubectl", "scale", DriftKind.MANUAL),
        ("Lens", "", DriftKind.MANUAL),
        ("argo-rollouts-controller", "", DriftKind.CONTROLLER),
    ],
)
def test_whose_replicas_they_are(manager: str, subresource: str, kind: DriftKind) -> None:
    book = entry(manager, "f:spec: {f:replicas: {}}", subresource=subresource)
    now = there(DEPLOYMENT, {"spec": {**_spec(), "replicas": 5}}, HELM, book)

    assert _told(drifts(DEPLOYMENT, now)) == [(2, 5, manager, kind)]


def test_an_empty_value_that_is_not_stored_was_not_removed() -> None:
    released = parsed("""
apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {externalName: "", healthCheckNodePort: 0, allocateLoadBalancerNodePorts: false}
""")

    (found,) = drifts(released, there(released, {"spec": {}}))

    assert found.path == ("spec", "allocateLoadBalancerNodePorts")


def test_an_atomic_list_belongs_to_who_set_the_whole() -> None:
    path = 'f:spec: {f:template: {f:spec: {f:containers: {\'k:{"name":"app"}\': {f:args: {}}}}}}'
    now = there(DEPLOYMENT, _container(args=["idle"]), HELM, entry("kubectl-patch", path))

    assert {each.manager for each in drifts(DEPLOYMENT, now)} == {"kubectl-patch"}


def test_another_spelling_and_defaults_are_no_drift() -> None:
    changed = _container(
        resources={"requests": {"cpu": "500m"}},
        terminationMessagePolicy="File",
        imagePullPolicy="IfNotPresent",
    )

    assert drifts(DEPLOYMENT, there(DEPLOYMENT, changed, HELM)) == ()


def test_what_helm_set_and_the_api_server_rewrote_is_no_drift() -> None:
    now = there(DEPLOYMENT, _container(image="docker.io/registry/echo:1"), HELM)

    assert drifts(DEPLOYMENT, now) == ()


def test_what_nobody_released_is_no_drift() -> None:
    book = entry("istio-injector", "f:spec: {f:paused: {}, f:template: {f:metadata: {f:x: {}}}}")
    now = there(DEPLOYMENT, {"spec": {**_spec(), "paused": True}}, HELM, book)

    assert drifts(DEPLOYMENT, now) == ()


def test_a_restart_is_no_drift() -> None:
    name = "kubectl.kubernetes.io/restartedAt"
    book = entry(
        "kubectl-rollout",
        f"f:spec: {{f:template: {{f:metadata: {{f:annotations: {{.: {{}}, f:{name}: {{}}}}}}}}}}",
    )
    template = {**_spec()["template"], "metadata": {"annotations": {name: "2026-01-01T00:00:00Z"}}}
    now = there(DEPLOYMENT, {"spec": {**_spec(), "template": template}}, HELM, book)

    assert drifts(DEPLOYMENT, now) == ()


def test_an_object_that_is_gone() -> None:
    (found,) = drifts(DEPLOYMENT, Live(DEPLOYMENT.key, State.GONE))

    assert (found.kind, found.path) == (DriftKind.GONE, ())
    assert str(found) == "Deployment/echo is gone: deleted since it was released"


def test_what_may_not_be_read_is_left_out() -> None:
    assert drifts(DEPLOYMENT, Live(DEPLOYMENT.key, State.FORBIDDEN)) == ()


def test_secrets_are_compared_as_stored_and_shown_masked() -> None:
    secret = parsed("""
apiVersion: v1
kind: Secret
metadata: {name: echo}
stringData: {PASSWORD: correct-horse, OTHER: battery-staple}
""")
    plain = {"PASSWORD": "Y29ycmVjdC1ob3JzZQ==", "OTHER": "YmF0dGVyeS1zdGFwbGU="}
    edited = {**plain, "PASSWORD": "aHVudGVyMjI="}
    book = entry("kubectl-edit", "f:data: {f:PASSWORD: {}}")

    stored = parsed("{apiVersion: v1, kind: Secret, metadata: {name: echo}}")
    same = there(stored, {"data": plain})
    other = there(stored, {"data": edited}, book)

    assert drifts(secret, same) == ()
    (found,) = drifts(secret, other)
    assert found.path == ("data", "PASSWORD")
    assert "hunter22" not in repr(found)
    assert "correct-horse" not in repr(found)
    assert str(found.live).startswith("<secret ")
