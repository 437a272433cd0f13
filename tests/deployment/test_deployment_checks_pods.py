"""Checks that reach pods of the sandbox, behind which real servers answer."""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploycharts.cluster.objects import Objects
from deploycharts.deployment.checking.finding import Verdict
from deploycharts.deployment.checks import CheckResult, run_checks
from deploycharts.deployment.plan import Place
from deploycharts.documents import ObjectKey
from deploycharts.registry.checks import Check, Command, Http, OpenApi, Pods
from deploycharts.sandbox.lifecycle import Sandbox
from tests.deployment.checks_builders import SECRET, check, place
from tests.scaffold.test_scaffold_service_check import GOOD
from tests.servers import Answer, serving
from tests.waiting import wait_until

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]

Release = Callable[..., Place]
Asked = Callable[[str], Answer]


def answering(status: int, body: str = "") -> Asked:
    return lambda _asked: (status, {}, body)


@pytest.fixture
def release(
    sandbox: Sandbox, objects: Callable[[str], Objects], namespace: Callable[[], str]
) -> Release:
    """Makes a workload, with a process behind each of its pods, and returns where it is."""
    room = namespace()
    cluster = objects("staging")

    def make(backend: int | None, name: str = "main", *, replicas: int = 1) -> Place:
        here = f"127.0.0.1:{backend}"
        annotations = {} if backend is None else {"sandbox.deploycharts/backend": here}
        ports = [{"name": "app", "containerPort": 8080}, {"name": "admin", "containerPort": 9090}]
        deployment = {
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": f"echo-{name}", "namespace": room},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": {"release": name}},
                "template": {
                    "metadata": {"labels": {"release": name}, "annotations": annotations},
                    "spec": {"containers": [{"name": "app", "image": "a/b:1", "ports": ports}]},
                },
            },
        }  # fmt: skip
        cluster.create("apps/v1", "deployments", deployment)
        wait_until(lambda: _is_up(cluster, room, name, replicas, backend is not None))
        key = ObjectKey("apps", "Deployment", room, f"echo-{name}")
        return place(
            namespace=room, kubeconfig=sandbox.kubeconfig("staging"), release=name,
            workloads=(key,),
        )  # fmt: skip

    return make


def _is_up(cluster: Objects, room: str, name: str, replicas: int, is_backed: bool) -> bool:
    found = cluster.get("apps/v1", "deployments", f"echo-{name}", namespace=room) or {}
    ready = found.get("status", {}).get("readyReplicas", 0)
    forwards = cluster.list("kwok.x-k8s.io/v1alpha1", "portforwards", namespace=room)
    backed = [each for each in forwards if each["metadata"]["name"].startswith(f"echo-{name}-")]
    return bool(ready == replicas and (not is_backed or len(backed) == replicas))


def ask(where: Place, *checks: Check, **more: Any) -> CheckResult:
    (result,) = run_checks(where, checks, listen=lambda _event: None, **more)
    return result


def once(probe: Any, **more: Any) -> Check:
    """A check that is not repeated."""
    return check(probe, **{"every_s": 60, **more})


def test_an_answer_as_expected_passes(release: Release) -> None:
    with serving(lambda asked: (200, {}, f"you asked {asked}")) as port:
        result = ask(release(port), once(Http("/healthz", contains="GET /healthz")))

    assert (result.verdict, result.message, result.attempts) == (Verdict.PASSED, "status 200", 1)


def test_another_status_fails_and_says_what_came(release: Release) -> None:
    with serving(answering(500, "no database\n")) as port:
        result = ask(release(port), once(Http("/healthz")))

    assert result.verdict is Verdict.FAILED
    assert result.message.startswith("Pod/echo-main-")
    assert result.message.endswith(": status 500, expected 200: no database")


def test_a_body_without_the_words_fails(release: Release) -> None:
    with serving(answering(200, "sorry")) as port:
        result = ask(release(port), once(Http("/", contains="ready")))

    assert "the answer does not contain 'ready': sorry" in result.message


def test_method_headers_and_port_are_those_of_the_check(release: Release) -> None:
    with serving(lambda asked: (201 if asked == "POST /x" else 400, {}, "")) as port:
        probe = Http("/x", port="admin", status=201, method="POST", headers=(("Host", "a.org"),))
        result = ask(release(port), once(probe))

    assert result.is_passed, result.message


