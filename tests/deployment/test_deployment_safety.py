"""What `deploy` refuses, and what survives when somebody interferes."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pexpect
import pytest

from deploycharts.deployment.plan import Plan
from deploycharts.deployment.prepare import prepare
from deploycharts.deployment.run import run
from deploycharts.errors import StalePlan
from tests.services import PROGRAMS, Deployable, Make
from tests.waiting import wait_until

pytestmark = pytest.mark.sandbox


def _prepare(service: Deployable, environment: str) -> Plan:
    repository = service.repository
    environments = repository.select(environment)
    return prepare(repository, environments, [repository.service(service.name)])


def test_production_is_not_changed_without_a_word(make: Make) -> None:
    service = make("codfw", "eqiad")

    refused = service.deploy("production")

    assert refused.code == 4
    assert "--yes=" in refused.err
    assert service.history("codfw", "main") == []


def test_a_plan_that_was_seen_can_be_named_and_another_cannot(make: Make) -> None:
    service = make("codfw")
    shown = service.deploy("diff", "codfw", "-o", "json").json["plan"]["plan"]

    stale = service.deploy("codfw", "--yes=0123456789")
    named = service.deploy("codfw", f"--yes={shown}")

    assert stale.code == 5
    assert "the plan is" in stale.err
    assert named.code == 0, named.err


def test_the_question_defaults_to_no_and_ignores_what_was_typed_before(make: Make) -> None:
    service = make("codfw")
    words = shlex.join([str(PROGRAMS / "deploy"), "codfw", service.name])
    terminal = pexpect.spawn(
        "/bin/sh", ["-c", words], cwd=str(service.root), env=service.environ(), encoding="utf-8",
        timeout=60,
    )  # fmt: skip
    terminal.send("y\r")

    terminal.expect("Change .* in codfw")
    terminal.expect("N]")
    terminal.send("\r")
    terminal.expect(pexpect.EOF)
    terminal.close()

    assert terminal.exitstatus == 130
    assert service.history("codfw", "main") == []


def test_a_person_may_say_yes(make: Make) -> None:
    service = make("codfw")
    terminal = pexpect.spawn(
        str(PROGRAMS / "deploy"), ["codfw", service.name], cwd=str(service.root),
        env=service.environ(), encoding="utf-8", timeout=60,
    )  # fmt: skip

    terminal.expect("N]")
    terminal.send("y\r")
    terminal.expect(pexpect.EOF)
    terminal.close()

    assert terminal.exitstatus == 0
    assert service.history("codfw", "main") == [(1, "deployed")]


def test_a_plan_is_stale_when_somebody_deployed_in_between(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.greet("good day")
    plan = _prepare(service, "staging")
    service.deploy("staging")

    with pytest.raises(StalePlan, match="is at revision 2"):
        run(plan, listen=lambda _: None, folder=service.root / ".journals")

    assert service.history("staging", "main")[-1] == (2, "deployed")


def test_a_plan_is_stale_when_a_layer_changed_after_it(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.greet("good day")
    plan = _prepare(service, "staging")
    service.greet("good night")

    with pytest.raises(StalePlan, match="changed after the plan"):
        run(plan, listen=lambda _: None, folder=service.root / ".journals")

    assert service.history("staging", "canary") == [(1, "deployed")]


def test_a_plan_is_stale_when_the_chart_changed_after_it(make: Make) -> None:
    service = make("staging")
    plan = _prepare(service, "staging")
    chart = service.root / "charts" / "echoserver" / "templates" / "service.yaml"
    chart.write_text(chart.read_text() + "\n# edited\n")

    with pytest.raises(StalePlan, match="changed after the plan"):
        run(plan, listen=lambda _: None, folder=service.root / ".journals")

    assert service.history("staging", "main") == []


def test_credentials_of_another_environment_are_refused(make: Make) -> None:
    service = make("staging", "codfw")
    service.kubeconfig("codfw").write_bytes(service.kubeconfig("staging").read_bytes())

    refused = service.deploy("codfw", "--yes")

    assert refused.code == 4
    assert "leads to staging, not to codfw" in refused.err
    assert service.history("staging", "main") == []


def test_a_killed_helm_is_explained_and_rollback_repairs_it(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.greet("good day")
    service.fault("never-ready")
    process = subprocess.Popen(
        [str(PROGRAMS / "deploy"), "staging", service.name], cwd=service.root,
        env=service.environ(), stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: service.history("staging", "canary")[-1] == (2, "pending-upgrade"))
    _kill_all(service.name, process.pid)

    process.communicate()
    refused = service.deploy("staging")
    status = service.deploy("status", "staging")
    repaired = service.deploy("rollback", "staging")

    assert refused.code == 4, refused.err
    assert "pending-upgrade" in refused.err
    assert "ended there without finishing" in refused.err
    assert "deploy rollback staging" in refused.err
    assert "ended there without finishing" in status.out
    assert repaired.code == 0, repaired.err
    assert service.history("staging", "canary")[-1] == (3, "deployed")


def test_interrupting_a_deployment_brings_back_what_it_touched(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.fault("never-ready")
    process = subprocess.Popen(
        [str(PROGRAMS / "deploy"), "staging", service.name], cwd=service.root,
        env=service.environ(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until(lambda: service.history("staging", "canary")[-1] == (2, "pending-upgrade"))

    process.send_signal(signal.SIGINT)
    _, err = process.communicate()

    assert process.returncode == 130, err
    assert service.history("staging", "canary") == [
        (1, "superseded"), (2, "failed"), (3, "deployed"),
    ]  # fmt: skip


def test_a_helm_that_outlived_its_deployment_is_ended_before_going_back(make: Make) -> None:
    service = make("staging")
    process = _in_the_middle(service)
    process.kill()
    process.communicate()

    explained = service.deploy("status", "staging")
    repaired = service.deploy("rollback", "staging")

    assert "the helm that it started still runs" in explained.out
    assert repaired.code == 0, repaired.err
    assert service.history("staging", "canary") == [
        (1, "superseded"), (2, "failed"), (3, "deployed"),
    ]  # fmt: skip


def test_a_deployment_that_runs_is_not_rolled_back_by_somebody_else(make: Make) -> None:
    service = make("staging")
    process = _in_the_middle(service)

    second = service.deploy("staging")
    back = service.deploy("rollback", "staging")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()

    assert (second.code, back.code) == (4, 4), second.err + back.err
    assert "is still running" in second.err
    assert "next: wait for it" in second.err
    assert process.returncode == 130, err
    assert service.history("staging", "canary")[-1] == (3, "deployed")


def test_output_that_nobody_reads_does_not_stop_a_roll_out(make: Make) -> None:
    service = make("staging")
    words = shlex.join([str(PROGRAMS / "deploy"), "staging", service.name])

    subprocess.run(
        ["/bin/bash", "-c", f"{words} 2>&1 | head -1"], cwd=service.root, check=True,
        env=service.environ(), capture_output=True,
    )  # fmt: skip

    wait_until(lambda: service.journal()[-1]["kind"] == "outcome")
    assert service.journal()[-1]["exit"] == 0
    assert service.history("staging", "canary") == [(1, "deployed")]


def test_looking_leaves_no_trace(make: Make) -> None:
    service = make("staging")
    subprocess.run(["git", "add", "-A"], cwd=service.root, check=True)
    temporary = service.root / "tmp"
    temporary.mkdir()
    before = _status(service.root)

    for words in (["diff", "staging"], ["status", "staging"], ["staging", "--dry-run"]):
        assert service.deploy(*words, env={"TMPDIR": str(temporary)}).code == 0

    assert list(temporary.iterdir()) == []
    assert _status(service.root) == before
    assert service.history("staging", "main") == []


def test_secrets_are_never_shown(make: Make) -> None:
    service = make("staging")
    secret = "correct-horse-battery-staple"
    private = {"secrets": {"env": {"PASSWORD": secret}}}
    service.write("private.example.yaml", private)
    url = f"https://u:{secret}@host"
    service.write("values-canary.yaml", {"canary": True, "config": {"env": {"URL": url}}})

    shown = service.deploy("diff", "staging", "--full")
    as_json = service.deploy("diff", "staging", "-o", "json")
    service.fault("crash")
    failed = service.deploy("staging")

    told = [shown.out, shown.err, as_json.out, failed.out, failed.err]
    journals = [path.read_text() for path in (service.root / ".journals").iterdir()]
    assert failed.code == 6
    assert "CrashLoopBackOff" in failed.err
    assert not [text for text in told + journals if secret in text]


def _in_the_middle(service: Deployable) -> subprocess.Popen[str]:
    """A deployment whose canary does not get ready, while helm waits for it."""
    service.deploy("staging")
    service.fault("never-ready")
    process = subprocess.Popen(
        [str(PROGRAMS / "deploy"), "staging", service.name], cwd=service.root,
        env=service.environ(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until(lambda: service.history("staging", "canary")[-1] == (2, "pending-upgrade"))
    return process


def _kill_all(name: str, group: int) -> None:
    """SIGKILL the deployment and every helm and helmfile that it started."""
    os.killpg(group, signal.SIGKILL)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                argv = (folder / "cmdline").read_bytes().decode().split("\0")
                here = (folder / "cwd").resolve()
            except OSError:
                continue
            if "helm" in argv[0] and name in f"{here} {argv}":
                os.kill(int(folder.name), signal.SIGKILL)


def _status(root: Path) -> str:
    git = ["git", "--no-optional-locks", "status", "--porcelain", "--ignored"]
    return subprocess.run(git, cwd=root, check=True, capture_output=True, text=True).stdout
