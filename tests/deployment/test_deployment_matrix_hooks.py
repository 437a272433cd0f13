"""Jobs that fail: hooks before and after an upgrade, those of the release, and ones that hang."""

from __future__ import annotations

import pytest
import yaml

from tests.deployment.matrix_builders import job, put, require_back, require_next_works, take
from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]


def _timeout(service: Deployable, seconds: int) -> None:
    path = service.root / "helmfile.d" / "environments.yaml"
    body = yaml.safe_load(path.read_text())
    body["environments"]["staging"]["values"][0]["timeoutSeconds"] = seconds
    path.write_text(yaml.safe_dump(body))


@pytest.mark.parametrize("hook", ["pre-upgrade", "post-upgrade", ""])
def test_a_job_that_fails_is_named_with_its_container_and_what_it_said(
    make: Make, hook: str
) -> None:
    service = make("staging")
    service.deploy("staging")
    put(service, job("migrate", hook=hook, fault="fail"))

    failed = service.deploy("staging")

    require_back(service, failed, "migrate-canary", "container migrate", "exit code 1", "FAIL: ")
    assert service.history("staging", "main") == [(1, "deployed")]
    take(service, "migrate")
    require_next_works(service)


@pytest.mark.parametrize("hook", ["pre-upgrade", ""])
def test_a_job_that_hangs_ends_at_the_environment_s_timeout(make: Make, hook: str) -> None:
    service = make("staging")
    service.deploy("staging")
    put(service, job("migrate", hook=hook, fault="hang"))
    _timeout(service, 8)

    failed = service.deploy("staging")

    require_back(service, failed, "Pod/migrate-canary-", "container migrate", "8 s")
    take(service, "migrate")
    _timeout(service, 60)
    require_next_works(service)


def test_a_hook_of_a_first_install_that_fails_goes_with_it(make: Make) -> None:
    service = make("staging")
    put(service, job("migrate", hook="pre-install", fault="fail"))

    failed = service.deploy("staging")

    require_back(service, failed, "migrate-main", "exit code 1", "uninstall")
    take(service, "migrate")
    require_next_works(service)