def test_a_canary_that_answers_500_fails_while_main_answers_200(release: Release) -> None:
    with serving(answering(200)) as good, serving(answering(500)) as bad:
        main, canary = release(good, "main"), release(bad, "canary")
        results = [ask(each, once(Http("/"))).verdict for each in (main, canary)]

    assert results == [Verdict.PASSED, Verdict.FAILED]


def test_a_service_that_recovers_in_time_passes_after_its_streak(release: Release) -> None:
    statuses = [200, 500, 200, 200]
    with serving(lambda _asked: (statuses.pop(0), {}, "")) as port:
        result = ask(release(port), check(Http("/"), streak=2, every_s=0.05, within_s=20))

    assert (result.verdict, result.attempts) == (Verdict.PASSED, 4)


def test_each_pod_is_asked_where_the_check_says_so(release: Release) -> None:
    asked: list[str] = []

    def answer(request: str) -> Answer:
        asked.append(request)
        return (200, {}, "") if len(asked) < 3 else (500, {}, "")

    with serving(answer) as port:
        result = ask(release(port, replicas=3), once(Http("/"), pods=Pods.EACH))

    assert (len(asked), result.verdict) == (3, Verdict.FAILED)


def test_a_streak_asks_one_pod_after_the_other(release: Release) -> None:
    with serving(answering(200)) as port:
        where = release(port, replicas=2)
        results = ask(where, check(Http("/"), streak=2, every_s=0.05))

    assert results.is_passed


def test_pods_of_an_older_template_are_not_asked(
    release: Release, objects: Callable[[str], Objects]
) -> None:
    """The new pods stay unready, so the old ones live on: what they answer counts for nothing."""
    with serving(answering(200)) as port:
        where = release(port)
        change = {"sandbox.deploycharts/fault": "never-ready"}
        template = {"template": {"metadata": {"annotations": change}}}
        cluster = objects("staging")
        cluster.patch(
            "apps/v1", "deployments", "echo-main", {"spec": template}, namespace=where.namespace
        )
        wait_until(lambda: _is_rolling(cluster, where.namespace))
        result = ask(where, once(Http("/")))

    assert result.verdict is Verdict.UNKNOWN
    assert result.message == "no pod of release main is ready"


def _is_rolling(cluster: Objects, room: str) -> bool:
    found = cluster.get("apps/v1", "deployments", "echo-main", namespace=room) or {}
    status = found.get("status", {})
    return bool(status.get("updatedReplicas") == 1 and status.get("replicas") == 2)


def test_a_pod_that_is_not_there_makes_a_check_unknown(release: Release) -> None:
    where = release(None, replicas=0)

    result = ask(where, once(Http("/")))

    assert (result.verdict, result.message) == (
        Verdict.UNKNOWN, "no pod of release main is ready",
    )  # fmt: skip


def test_a_pod_that_the_node_does_not_reach_makes_a_check_unknown(release: Release) -> None:
    result = ask(release(None), once(Http("/")))

    assert result.verdict is Verdict.UNKNOWN
    assert "the node does not reach port 8080" in result.message


def test_a_port_on_which_nothing_listens_fails(release: Release) -> None:
    with serving(answering(200)) as port:
        pass
    result = ask(release(port), once(Http("/")))

    assert result.verdict is Verdict.FAILED
    assert "nothing listens on port 8080 of Pod/echo-main-" in result.message


def test_a_service_that_hangs_up_fails(release: Release) -> None:
    def hang_up(_asked: str) -> Answer:
        raise ConnectionAbortedError

    with serving(hang_up) as port:
        result = ask(release(port), once(Http("/"), within_s=1))

    assert result.verdict is Verdict.FAILED
    assert "no answer" in result.message


def test_a_port_that_no_container_declares_makes_a_check_unknown(release: Release) -> None:
    with serving(answering(200)) as port:
        result = ask(release(port), once(Http("/", port="metrics")))

    assert result.verdict is Verdict.UNKNOWN
    assert "it declares no port metrics" in result.message


