"""What somebody else did to the objects of a release, before and after a plan was made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deploycharts.cluster.connection import Cluster
from deploycharts.deployment.prepare import prepare
from deploycharts.deployment.run import run
from deploycharts.errors import StalePlan
from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]


def _edit(service: Deployable, release: str, image: str) -> None:
    """As `kubectl set image` does it."""
    cluster = Cluster(service.kubeconfig("staging"), name="staging")
    path = f"/apis/apps/v1/namespaces/{service.name}/deployments/{service.name}-{release}"
    container = {"name": "app", "image": image}
    try:
        cluster.send(
            "PATCH", path, {"spec": {"template": {"spec": {"containers": [container]}}}},
            content_type="application/strategic-merge-patch+json", fieldManager="kubectl-set",
        )  # fmt: skip
    finally:
        cluster.close()


def test_a_manual_edit_is_shown_before_anything_is_changed(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    _edit(service, "main", "example/app:patched")

    shown = service.deploy("diff", "staging")

    assert f"! staging {service.name}/main: Deployment/{service.name}-main" in shown.err
    assert "example/app:patched, by hand (kubectl-set, 20" in shown.err


def _bump(service: Deployable) -> None:
    service.write("values-staging.yaml", {"image": {"tag": "9.9.9"}})


@pytest.mark.parametrize(
    ("change", "is_stale"),
    [(_bump, True), (lambda service: service.greet("good day"), False)],
    ids=["the same field", "another field"],
)
def test_an_edit_of_what_the_plan_changes_makes_it_stale(
    make: Make, change: Callable[[Deployable], None], *, is_stale: bool
) -> None:
    service = make("staging")
    service.deploy("staging")
    change(service)
    repository = service.repository
    plan = prepare(repository, repository.select("staging"), [repository.service(service.name)])
    _edit(service, "canary", "example/app:patched")

    if is_stale:
        with pytest.raises(StalePlan, match=r"example/app:patched, by hand"):
            run(plan, listen=lambda _: None, folder=service.root / ".journals")
        assert service.history("staging", "canary") == [(1, "deployed")]
    else:
        run(plan, listen=lambda _: None, folder=service.root / ".journals")
        assert len(service.history("staging", "canary")) > 1


def test_what_the_api_server_would_refuse_is_told_before_it_is_tried(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    _edit(service, "main", "example/app:patched")
    _bump(service)

    shown = service.deploy("diff", "staging")

    assert f"‼ will be refused: staging {service.name}/main: Deployment/" in shown.err
    assert "kubectl-set" in shown.err.partition("will be refused")[2]


def test_what_somebody_edited_is_overwritten_on_a_word_only(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    _edit(service, "main", "example/app:patched")
    _bump(service)

    refused = service.deploy("staging")
    forced = service.deploy("staging", "--take-over")

    assert refused.code == 4
    assert f"deploy staging {service.name} --take-over" in refused.err
    assert forced.code == 0, forced.err
    assert "example/app:patched" not in service.deploy("diff", "staging").err


def test_a_take_over_without_other_changes_says_what_it_takes(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    _edit(service, "main", "example/app:patched")

    alone = service.deploy("staging")
    taken = service.deploy("staging", "--take-over")

    assert "nothing to do" in alone.err
    assert service.history("staging", "canary") == [(1, "deployed")]
    assert taken.code == 0, taken.err
    assert "example/app:patched, by hand (kubectl-set, 20" in taken.err
    assert "; it is overwritten" in taken.err
    assert "‼ will be taken over: " in taken.err
    assert service.history("staging", "main")[-1] == (2, "deployed")
    assert "example/app:patched" not in service.deploy("diff", "staging").err
