"""What must hold before a roll-out goes on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploycharts.registry.policy import Gates, OnFailure
from deploycharts.registry.repository import Repository
from tests.services import Deployable, Make
from tests.waiting import wait_until


def _repository(tmp_path: Path, service_yaml: str) -> Repository:
    service = Deployable(tmp_path, None)
    (service.folder / "service.yaml").write_text(service_yaml)
    return service.repository


def test_a_service_goes_over_its_environment_and_the_nearer_word_counts(tmp_path: Path) -> None:
    repository = _repository(
        tmp_path,
        "gates:\n  bakeSeconds: 60\n  environments:\n    eqiad: {bakeSeconds: 300, pause: true}\n"
        "onFailure: hold\n",
    )
    policy = repository.service(repository.service_names[0]).policy
    defaults = Gates(staging=True, merged=False, bake_s=0, pause=False)

    assert policy.gates_in("codfw", defaults) == Gates(True, False, 60, False)
    assert policy.gates_in("eqiad", defaults) == Gates(True, False, 300, True)
    assert policy.on_failure is OnFailure.HOLD


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("gates: {stagin: true}\n", "no gate 'stagin'", 1),
        ("a: 1\ngates:\n  bakeSeconds: soon\n", "gate bakeSeconds is 'soon', not a number", 3),
        ("gates:\n  environments:\n    eqaid: {}\n", "no environment 'eqaid'", 3),
        ("onFailure: rolback\n", "no failure policy 'rolback'", 1),
    ],
)
def test_what_is_misspelled_is_named_with_its_line(
    tmp_path: Path, text: str, says: str, line: int
) -> None:
    service = Deployable(tmp_path, None)
    (service.folder / "service.yaml").write_text(text)

    ended = service.deploy("diff", "staging")

    assert ended.code == 1
    assert f"helmfile.d/services/{service.name}/service.yaml:{line}: {says}" in ended.err


@pytest.mark.sandbox
def test_production_waits_until_staging_ran_the_same(make: Make) -> None:
    service = make("staging", "codfw")
    service.gate("codfw", staging=True)

    first = service.deploy("codfw", "--yes")
    staged = service.deploy("staging")
    service.greet("good day")
    other = service.deploy("codfw", "--yes", "--dry-run")
    service.deploy("staging")
    same = service.deploy("codfw", "--yes")

    assert first.code == 4
    assert f"codfw {service.name}: staging never ran {service.name}" in first.err
    assert f"next: deploy staging {service.name}" in first.err
    assert staged.code == 0, staged.err
    assert "✗ staging did not run this canary and main successfully" in other.err
    assert same.code == 0, same.err
    assert "✓ staging ran this canary and main, 20" in same.err


@pytest.mark.sandbox
@pytest.mark.thorough
def test_what_staging_went_back_from_does_not_count_but_an_emergency_does(make: Make) -> None:
    service = make("staging", "codfw")
    service.gate("codfw", staging=True)
    service.deploy("staging")
    service.greet("good day")
    service.deploy("staging")
    service.deploy("rollback", "staging")

    refused = service.deploy("codfw", "--yes")
    forced = service.deploy("codfw", "--yes", "--emergency", "the site is down")

    assert refused.code == 4
    assert "staging did not run this" in refused.err
    assert forced.code == 0, forced.err
    assert "passed over, emergency" in forced.err
    assert service.journal()[0]["emergency"] == "the site is down"


@pytest.mark.sandbox
def test_production_is_made_from_the_main_branch(make: Make) -> None:
    service = make("codfw")
    service.gate("codfw", merged=True)
    service.commit()

    service.greet("good day")
    dirty = service.deploy("codfw", "--yes")
    subprocess.run(["git", "checkout", "-q", "-b", "idea"], cwd=service.root, check=True)
    commit = service.commit()
    unmerged = service.deploy("codfw", "--yes")
    subprocess.run(["git", "branch", "-q", "-f", "main"], cwd=service.root, check=True)
    merged = service.deploy("codfw", "--yes")

    assert (dirty.code, unmerged.code) == (4, 4)
    assert "the tree has uncommitted changes" in dirty.err
    assert f"commit {commit[:10]} is not merged into main" in unmerged.err
    assert merged.code == 0, merged.err


@pytest.mark.sandbox
@pytest.mark.thorough
def test_trouble_while_the_canary_bakes_brings_it_back_before_main_is_touched(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.say(gates={"bakeSeconds": 30})
    service.greet("good day")
    process = service.start("staging")
    wait_until(lambda: service.history("staging", "canary")[-1] == (2, "deployed"))

    service.break_pods("staging", "canary")
    _, err = process.communicate()

    assert process.returncode == 6, err
    assert "canary bakes 30 s" in err
    assert service.history("staging", "canary")[-1] == (3, "deployed")
    assert service.history("staging", "main") == [(1, "deployed")]


@pytest.mark.sandbox
@pytest.mark.thorough
def test_a_pause_without_a_person_stops_there_and_says_what_is_behind(make: Make) -> None:
    service = make("codfw", "eqiad")

    ended = service.deploy("production", "--yes", "--pause-before", "eqiad")

    assert ended.code == 130, ended.err
    assert f"behind: eqiad {service.name}/main" in ended.err
    assert f"next: deploy eqiad {service.name}" in ended.err
    assert service.history("codfw", "main") == [(1, "deployed")]
    assert service.history("eqiad", "main") == []


@pytest.mark.sandbox
def test_a_datacenter_can_be_left_out_for_a_reason(make: Make) -> None:
    service = make("codfw", "eqiad")

    unexplained = service.deploy("production", "--yes", "--skip", "codfw")
    ended = service.deploy("production", "--yes", "--skip", "codfw", "--reason", "depooled")

    assert unexplained.code == 64
    assert ended.code == 0, ended.err
    assert "codfw: left out, depooled" in ended.err
    assert f"behind: codfw {service.name}" in ended.err
    assert f"next: deploy codfw {service.name}" in ended.err
    assert service.history("eqiad", "main") == [(1, "deployed")]
    assert service.journal()[0]["reason"] == "depooled"
