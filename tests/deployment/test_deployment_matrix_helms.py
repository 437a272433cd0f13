"""Each supported helm deploys, rolls back by itself and on demand, and removes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploycharts.cluster.objects import Objects
from tests.deployment.matrix_builders import NOT_A_REASON
from tests.services import PROGRAMS, Deployable, Ended, Make
from tests.standins import older_helmfile

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough, pytest.mark.timeout(600)]

ObjectsOf = Callable[[str], Objects]
Use = Callable[[str], None]
HELMS = ("helm-3.18", "helm-3.22", "helm-4")


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Makes our programs take another helm from now on."""

    def choose(helm: str) -> None:
        monkeypatch.setenv("DEPLOYCHARTS_HELM", str(PROGRAMS / helm))

    return choose


@pytest.mark.parametrize("helm", [*HELMS, "helm-3.22-unstamped"])
def test_a_service_lives_from_its_first_deployment_to_its_removal(
    make: Make, objects: ObjectsOf, use: Use, helm: str
) -> None:
    use(helm)
    service = make("staging")

    require(0, service.deploy("staging"))
    service.greet("good morning")
    require(0, service.deploy("staging"))
    require_runs(service, objects, "good morning")

    service.greet("good night")
    service.fault("crash")
    failed = require(6, service.deploy("staging"))
    assert "/canary: rollback to 2 done" in failed.err
    assert not [words for words in NOT_A_REASON if words in failed.err], failed.err
    assert service.history("staging", "canary") == [
        (1, "superseded"), (2, "superseded"), (3, "failed"), (4, "deployed"),
    ]  # fmt: skip
    assert service.history("staging", "main") == [(1, "superseded"), (2, "deployed")]
    require_runs(service, objects, "good morning")

    service.heal()
    service.greet("good evening")
    require(0, service.deploy("staging"))
    require_runs(service, objects, "good evening")
    require(0, service.deploy("rollback", "staging"))
    require_runs(service, objects, "good morning")
    assert service.history("staging", "canary")[-2:] == [(5, "superseded"), (6, "deployed")]
    assert service.history("staging", "main")[-2:] == [(3, "superseded"), (4, "deployed")]

    require(0, service.deploy("remove", "staging", "--yes"))
    for release in ("canary", "main"):
        assert service.history("staging", release)[-1][1] == "uninstalled"
        assert deployment(service, objects, release) is None


@pytest.mark.parametrize("helm", HELMS)
def test_each_revision_says_which_deployment_made_it(make: Make, use: Use, helm: str) -> None:
    use(helm)
    service = make("staging")
    require(0, service.deploy("staging", "--reason", 'it\'s new, and "quoted"'))
    (journal,) = (service.root / ".journals").iterdir()
    deployment = journal.stem

    told = service.helm("staging", "history", "main", "-o", "json").json[-1]["description"]
    metadata = service.helm("staging", "get", "metadata", "main", "-o", "json").json

    assert told.startswith(f"deployment {deployment} by "), told
    assert told.endswith('it\'s new, and "quoted"')
    assert metadata["labels"]["deployment"] == deployment


@pytest.mark.parametrize(
    ("before", "after"), [("helm-3.18", "helm-4"), ("helm-4", "helm-3.18"), ("helm-4", "helm-3.22")]
)
def test_a_release_goes_over_from_one_helm_to_another(
    make: Make, objects: ObjectsOf, use: Use, before: str, after: str
) -> None:
    use(before)
    service = make("staging")
    require(0, service.deploy("staging"))
    config = {"env": {"GREETING": "good morning", "ADDED": "1"}}  # and LOG_LEVEL goes
    values = yaml.safe_load((service.folder / "values.yaml").read_text())
    service.write("values.yaml", {**values, "config": config})
    use(after)
    require(0, service.deploy("staging"))
    require_runs(service, objects, "good morning")

    service.greet("good night")
    service.fault("crash")
    require(6, service.deploy("staging"))
    require_runs(service, objects, "good morning")
    service.heal()

    for helm, revision, greeting in (
        (after, "1", "hello"), (before, "2", "good morning"), (before, "1", "hello"),
    ):  # fmt: skip
        use(helm)
        for release in ("main", "canary"):
            words = ("rollback", "staging", "--to", revision, "--release", release)
            require(0, service.deploy(*words))
        require_runs(service, objects, greeting)


@pytest.mark.parametrize(("helm", "helmfile"), [("helm-4", "1.4.1"), ("helm-3.18", "1.1.0")])
def test_an_older_helmfile_deploys_as_the_newest_does(
    make: Make, objects: ObjectsOf, use: Use, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, helm: str, helmfile: str,
) -> None:  # fmt: skip
    use(helm)
    service = make("staging")
    monkeypatch.setenv("DEPLOYCHARTS_HELMFILE", str(older_helmfile(tmp_path, helmfile)))

    require(0, service.deploy("staging", "--reason", "first"))
    service.greet("good morning")
    service.fault("crash")
    require(6, service.deploy("staging"))

    require_runs(service, objects, "hello")
    history = service.helm("staging", "history", "canary", "-o", "json").json
    assert [each["status"] for each in history] == ["superseded", "failed", "deployed"]
    assert history[0]["description"].endswith(": first")


def require(code: int, ended: Ended) -> Ended:
    assert ended.code == code, ended.out + ended.err
    return ended


def require_runs(service: Deployable, objects: ObjectsOf, greeting: str) -> None:
    """Both releases run with this greeting, as helm's newest revision has them."""
    for release in ("canary", "main"):
        live = deployment(service, objects, release)
        assert live is not None
        (container,) = live["spec"]["template"]["spec"]["containers"]
        assert container["env"] == stored_environment(service, release)
        assert {"name": "GREETING", "value": greeting} in container["env"]
        status, replicas = live["status"], live["spec"]["replicas"]
        counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas")}
        assert counts == {replicas}, status


def deployment(service: Deployable, objects: ObjectsOf, release: str) -> dict[str, Any] | None:
    """The live Deployment of a release."""
    labels = f"app.kubernetes.io/instance={release}"
    found = objects("staging").list("apps/v1", "deployments", namespace=service.name, labels=labels)
    return next(iter(found), None)


def stored_environment(service: Deployable, release: str) -> Any:
    """The variables of the container in the newest revision, as helm stored it."""
    manifest = service.helm("staging", "get", "manifest", release).out
    (stored,) = (each for each in yaml.safe_load_all(manifest) if each["kind"] == "Deployment")
    (container,) = stored["spec"]["template"]["spec"]["containers"]
    return container["env"]
