"""`deploy` on real control planes: roll-outs, and what happens when they fail."""

from __future__ import annotations

from typing import Any

import pytest

from deploycharts.cluster.connection import Cluster
from tests.services import Deployable, Ended, Make
from tests.waiting import wait_until

pytestmark = pytest.mark.sandbox


def test_the_canary_goes_first_but_not_on_a_first_install(make: Make) -> None:
    service = make("staging")

    installed = service.deploy("staging")
    service.greet("good day")
    upgraded = service.deploy("staging")

    assert (installed.code, upgraded.code) == (0, 0), installed.err + upgraded.err
    assert installed.err.index("/main: install") < installed.err.index("/canary: install")
    assert upgraded.err.index("/canary: upgrade done") < upgraded.err.index("/main: upgrade done")
    assert service.history("staging", "main") == [(1, "superseded"), (2, "deployed")]


def test_a_second_deployment_of_the_same_has_nothing_to_do(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")

    again = service.deploy("staging")

    assert again.code == 0
    assert again.err.count("nothing to do") == 2
    assert service.history("staging", "main") == [(1, "deployed")]


@pytest.mark.parametrize(
    ("fault", "more", "told"),
    [
        ("crash", {}, ["CrashLoopBackOff, exit code 1", "last log lines", "giving up"]),
        ("image-pull", {}, ["ImagePullBackOff", "not found"]),
        ("oom", {}, ["OOMKilled, exit code 137"]),
        ("never-ready", {"probes": {"startSeconds": 2, "periodSeconds": 1}}, ["NotReady"]),
        (
            "none",
            {"resources": {"requests": {"cpu": "999"}, "limits": {}}},
            ["Unschedulable", "Insufficient cpu"],
        ),
    ],
)
def test_a_roll_out_that_fails_tells_the_reason_and_goes_back(
    make: Make, fault: str, more: dict[str, Any], told: list[str]
) -> None:
    service = make("staging")
    service.deploy("staging")
    service.fault(fault, **more)

    failed = service.deploy("staging")

    assert failed.code == 6, failed.err
    for words in told:
        assert words in failed.err
    assert service.history("staging", "canary") == [
        (1, "superseded"), (2, "failed"), (3, "deployed"),
    ]  # fmt: skip
    assert service.history("staging", "main") == [(1, "deployed")]
    assert service.deploy("status", "staging", "--exit-code").code == 0


def test_what_the_quota_refuses_is_foreseen_and_nothing_is_touched(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.write("values-staging.yaml", {"replicas": 25})

    refused = service.deploy("staging")

    assert "needs more pods than the quota has: 26 of 20" in refused.out
    assert refused.code == 4, refused.err
    assert "needs more pods than the quota has" in refused.err.partition("error: ")[2]
    assert service.history("staging", "main") == [(1, "deployed")]
    assert service.deploy("status", "staging", "--exit-code").code == 0


def test_a_first_install_that_fails_is_removed_and_can_be_tried_again(make: Make) -> None:
    service = make("staging")
    service.fault("crash")

    failed = service.deploy("staging")
    service.heal()
    mended = service.deploy("staging")

    assert failed.code == 6, failed.err
    assert "uninstall" in failed.err
    assert mended.code == 0, mended.err
    assert service.deploy("status", "staging", "--exit-code").code == 0


def test_if_the_second_datacenter_fails_both_go_back(make: Make) -> None:
    service = make("codfw", "eqiad")
    assert service.deploy("production", "--yes").code == 0
    service.greet("good day")
    service.fault("crash", file="values-main-eqiad.yaml")

    failed = service.deploy("production", "--yes")

    assert failed.code == 6, failed.err
    assert failed.err.index("codfw") < failed.err.index("eqiad")
    for release in ("main", "canary"):
        assert service.history("codfw", release)[-1] == (3, "deployed")
        assert service.history("eqiad", release)[-1] == (3, "deployed")
    difference = service.deploy("diff", "production", "--exit-code", "-o", "json").json
    assert "good day" in str(difference["folds"])


def test_the_journal_announces_each_act_before_its_result(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")

    lines = service.journal()

    assert [line["kind"] for line in lines] == [
        "begun", "intent", "started", "result", "intent", "started", "result", "outcome",
    ]  # fmt: skip
    assert lines[1]["expecting"] == 0
    assert lines[1]["fingerprint"]
    assert lines[3]["revision"] == 1


def test_rollback_goes_to_what_ran_before_the_last_deployment(make: Make) -> None:
    service = make("staging")
    service.greet("hello")
    service.deploy("staging")
    service.greet("good day")
    service.deploy("staging")

    back = service.deploy("rollback", "staging")

    assert back.code == 0, back.err
    assert "good day → hello" in back.out
    assert service.history("staging", "main")[-1] == (3, "deployed")
    assert "hello" in service.helm("staging", "get", "manifest", "main").out


def test_a_pod_that_is_broken_by_hand_shows_in_the_status(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    image = {"name": "app", "image": "registry.example.org/other:fault-crash"}
    template = {"spec": {"containers": [image]}}
    _patch(service, "staging", f"{service.name}-main", {"spec": {"template": template}})

    status = _until(service, "CrashLoopBackOff")

    assert status.code == 8
    assert "exit code 1" in status.out


def test_deploying_needs_no_administrators_rights(make: Make) -> None:
    service = make("staging")

    namespaces = service.run(
        "helm", "install", "x", "charts/echoserver", "--namespace", "elsewhere",
        "--create-namespace", "--kubeconfig", str(service.kubeconfig("staging")),
    )  # fmt: skip

    assert namespaces.code != 0
    assert "forbidden" in namespaces.err
    assert service.deploy("staging").code == 0


def test_plain_helmfile_works_without_our_tool(make: Make) -> None:
    service = make("staging")

    for verb in ("template", "list", "sync"):
        state = str(service.folder / "helmfile.yaml.gotmpl")
        ended = service.run("helmfile", "-f", state, "-e", "staging", verb)
        assert ended.code == 0, ended.err

    assert service.history("staging", "main") == [(1, "deployed")]
    assert "nothing to do" in service.deploy("staging").err


def _patch(service: Deployable, environment: str, name: str, change: dict[str, object]) -> None:
    cluster = Cluster(service.kubeconfig(environment), name=environment)
    path = f"/apis/apps/v1/namespaces/{service.name}/deployments/{name}"
    cluster.send("PATCH", path, change, content_type="application/strategic-merge-patch+json")
    cluster.close()


def _until(service: Deployable, word: str) -> Ended:
    seen: list[Ended] = []

    def is_there() -> bool:
        seen.append(service.deploy("status", "staging", "--exit-code"))
        return word in seen[-1].out

    wait_until(is_there)
    return seen[-1]
