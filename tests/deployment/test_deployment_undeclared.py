"""Releases that the helmfile does not want: turned off, or taken from its list."""

from __future__ import annotations

import pytest

from tests.deployment.matrix_builders import declare, install
from tests.services import Deployable, Ended, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]


def _status(service: Deployable) -> Ended:
    return service.deploy("status", "staging", "--exit-code", "-o", "json")


def test_a_release_that_is_turned_off_and_gone_is_well(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    template = service.root / "helmfile.d" / "release.yaml.gotmpl"
    wanted = template.read_text()
    install(service, 'ne $release "canary"')
    removed = service.deploy("staging")

    well = _status(service)
    template.write_text(wanted)
    missing = _status(service)

    assert removed.code == 0, removed.err
    assert well.code == 0
    told = {each["release"]: (each["status"], each["well"]) for each in well.json["releases"]}
    assert told == {"canary": ("uninstalled", True), "main": ("deployed", True)}
    assert missing.code == 8
    assert [each["release"] for each in missing.json["releases"] if not each["well"]] == ["canary"]


def test_a_release_that_is_no_longer_in_the_list_stays_and_is_told(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    declare(service, "main")
    service.greet("good day")

    deployed = service.deploy("staging")
    planned = service.deploy("plan", "staging", "-o", "json").json["plan"]

    assert deployed.code == 0, deployed.err
    told = " ".join(deployed.err.split())
    way = f"deploy remove staging {service.name} --release canary"
    assert f"{service.name}/canary: installed, but no longer in the helmfile" in told
    assert way in told
    assert service.history("staging", "canary") == [(1, "deployed")]
    assert planned["undeclared"] == [f"staging {service.name}/canary"]

    named = service.run(*way.split(), "--dry-run", "-o", "json").json["plan"]
    removed = service.run(*way.split(), f"--yes={named}")
    silent = service.deploy("staging")

    assert removed.code == 0, removed.err
    assert service.history("staging", "canary") == [(1, "uninstalled")]
    assert service.history("staging", "main")[-1] == (2, "deployed")
    assert service.folder.exists()
    assert "canary" not in silent.err


def test_a_service_without_any_release_in_the_list_says_what_is_left(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    declare(service)

    refused = service.deploy("staging")

    assert refused.code == 3
    assert "still installed there: canary, main" in refused.err
    assert f"next: deploy remove staging {service.name}" in refused.err
    assert service.history("staging", "main") == [(1, "deployed")]
