"""Which refusals are certain, and which the same deployment settles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploycharts.cluster.connection import ApiError
from deploycharts.deployment import acceptance
from deploycharts.deployment.acceptance import is_settled
from deploycharts.deployment.objections import Refusal, RefusalKind, objections
from deploycharts.deployment.refusals import hook_of_now, of_now, settled_by
from deploycharts.documents import ObjectKey
from deploycharts.rendering.render import Rendered
from tests.deployment.live_builders import parsed
from tests.deployment.test_deployment_recordsize import rendered_chart

WIDGET = ObjectKey("example.org", "Widget", "big", "one")
CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec: {group: example.org, names: {kind: Widget}}
"""


@pytest.fixture
def rendered(tmp_path: Path) -> Rendered:
    """A release whose chart brings a CRD that helm installs first."""
    made = rendered_chart(tmp_path)
    folder = made.release.chart.path
    assert folder is not None
    (folder / "crds").mkdir()
    (folder / "crds" / "widgets.yaml").write_text(CRD)
    return made


@pytest.mark.parametrize(("is_first", "settled"), [(True, True), (False, False)])
def test_a_kind_of_the_chart_s_own_crds_is_there_at_the_first_install(
    rendered: Rendered, *, is_first: bool, settled: bool
) -> None:
    unknown = Refusal(WIDGET, RefusalKind.NOT_SERVED, "the cluster does not know Widget")

    assert is_settled(unknown, rendered, is_first=is_first) is settled
    other = replace(unknown, object=replace(WIDGET, kind="Gadget"))
    assert not is_settled(other, rendered, is_first=True)


def test_a_namespace_that_helm_makes_is_no_refusal(rendered: Rendered) -> None:
    missing = Refusal(ObjectKey("", "Namespace", "", "big"), RefusalKind.NAMESPACE, "")
    made = replace(rendered, release=replace(rendered.release, argv=("--create-namespace",)))

    assert not is_settled(missing, rendered, is_first=True)
    assert is_settled(missing, made, is_first=True)


def test_a_webhook_that_does_not_answer_is_not_certain_to_refuse() -> None:
    each = parsed("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
    message = 'failed calling webhook "check.example.org": connection refused'
    error = ApiError(500, {"message": message}, where="staging")

    (found,) = objections(each, error, server_side=True, mask=str)

    assert (found.kind, found.is_certain) == (RefusalKind.ADMISSION, False)


@pytest.mark.parametrize(
    ("requested", "limited", "certain"),
    [("pods=1", "pods=20", False), ("requests.memory=4Gi", "requests.memory=2Gi", True)],
)
def test_room_that_others_take_now_may_be_free_later(
    requested: str, limited: str, *, certain: bool
) -> None:
    used = limited
    message = f"exceeded quota: q, requested: {requested}, used: {used}, limited: {limited}"
    full = Refusal(WIDGET, RefusalKind.QUOTA, message)

    assert of_now(full).is_certain is certain
    assert of_now(replace(full, message="failed quota: q: must specify cpu")).is_certain


def test_what_a_server_side_apply_calls_a_schema_error_is_told_as_the_duplicate_only() -> None:
    told = "spec.template.spec.containers[app].env: duplicate entries for key [name]"
    alone = Refusal(WIDGET, RefusalKind.SCHEMA, told)

    assert acceptance.is_only_of_duplicates(alone)
    more = replace(alone, message=f"{told}; spec.bogus: field not declared in schema")
    assert not acceptance.is_only_of_duplicates(more)


@pytest.mark.parametrize(
    ("made", "kind", "message"),
    [
        (
            "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}}",
            RefusalKind.ADMISSION, "no PriorityClass with name high was found",
        ),
        (
            "{apiVersion: v1, kind: LimitRange, metadata: {name: defaults}}",
            RefusalKind.QUOTA, "failed quota: quota: must specify limits.cpu",
        ),
        (
            "{apiVersion: v1, kind: Namespace, metadata: {name: one}}",
            RefusalKind.NAMESPACE, "the namespace one does not exist",
        ),
    ],
)  # fmt: skip
def test_what_the_release_makes_before_settles_a_refusal(
    made: str, kind: RefusalKind, message: str
) -> None:
    refusal = Refusal(WIDGET, kind, message)

    assert settled_by([parsed(made)], refusal)
    assert not settled_by([], refusal)
    assert not settled_by([parsed(made)], replace(refusal, kind=RefusalKind.INVALID, message="x"))


@pytest.mark.parametrize(
    ("event", "is_first", "certain"),
    [
        ("test", False, False), ("pre-delete", False, False), ("pre-upgrade", False, True),
        ("pre-install", False, False), ("pre-install,post-upgrade", True, True),
    ],
)  # fmt: skip
def test_a_hook_that_does_not_run_now_refuses_nothing_for_certain(
    event: str, *, is_first: bool, certain: bool
) -> None:
    text = "{apiVersion: v1, kind: Pod, metadata: {name: a, annotations: {helm.sh/hook: 'EVENT'}}}"
    wrong = Refusal(WIDGET, RefusalKind.SCHEMA, "spec.bogus: unknown field")

    found = hook_of_now(parsed(text.replace("EVENT", event)), wrong, is_first=is_first)

    assert found.is_certain is certain
