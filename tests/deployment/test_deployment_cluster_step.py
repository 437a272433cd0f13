"""The administrators' step shows what it changes, and asks before production."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.conftest import ObjectsOf
from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]


def _declare(service: Deployable, **facts: object) -> None:
    """Change the service's registration."""
    path = service.root / "helmfile.d" / "cluster" / "services" / f"{service.name}.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **facts}))


def _cluster(service: Deployable, *words: str) -> tuple[int, str, str]:
    ended = service.run("deploy", "cluster", *words)
    return ended.code, ended.out, " ".join(ended.err.split())


def test_production_shows_what_changes_and_wants_the_plan_confirmed(make: Make) -> None:
    service = make("codfw", "eqiad")
    _declare(service, quota={"pods": "30"})

    refused, shown, err = _cluster(service, "production", service.name)
    plan = err.partition("the plan is ")[2].split(";")[0]
    stale, _, _ = _cluster(service, "production", service.name, "--yes=0123456789")
    done, _, _ = _cluster(service, "production", service.name, f"--yes={plan}")
    again, _, said = _cluster(service, "production", service.name)

    assert refused == 4
    assert "spec.hard[pods]" in shown or "spec.hard.pods" in shown
    assert '20" → 30' in shown or '"20" → "30"' in shown
    assert f"deploy cluster production {service.name} --yes={plan}" in err
    assert stale == 5
    assert done == 0
    assert again == 0
    assert "nothing to do: 2 registrations are already as their files say" in said


def test_what_is_taken_away_is_confirmed_by_name(make: Make, objects: ObjectsOf) -> None:
    service = make("staging")
    _declare(service, quota=None)

    refused, _, err = _cluster(service, "staging", service.name)
    there = objects("staging").list("v1", "resourcequotas", namespace=service.name)
    done, _, _ = _cluster(service, "staging", service.name, "--removing", service.name)
    gone = objects("staging").list("v1", "resourcequotas", namespace=service.name)

    assert refused == 4
    assert f"{service.name} loses in staging: ResourceQuota/service" in err
    assert f"deploy cluster staging {service.name} --removing {service.name}" in err
    assert len(there) == 1
    assert done == 0
    assert gone == []


def test_json_says_what_would_change_and_what_is_taken_away(make: Make) -> None:
    service = make("staging")
    _declare(service, quota=None)

    code, out, _ = _cluster(service, "staging", service.name, "--diff", "-o", "json")

    told = json.loads(out)
    assert code == 0
    assert told["takenAway"] == {service.name: ["staging: ResourceQuota/service"]}
    assert told["done"] == []
