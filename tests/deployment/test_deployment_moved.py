"""A service that moves to another namespace: what runs in the old one is never forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import yaml

from deploycharts.cluster.objects import Objects
from tests.deployment.matrix_builders import declare
from tests.services import Deployable, Ended, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


def _helmfile_wants(service: Deployable, namespace: str) -> None:
    state = service.folder / "helmfile.yaml.gotmpl"
    named = f'"name" "{service.name}"'
    state.write_text(state.read_text().replace(named, f'{named} "namespace" "{namespace}"'))


def _register(service: Deployable, namespace: str) -> None:
    entry = service.root / "helmfile.d" / "cluster" / "services" / f"{service.name}.yaml"
    entry.write_text(yaml.safe_dump({"namespace": namespace, "quota": {"pods": "20"}}))


@pytest.fixture
def moved(make: Make, objects: Callable[[str], Objects]) -> Iterator[Deployable]:
    """A deployed service of which registry entry and helmfile name another namespace by now."""
    service = make("staging")
    declare(service, "main")
    service.commit("Begin")
    assert service.deploy("staging").code == 0
    _helmfile_wants(service, f"{service.name}-new")
    _register(service, f"{service.name}-new")
    service.commit("Move")
    yield service
    objects("staging").delete("v1", "namespaces", f"{service.name}-new")


def _releases(status: Ended) -> dict[str, str]:
    return {each["formerNamespace"]: each["status"] for each in status.json["releases"]}


def test_before_the_administrators_step_that_step_is_next(moved: Deployable) -> None:
    for verb in ([], ["diff"], ["rollback"]):
        refused = moved.deploy(*verb, "staging")
        assert refused.code == 4, refused.err
        assert f"next: as an administrator: deploy cluster staging {moved.name}" in refused.err
        assert f"staging {moved.name}/main: still runs in the namespace {moved.name}" in refused.err
        assert "forbidden" not in refused.err
    status = moved.deploy("status", "staging")
    assert f"main in {moved.name} " in status.out
    assert "forbidden" not in status.err
    assert f"deploy cluster staging {moved.name}" in status.err


def test_what_runs_on_is_told_until_the_named_command_takes_it_away(moved: Deployable) -> None:
    command = f"deploy remove staging {moved.name} --namespace {moved.name}"
    granted = moved.run("deploy", "cluster", "staging", moved.name, "--yes")

    deployed = moved.deploy("staging")
    status = moved.deploy("status", "staging")
    both = _releases(moved.deploy("status", "staging", "-o", "json"))
    removed = moved.run(*command.split(), "--yes")
    after = _releases(moved.deploy("status", "staging", "-o", "json"))
    silent = moved.deploy("staging")
    ended = moved.run("deploy", "cluster", "staging", moved.name, "--yes")

    assert granted.code == 0, granted.err
    assert deployed.code == 0, deployed.err
    assert command in deployed.err
    assert command in status.out
    assert both == {"": "deployed", moved.name: "deployed"}
    assert removed.code == 0, removed.err
    assert after == {"": "deployed"}
    assert moved.folder.is_dir()
    assert command not in silent.err
    assert ended.code == 0, ended.err


def test_a_removal_takes_both(moved: Deployable) -> None:
    moved.run("deploy", "cluster", "staging", moved.name, "--yes")
    assert moved.deploy("staging").code == 0

    removed = moved.deploy("remove", "staging", "--yes")

    assert removed.code == 0, removed.err
    assert f"main in the namespace {moved.name}: " in removed.err
    assert f"main in the namespace {moved.name}-new: " in removed.err
    left = moved.deploy("status", "staging", "-o", "json").json["releases"]
    assert [each["status"] for each in left] == ["uninstalled"]


def test_a_helmfile_that_names_another_namespace_than_the_registry_is_refused(make: Make) -> None:
    service = make("staging")
    _helmfile_wants(service, "somewhere-else")

    refused = service.deploy("staging")

    assert refused.code == 4, refused.err
    words = " ".join(refused.err.split())
    assert f"helmfile acts in the namespace somewhere-else, not in {service.name}" in words
    assert f"helmfile.d/cluster/services/{service.name}.yaml" in refused.err


def test_a_namespace_where_nothing_of_the_service_is_cannot_be_named(make: Make) -> None:
    service = make("staging")

    refused = service.deploy("remove", "staging", "--namespace", "kube-system", "--yes")

    assert refused.code == 3
    assert "no namespace of" in refused.err
