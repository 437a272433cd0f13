"""One datacenter that cannot be reached does not keep the others from a rollback or a restart."""

from __future__ import annotations

import pytest

from deploycharts.cluster.objects import Objects
from deploycharts.deployment import restart, rollback
from deploycharts.errors import Exit
from tests.conftest import ObjectsOf
from tests.services import Deployable, Make
from tests.wire import wired

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]


def _twice(make: Make) -> Deployable:
    """A service that was deployed to both datacenters twice."""
    service = make("codfw", "eqiad")
    assert service.deploy("production", "--yes").code == 0
    service.greet("good day")
    assert service.deploy("production", "--yes").code == 0
    return service


def _restarted(objects: Objects, service: Deployable) -> list[bool]:
    """Whether each Deployment of the service was ever restarted."""
    return [
        "kubectl.kubernetes.io/restartedAt"
        in (body["spec"]["template"]["metadata"].get("annotations") or {})
        for body in objects.list("apps/v1", "deployments", namespace=service.name)
    ]


def test_a_rollback_goes_on_in_the_datacenters_that_answer(make: Make) -> None:
    service = _twice(make)

    with wired(service.kubeconfig("eqiad")) as wire:
        wire.cut()
        ended = service.deploy("rollback", "production", "--yes", "-o", "json")

    outcome = ended.json["outcome"]
    assert ended.code == 7, ended.err
    assert outcome["rolledBack"] == [f"codfw {service.name}/canary", f"codfw {service.name}/main"]
    assert outcome["notRolledBack"] == [f"eqiad {service.name}"]
    assert f"deploy rollback eqiad {service.name}" in outcome["next"]
    assert "the API server of eqiad does not answer" in outcome["why"]
    assert service.journal()[-1]["kind"] == "outcome"
    assert service.history("codfw", "main")[-1] == (3, "deployed")


def test_the_plan_of_a_rollback_says_which_datacenter_is_left(make: Make) -> None:
    service = _twice(make)

    with wired(service.kubeconfig("eqiad")) as wire:
        wire.cut()
        shown = service.deploy("rollback", "production", "--dry-run")

    assert shown.code == 0, shown.err
    assert "eqiad is left as it is: the API server of eqiad does not answer" in shown.err


def test_a_datacenter_that_is_lost_after_the_plan_was_made_stops_no_other(make: Make) -> None:
    service = _twice(make)
    repository = service.repository
    both = [repository.environment(name) for name in ("codfw", "eqiad")]
    with wired(service.kubeconfig("eqiad")) as wire:
        plan = rollback.prepare(repository, both, service.name, release=None, to="last-good")
        wire.cut()
        outcome = rollback.run(plan, listen=lambda _: None, folder=service.root / ".journals")

    assert outcome.exit is Exit.BROKEN
    assert [*outcome.broken] == [f"eqiad {service.name}/canary", f"eqiad {service.name}/main"]
    assert [*outcome.undone] == [f"codfw {service.name}/canary", f"codfw {service.name}/main"]
    assert "not begun, the API server of eqiad does not answer" in outcome.why
    assert service.journal()[-1]["kind"] == "outcome"


def test_a_restart_goes_on_in_the_datacenters_that_answer(make: Make, objects: ObjectsOf) -> None:
    service = _twice(make)

    with wired(service.kubeconfig("codfw")) as wire:
        wire.cut()
        ended = service.deploy("restart", "production", "--yes", "-o", "json")

    assert ended.code == 1, ended.err
    assert ended.json["outcome"]["behind"] == [f"codfw {service.name}"]
    assert ended.json["outcome"]["next"] == [f"deploy restart codfw {service.name}"]
    assert _restarted(objects("eqiad"), service) == [True, True]
    assert _restarted(objects("codfw"), service) == [False, False]


def test_a_restart_that_is_refused_in_the_middle_is_undone_and_has_an_outcome(
    make: Make, objects: ObjectsOf
) -> None:
    service = make("staging")
    template = service.root / "charts" / "echoserver" / "templates"
    second = (template / "deployment.yaml").read_text().replace("name: {{", "name: z-{{", 1)
    (template / "second.yaml").write_text(second)
    assert service.deploy("staging").code == 0
    repository = service.repository
    plan = restart.prepare(
        repository, [repository.environment("staging")], [repository.service(service.name)],
        release="main",
    )  # fmt: skip
    gone = str(plan.acting[0].objects[-1].name)
    objects("staging").delete("apps/v1", "deployments", gone, namespace=service.name)

    outcome = restart.run(plan, listen=lambda _: None, folder=service.root / ".journals")

    assert outcome.exit is Exit.ROLLED_BACK
    assert [*outcome.failed] == [f"staging {service.name}/main"]
    assert [*outcome.undone] == [f"staging {service.name}/main"]
    assert service.journal()[-1]["kind"] == "outcome"
    assert not any(_restarted(objects("staging"), service))