def test_tls_is_spoken_without_knowing_the_authority(release: Release, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
    with serving(answering(200), context) as port:
        result = ask(release(port), once(Http("/", scheme="https")))

    assert result.is_passed, result.message


def test_a_secret_in_an_answer_is_masked(release: Release) -> None:
    with serving(answering(500, f"token {SECRET} is not valid")) as port:
        result = ask(release(port), once(Http("/")))

    assert SECRET not in result.message
    assert "token <secret " in result.message


def test_all_examples_of_a_description_are_asked(release: Release) -> None:
    with serving(lambda asked: GOOD.get(asked, (404, {}, ""))) as port:
        result = ask(release(port), once(OpenApi()))

    assert (result.verdict, result.message) == (Verdict.PASSED, "2 examples")


def test_an_example_that_is_answered_wrongly_fails_and_is_named(release: Release) -> None:
    wrong = {**GOOD, "POST /v1/pages": (500, {}, "")}
    with serving(lambda asked: wrong.get(asked, (404, {}, ""))) as port:
        result = ask(release(port), once(OpenApi()))

    assert result.verdict is Verdict.FAILED
    assert "1 of 2 examples fail" in result.message
    assert "POST /v1/pages (example): status 500, expected 201" in result.message


@pytest.mark.parametrize(
    ("answer", "verdict", "why"),
    [
        (answering(404), Verdict.FAILED, "/?spec: status 404, expected 200"),
        (answering(200, "{not: [yaml"), Verdict.FAILED, "/?spec is no description"),
        (answering(200, json.dumps({"paths": {}})), Verdict.UNKNOWN, "/?spec has no examples"),
    ],
)
def test_a_description_without_examples_is_no_success(
    release: Release, answer: Asked, verdict: Verdict, why: str
) -> None:
    with serving(answer) as port:
        result = ask(release(port), once(OpenApi()))

    assert result.verdict is verdict
    assert why in result.message


ASK = """
import os, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
said = opener.open(os.environ["DEPLOYCHARTS_URL"] + "/who").read().decode()
names = ("SERVICE", "ENVIRONMENT", "RELEASE", "NAMESPACE")
print(said, *(os.environ["DEPLOYCHARTS_" + name] for name in names))
"""


def python(code: str) -> Command:
    return Command((sys.executable, "-c", code))


def test_a_command_is_told_where_to_ask_and_what(release: Release) -> None:
    with serving(lambda asked: (200, {}, asked)) as port:
        where = release(port)
        result = ask(where, once(python(ASK + "sys.exit(1)")))

    assert result.verdict is Verdict.FAILED
    assert f"exit code 1\nGET /who echo staging main {where.namespace}" in result.message


@pytest.mark.parametrize(
    ("code", "verdict", "message"),
    [
        ("", Verdict.PASSED, "exit code 0"),
        ("print('odd'); raise SystemExit(2)", Verdict.FAILED, "exit code 2\nodd"),
        ("raise SystemExit(3)", Verdict.UNKNOWN, "exit code 3"),
        (f"print('{SECRET}'); raise SystemExit(1)", Verdict.FAILED, "exit code 1\n<secret "),
    ],
)
def test_a_command_tells_by_its_exit_code(
    release: Release, code: str, verdict: Verdict, message: str
) -> None:
    result = ask(release(None), once(python(code)))

    assert result.verdict is verdict
    assert message in result.message


def test_a_command_that_does_not_end_is_ended(release: Release, tmp_path: Path) -> None:
    stubborn = (
        "import pathlib, signal, time\n"
        f"pathlib.Path({str(tmp_path / 'began')!r}).touch()\n"
        "time.sleep(600)"
    )
    result = ask(release(None), once(python(stubborn), within_s=2))

    assert (tmp_path / "began").exists()
    assert result.verdict is Verdict.FAILED
    assert "did not end in time" in result.message


def test_a_command_that_is_not_there_makes_a_check_unknown(release: Release) -> None:
    result = ask(release(None), once(Command(("no-such-program",))))

    assert result.verdict is Verdict.UNKNOWN
    assert "cannot start no-such-program" in result.message


def test_a_deployment_that_is_stopped_ends_the_command(release: Release) -> None:
    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    where = release(None)
    with pytest.raises(KeyboardInterrupt):
        ask(where, once(python("import time; time.sleep(600)")), sleep=stop)
