"""Plans that are written down and applied later."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import yaml

from tests.services import Deployable, Make

pytestmark = pytest.mark.sandbox


def _plan(service: Deployable, environment: str, *words: str) -> Path:
    file = service.root / "change.plan"
    ended = service.run("deploy", "plan", environment, service.name, "--out", str(file), *words)
    assert ended.code == 0, ended.err
    assert f"next: deploy apply {file}" in ended.err
    return file


def test_what_was_planned_is_what_is_applied(make: Make) -> None:
    service = make("codfw")
    file = _plan(service, "codfw", "--reason", "the first version of it")

    unasked = service.run("deploy", "apply", str(file))
    named = json.loads(file.read_text())["plan"]["plan"]
    ended = service.run("deploy", "apply", str(file), f"--yes={named}")
    again = service.run("deploy", "apply", str(file), f"--yes={named}")

    assert unasked.code == 4
    assert f"deploy apply {file} --yes={named}" in unasked.err
    assert ended.code == 0, ended.err
    assert "the first version of it" in service.helm("codfw", "history", "main").out
    assert again.code == 5
    assert f"codfw {service.name}/main: revision 0 → 1, deployment 20" in again.err


def test_what_moved_is_named_and_who_moved_it(make: Make) -> None:
    service = make("staging")
    service.commit("Begin")
    file = _plan(service, "staging")

    service.greet("good day")
    service.commit("Greet in another way")
    chart = service.root / "charts" / "echoserver" / "templates" / "service.yaml"
    chart.write_text(chart.read_text() + "\n# edited\n")
    ended = service.run("deploy", "apply", str(file))

    assert ended.code == 5
    values = f"helmfile.d/services/{service.name}/values.yaml"
    assert f"{values} changed, Ada in " in ended.err
    assert "(Greet in another way)" in ended.err
    assert "charts/echoserver changed, not committed" in ended.err
    assert f"next: deploy plan staging {service.name} --out {file}" in ended.err
    assert service.history("staging", "main") == []


def test_a_changed_secret_is_told_and_never_shown(make: Make) -> None:
    service = make("staging")
    private = service.folder / "private.example.yaml"
    private.write_text(yaml.safe_dump({"secrets": {"env": {"API_KEY": "correct-horse-battery"}}}))
    file = _plan(service, "staging")

    private.write_text(yaml.safe_dump({"secrets": {"env": {"API_KEY": "another-horse-battery"}}}))
    ended = service.run("deploy", "apply", str(file))

    assert ended.code == 5
    assert "a secret layer changed" in ended.err
    assert "horse" not in file.read_text() + ended.err + ended.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"kind": "x"}', "not json"])
def test_what_is_no_plan_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    service = Deployable(tmp_path, None)
    file = tmp_path / "some.plan"
    file.write_text(text)

    ended = service.run("deploy", "apply", str(file))

    assert ended.code == 1
    assert f"{file}: this is no plan" in ended.err
