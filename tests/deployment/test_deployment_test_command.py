"""`deploy test`: the declared checks, alone, of what runs."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
from typing import Any

import pytest

from tests.deployment.checks_builders import prometheus, vector
from tests.servers import serving
from tests.services import PROGRAMS, Deployable, Make

pytestmark = pytest.mark.sandbox

TEST_IMAGE = "docker-registry.wikimedia.org/check:1"


def declare(service: Deployable, *checks: dict[str, Any]) -> None:
    """Say in the service's service.yaml what is asked; a roll-out before that asks nothing."""
    service.write("service.yaml", {"chart": "echoserver", "checks": list(checks)})


def back(service: Deployable, port: int, *, file: str = "values-staging.yaml", **more: Any) -> None:
    """Put a local server behind the pods of a release."""
    annotations = {"sandbox.deploycharts/backend": f"127.0.0.1:{port}"}
    service.write(file, {"podAnnotations": annotations, **more})


def deployed(service: Deployable) -> Deployable:
    ended = service.deploy("staging")
    assert ended.code == 0, ended.err
    return service


def verdicts(document: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        each["release"]: {one["check"]: one["verdict"] for one in each["checks"]}
        for each in document["releases"]
    }


def test_helm_test_runs_without_being_declared(make: Make) -> None:
    service = make("staging")
    deployed(service)

    ended = service.deploy("test", "staging", "--release", "main")

    assert ended.code == 0, ended.out + ended.err
    assert ended.out.splitlines()[1].split()[:6] == [
        service.name, "staging", "main", "helm", "test", "passed",
    ]  # fmt: skip
    assert service.history("staging", "main") == [(1, "deployed")]


def test_a_helm_test_that_fails_shows_its_log(make: Make) -> None:
    service = make("staging")
    service.write("values-staging.yaml", {"test": {"image": f"{TEST_IMAGE}-fault-fail"}})
    declare(deployed(service), {"test": True})

    ended = service.deploy("test", "staging", "--release", "main")

    assert ended.code == 8
    assert f"{service.name}-main-test failed" in ended.out
    assert f"{service.name}-main-test: " in ended.out
    assert "FAIL: " in ended.out
    assert f"declared in helmfile.d/services/{service.name}/service.yaml:3" in ended.out


def test_a_chart_without_tests_has_none_that_could_pass(make: Make) -> None:
    service = make("staging")
    shutil.rmtree(service.root / "charts" / "echoserver" / "templates" / "tests")
    declare(deployed(service), {"test": True})

    ended = service.deploy("test", "staging", "--release", "main")

    assert ended.code == 8
    assert "helm test: the release has no tests" in ended.out


def test_a_canary_is_asked_apart_from_main(make: Make) -> None:
    service = make("staging")
    with (
        serving(lambda _asked: (200, {}, "")) as good,
        serving(lambda _asked: (500, {}, "")) as bad,
    ):
        back(service, good)
        back(service, bad, file="values-canary.yaml", canary=True, replicas=1)
        declare(deployed(service), {"http": {"path": "/"}, "withinSeconds": 1})
        ended = service.deploy("test", "staging", "-o", "json")

    assert ended.code == 8
    found = verdicts(ended.json)
    assert found["main"]["GET /"] == "passed"
    assert found["canary"]["GET /"] == "failed"


def test_what_has_no_data_is_not_passed_and_a_secret_is_not_told(make: Make) -> None:
    service = make("staging")
    secret = "s3cret-of-this-service"
    (service.folder / "private.example.yaml").write_text(f"secrets: {{env: {{KEY: {secret}}}}}\n")
    with (
        serving(lambda _asked: (500, {}, f"the key {secret} is wrong")) as port,
        prometheus([vector()]) as url,
    ):
        back(service, port)
        declare(
            deployed(service),
            {"http": {"path": "/"}, "withinSeconds": 1},
            {"prometheus": {"query": "errors", "below": 1, "url": url}, "withinSeconds": 1},
        )
        ended = service.deploy("test", "staging", "--release", "main")

    assert ended.code == 8
    assert "the key <secret " in ended.out
    assert secret not in ended.out + ended.err
    assert "unknown" in ended.out
    assert "the query has no result" in ended.out


def test_a_release_that_is_not_there_is_said_not_to_be(make: Make) -> None:
    service = make("staging")

    ended = service.deploy("test", "staging")

    assert ended.code == 8
    assert f"staging {service.name}/main: not deployed" in ended.out


def test_an_interrupt_ends_it_at_once_whatever_is_still_waited_for(make: Make) -> None:
    service = make("staging")
    asked = threading.Event()

    def answer(_asked: str) -> tuple[int, dict[str, str], str]:
        asked.set()
        return 500, {}, ""

    with serving(answer) as port:
        back(service, port)
        declare(deployed(service), {"http": {"path": "/"}, "withinSeconds": 3000})
        argv = [str(PROGRAMS / "deploy"), "test", "staging", service.name]
        running = subprocess.Popen(
            argv, cwd=service.root, env=service.environ(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with running:
            assert asked.wait(60)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=60)

    assert running.returncode == 130, err
    assert "Traceback" not in out + err
