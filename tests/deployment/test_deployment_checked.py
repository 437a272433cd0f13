"""What checks decide during a roll-out."""

from __future__ import annotations

import pytest

from tests.servers import serving
from tests.services import Deployable, Make

pytestmark = pytest.mark.sandbox

_HEALTHY = {"http": {"path": "/healthz"}, "everySeconds": 1, "withinSeconds": 3}


def _backed(service: Deployable, file: str, port: int) -> None:
    """Pods of a layer are answered for by a process of the test."""
    service.annotate(file, **{"sandbox.deploycharts/backend": f"127.0.0.1:{port}"})


def test_a_canary_that_answers_errors_keeps_main_as_it_is(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.say(checks=[_HEALTHY])
    service.greet("good day")
    with (
        serving(lambda _: (500, {}, "out of order")) as bad,
        serving(lambda _: (200, {}, "fine")) as good,
    ):
        _backed(service, "values-canary.yaml", bad)
        _backed(service, "values-main.yaml", good)

        ended = service.deploy("staging")

    assert ended.code == 6, ended.err
    assert "check  GET /healthz: failed, " in ended.err
    assert "500" in ended.err
    assert service.history("staging", "canary")[-1] == (3, "deployed")
    assert service.history("staging", "main") == [(1, "deployed")]


def test_a_check_that_passes_lets_the_deployment_go_on_and_is_shown(make: Make) -> None:
    service = make("staging")
    service.say(checks=[_HEALTHY | {"streak": 2}])
    with serving(lambda _: (200, {}, "fine")) as good:
        _backed(service, "values.yaml", good)

        ended = service.deploy("staging")

    assert ended.code == 0, ended.err
    assert f"staging {service.name}/main: install, new; then GET /healthz" in ended.err
    assert f"staging {service.name}/main: GET /healthz: passed" in ended.err
    verdicts = [line["results"][0]["verdict"] for line in service.journal() if "results" in line]
    assert verdicts == ["passed", "passed"]


def test_a_check_without_data_passes_no_gate(make: Make) -> None:
    service = make("staging")
    query = {"query": "errors", "url": "http://127.0.0.1:9", "below": 1}
    service.say(checks=[{"prometheus": query, "everySeconds": 1, "withinSeconds": 2}])

    ended = service.deploy("staging")

    assert ended.code == 6, ended.err
    assert "unknown, " in ended.err
    assert service.history("staging", "main")[-1] == (1, "uninstalled")


def test_a_program_that_changes_meanwhile_is_run_as_it_was_planned(make: Make) -> None:
    service = make("staging")
    program = service.root / "checks" / "smoke.sh"
    program.parent.mkdir()
    # What a `git pull` does while the canary is checked.
    program.write_text(f"#!/bin/sh\necho 'exit 1' > {program}\n. checks/beside.sh\n")
    program.chmod(0o755)
    (program.parent / "beside.sh").write_text(f"echo 'exit 1' > {program.parent}/beside.sh\n")
    service.say(checks=[{"command": ["checks/smoke.sh"], "everySeconds": 1, "withinSeconds": 3}])

    ended = service.deploy("staging")

    assert ended.code == 0, ended.err
    assert "exit 1" in program.read_text()
    assert f"staging {service.name}/main: checks/smoke.sh: passed" in ended.err
