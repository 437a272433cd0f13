"""Several services and datacenters in one deployment: together forth, together back."""

from __future__ import annotations

import re

import pexpect
import pytest

from tests.services import PROGRAMS, Deployable, Make
from tests.waiting import wait_until
from tests.wire import wired

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]


def _terminal(service: Deployable, *words: str) -> pexpect.spawn:
    return pexpect.spawn(
        str(PROGRAMS / "deploy"), [*words, service.name], cwd=str(service.root),
        env=service.environ(), encoding="utf-8", timeout=60, dimensions=(30, 100),
    )  # fmt: skip


def test_services_roll_out_side_by_side_in_one_deployment(make: Make) -> None:
    one, other = make("staging"), make("staging")

    ended = one.deploy("staging", other.name)

    assert ended.code == 0, ended.err
    assert one.history("staging", "main") == other.history("staging", "main") == [(1, "deployed")]
    begun = [line["target"] for line in one.journal() if line["kind"] == "intent"]
    assert {begun[0], begun[1]} == {f"staging {one.name}/main", f"staging {other.name}/main"}


def test_if_one_service_fails_all_of_the_deployment_go_back(make: Make) -> None:
    one, other = make("staging"), make("staging")
    one.deploy("staging", other.name)
    one.greet("good day")
    other.say(gates={"bakeSeconds": 4})
    other.greet("good day")
    other.fault("crash")

    ended = one.deploy("staging", other.name)

    assert ended.code == 6, ended.err
    for service in (one, other):
        assert service.history("staging", "canary")[-1] == (3, "deployed")
        assert f"staging {service.name}/canary" in ended.err.partition("rolled back:")[2]


def test_a_failure_may_be_held_for_a_person_to_look_at(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.say(onFailure="hold")
    service.fault("crash")

    ended = service.deploy("staging")

    assert ended.code == 7, ended.err
    assert f"left as it is: staging {service.name}/canary" in ended.err
    assert f"deploy rollback staging {service.name}" in ended.err
    assert service.history("staging", "canary") == [(1, "deployed"), (2, "failed")]
    assert service.deploy("rollback", "staging").code == 0


def test_a_deployment_may_go_on_after_a_failure(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.say(onFailure="go-on")
    service.greet("good day")
    service.fault("crash", file="values-canary.yaml")

    ended = service.deploy("staging")

    assert ended.code == 7, ended.err
    assert service.history("staging", "canary")[-1] == (2, "failed")
    assert service.history("staging", "main")[-1] == (2, "deployed")
    assert f"NOT rolled back: staging {service.name}/canary" in ended.err
    [outcome] = [line for line in service.journal() if line["kind"] == "outcome"]
    [suspect] = outcome["suspects"]
    assert "hello → good day" in suspect


def test_what_is_edited_during_a_roll_out_is_not_deployed(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.say(gates={"bakeSeconds": 5})
    service.greet("good day")
    process = service.start("staging")
    wait_until(lambda: service.history("staging", "canary")[-1] == (2, "deployed"))

    service.greet("something else")
    state = service.folder / "helmfile.yaml.gotmpl"
    state.write_text("<<<<<<< a pull that did not end well\n")
    _, err = process.communicate()

    assert process.returncode == 0, err
    for release in ("canary", "main"):
        values = service.helm("staging", "get", "values", release).out
        assert "good day" in values


def test_a_person_may_hold_after_the_act_that_is_under_way(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.greet("good day")
    service.fault("slow", file="values-canary.yaml")
    terminal = _terminal(service, "staging")

    terminal.expect("▸.*canary: upgrade")
    terminal.sendintr()
    terminal.expect(re.escape("[r/h/g]: "))
    terminal.send("h\r")
    terminal.expect(pexpect.EOF)
    terminal.close()

    assert terminal.exitstatus == 130, terminal.before
    assert service.history("staging", "canary")[-1] == (2, "deployed")
    assert service.history("staging", "main") == [(1, "deployed")]


def test_a_person_may_go_on_after_an_interrupt(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.greet("good day")
    terminal = _terminal(service, "staging")

    terminal.expect("▸.*canary: upgrade")
    terminal.sendintr()
    terminal.expect(re.escape("[r/h/g]: "))
    terminal.send("g\r")
    terminal.expect(pexpect.EOF)
    terminal.close()

    assert terminal.exitstatus == 0, terminal.before
    assert service.history("staging", "main")[-1] == (2, "deployed")


def test_a_second_interrupt_stops_helm_and_leaves_all_as_it_is(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.fault("never-ready")
    terminal = _terminal(service, "staging")

    terminal.expect("▸.*canary: upgrade")
    wait_until(lambda: service.history("staging", "canary")[-1] == (2, "pending-upgrade"))
    terminal.sendintr()
    terminal.expect(re.escape("[r/h/g]: "))
    terminal.sendintr()
    terminal.expect(f"deploy rollback staging {service.name}")
    terminal.expect(pexpect.EOF)
    terminal.close()

    assert terminal.exitstatus == 7
    assert service.history("staging", "canary") == [(1, "deployed"), (2, "failed")]


def test_a_datacenter_that_is_lost_after_it_succeeded_is_owed_its_way_back(make: Make) -> None:
    service = make("codfw", "eqiad")
    service.deploy("production", "--yes")
    service.greet("good day")
    service.fault("crash", file="values-eqiad.yaml")
    with wired(service.kubeconfig("codfw")) as wire:
        process = service.start("production", "--yes")
        wait_until(lambda: service.history("eqiad", "canary")[-1][0] == 2)
        wire.cut()
        _, err = process.communicate()

        assert process.returncode == 7, err
        assert f"next: deploy rollback codfw {service.name}" in err
        assert service.history("eqiad", "canary")[-1] == (3, "deployed")

        wire.mend()
        back = service.deploy("rollback", "codfw", "--yes")

        assert back.code == 0, back.err
        assert service.history("codfw", "canary")[-1] == (3, "deployed")
        assert service.history("codfw", "main")[-1] == (3, "deployed")


def test_the_end_of_an_act_at_a_lost_datacenter_is_not_guessed(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.fault("never-ready")
    with wired(service.kubeconfig("staging")) as wire:
        process = service.start("staging")
        wait_until(lambda: service.history("staging", "canary")[-1][0] == 2)
        wire.cut()
        _, err = process.communicate()

    assert process.returncode == 9, err
    assert f"staging {service.name}/canary: how it ended is not known" in err
    assert f"deploy status staging {service.name}" in err
