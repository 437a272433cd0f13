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
