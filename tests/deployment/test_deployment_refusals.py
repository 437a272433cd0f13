"""What an API server objects to, told from its answers."""

from __future__ import annotations

from typing import Any

import pytest

from deploycharts.cluster.connection import ApiError
from deploycharts.deployment.objections import Refusal, RefusalKind, objections
from tests.deployment.live_builders import parsed

DEPLOYMENT = parsed("{apiVersion: apps/v1, kind: Deployment, metadata: {name: echo}}")


def _told(
    status: int, message: str, *causes: dict[str, str], server_side: bool = True, **details: Any
) -> tuple[Refusal, ...]:
    body = {"message": message, "details": {**details, "causes": list(causes)}}
    error = ApiError(status, body, where="staging")
    return objections(
        DEPLOYMENT, error, server_side=server_side, mask=lambda text: text.replace("pass", "<>")
    )


def _cause(message: str, field: str, reason: str = "FieldValueInvalid") -> dict[str, str]:
    return {"reason": reason, "message": message, "field": field}


def test_conflicts_are_told_by_manager() -> None:
    field = '.spec.template.spec.containers[name="app"].image'
    using = "using apps/v1"

    scaled, edited = _told(
        409, "Apply failed with 3 conflicts",
        _cause(f'conflict with "kcm" with subresource "scale" {using}', ".spec.replicas",
               "FieldManagerConflict"),
        _cause(f'conflict with "kubectl-edit" {using} at 2026-01-01T00:00:00Z', field,
               "FieldManagerConflict"),
        _cause(f'conflict with "kubectl-edit" {using} at 2026-01-01T00:00:00Z', ".spec.paused",
               "FieldManagerConflict"),
    )  # fmt: skip

    assert (scaled.manager, scaled.at, scaled.fields) == ("kcm", "", ("spec.replicas",))
    assert edited.kind is RefusalKind.CONFLICT
    assert str(edited) == (
        "Deployment/echo: kubectl-edit has set spec.template.spec.containers[app].image, "
        "spec.paused since 2026-01-01T00:00:00Z"
    )


def test_immutable_fields_are_told_apart_from_wrong_values() -> None:
    fixed, wrong = _told(
        422, "is invalid",
        _cause('Invalid value: {"a":"b"}: field is immutable', "spec.selector"),
        _cause("Invalid value: 99999: must be between 1 and 65535", "spec.ports[0].port"),
    )  # fmt: skip

    assert (fixed.kind, fixed.fields) == (RefusalKind.IMMUTABLE, ("spec.selector",))
    assert wrong.kind is RefusalKind.INVALID
    assert "must be between 1 and 65535" in wrong.message


@pytest.mark.parametrize(
    ("status", "message", "fields"),
    [
        (
            500,
            "failed to create typed patch object (/echo; apps/v1, Kind=Deployment): errors:\n"
            "  .spec.bogus: field not declared in schema\n"
            '  .spec.containers[name="app"].x: field not declared in schema',
            ("spec.bogus", "spec.containers[app].x"),
        ),
        (
            400,
            'Pod in version "v1" cannot be handled as a Pod: strict decoding error: '
            'unknown field "spec.bogus"',
            ("spec.bogus",),
        ),
        (
            500,
            "failed to convert new object (/echo; apps/v1, Kind=Deployment) to proper version: "
            "unable to convert unstructured object to apps/v1, Kind=Deployment: quantities must",
            (),
        ),
    ],
)
def test_what_does_not_fit_the_schema(status: int, message: str, fields: tuple[str, ...]) -> None:
    (found,) = _told(status, message)

    assert (found.kind, found.fields) == (RefusalKind.SCHEMA, fields)
    assert "Kind=" not in found.message


@pytest.mark.parametrize(
    ("status", "message", "kind", "words"),
    [
        (
            403,
            'pods "x" is forbidden: violates PodSecurity "restricted:latest": pass',
            RefusalKind.POD_SECURITY,
            'violates PodSecurity "restricted:latest": <>',
        ),
        (
            403,
            'pods "x" is forbidden: exceeded quota: service, requested: pods=1',
            RefusalKind.QUOTA,
            "exceeded quota: service, requested: pods=1",
        ),
        (
            403,
            'pods "x" is forbidden: no PriorityClass with name gold was found',
            RefusalKind.ADMISSION,
            "no PriorityClass with name gold was found",
        ),
        (
            422,
            "deployments.apps \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' "
            "denied request: no",
            RefusalKind.ADMISSION,
            "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
        ),
        (
            400,
            'admission webhook "w" denied the request: no',
            RefusalKind.ADMISSION,
            'admission webhook "w" denied the request: no',
        ),
    ],
)
def test_rules_of_the_cluster(status: int, message: str, kind: RefusalKind, words: str) -> None:
    assert [(each.kind, each.message) for each in _told(status, message)] == [(kind, words)]


def test_the_namespace_is_the_trouble_of_all_its_objects() -> None:
    key = parsed("{apiVersion: v1, kind: Namespace, metadata: {name: echo}}").key

    (missing,) = _told(404, 'namespaces "echo" not found', kind="namespaces", name="echo")
    (ending,) = _told(403, "forbidden: x", {"reason": "NamespaceTerminating", "message": "x"})

    assert (missing.kind, ending.kind) == (RefusalKind.NAMESPACE, RefusalKind.ENDING)
    assert missing.object == ending.object
    assert (missing.object.kind, missing.object.name) == (key.kind, "echo")
    assert "is being deleted" in ending.message


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "Unauthorized"),
        (403, 'roles "x" is forbidden: User "me" cannot patch resource "roles" in the namespace'),
        (403, 'pods "x" is forbidden: error looking up service account a/b: not found'),
        (503, "the server is currently unable to handle the request"),
    ],
)
def test_what_says_nothing_about_the_object(status: int, message: str) -> None:
    assert _told(status, message) == ()


def test_duplicates_concern_server_side_apply_only() -> None:
    message = (
        "failed to create typed patch object (/echo; apps/v1, Kind=Deployment): "
        '.spec.env: duplicate entries for key [name="A"]'
    )

    assert len(_told(500, message)) == 1
    assert _told(500, message, server_side=False) == ()
