"""Which commits a deployment brings, and which it takes back."""

from __future__ import annotations

import subprocess

import pytest

from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]


def _check_out(service: Deployable, revision: str) -> None:
    subprocess.run(["git", "checkout", "-q", revision], cwd=service.root, check=True)


def test_a_plan_names_the_commits_since_the_one_that_runs(make: Make) -> None:
    service = make("staging")
    first = service.commit("Begin")
    service.deploy("staging")
    (service.root / "README").write_text("of no matter to the service\n")
    service.commit("Write a README")
    service.greet("good day")
    second = service.commit("Greet in another way")

    shown = service.deploy("staging", "--dry-run")
    told = service.deploy("staging", "--dry-run", "-o", "json").json["commits"]
    service.deploy("staging")
    _check_out(service, first)
    back = service.deploy("staging", "--dry-run")

    assert f"staging {service.name}: 1 commit since {first[:10]}" in shown.err
    assert f"+ {second[:10]} Greet in another way (Ada)" in shown.err
    assert "README" not in shown.err
    assert [commit["id"] for commit in told[0]["commits"]] == [second]
    assert f"takes back 1 commit that {second[:10]} has" in back.err


def test_what_was_deployed_with_uncommitted_changes_has_no_commit(make: Make) -> None:
    service = make("staging")
    service.commit("Begin")
    service.greet("good day")
    service.deploy("staging")
    service.commit("Greet in another way")
    service.greet("good night")

    shown = service.deploy("staging", "--dry-run")

    assert "it is not known which commit is deployed" in shown.err
