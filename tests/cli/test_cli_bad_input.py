"""A mistake gets one clear error, its place, the next command and the right exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import PROGRAMS, Deployable

pytestmark = pytest.mark.slow


@pytest.fixture
def service(tmp_path: Path) -> Deployable:
    """A service whose clusters do not exist."""
    return Deployable(tmp_path, None)


def _no_traceback(err: str) -> None:
    assert "Traceback" not in err
    assert "bug:" not in err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["stagin", "NAME"], 3, "did you mean staging"),
        (["prodction", "NAME"], 3, "did you mean production"),
        (["rolback", "staging", "NAME"], 3, "did you mean rollback"),
        (["staging", "NAMEE"], 3, "did you mean NAME"),
        (["diff", "nowhere", "NAME"], 3, "no environment 'nowhere'"),
        (["staging", "NAME", "--release", "mian"], 3, "did you mean main"),
        (["staging"], 64, "SERVICE"),
        (["staging", "NAME", "--frce"], 64, "--frce"),
        (["rollback", "staging", "NAME", "--to", "3"], 1, "--release"),
    ],
)
def test_wrong_words(service: Deployable, words: list[str], code: int, told: str) -> None:
    ended = service.run("deploy", *(word.replace("NAME", service.name) for word in words))

    assert ended.code == code, ended.err
    assert told.replace("NAME", service.name) in ended.err
    _no_traceback(ended.err)


def test_errors_are_json_too(service: Deployable) -> None:
    ended = service.run("deploy", "diff", "stagin", service.name, "-o", "json")

    document = json.loads(ended.out)
    assert ended.code == 3
    assert document["error"]["what"] == "no environment 'stagin'"
    assert "staging" in document["error"]["why"]


def test_outside_a_repository(tmp_path: Path, service: Deployable) -> None:
    done = subprocess.run(
        [str(PROGRAMS / "deploy"), "staging", "x"], cwd=tmp_path.parent, check=False,
        capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 1
    assert "not a deployment-charts repository" in done.stderr
    assert service.name not in done.stderr


def test_an_invalid_layer_is_named_with_its_line(service: Deployable) -> None:
    (service.folder / "values-staging.yaml").write_text("replicas: 1\nconfig: {\nother: [\n")

    ended = service.deploy("diff", "staging")

    assert ended.code == 1
    assert f"helmfile.d/services/{service.name}/values-staging.yaml:" in ended.err
    assert "not valid YAML" in ended.err
    _no_traceback(ended.err)


def test_a_value_that_the_schema_refuses_is_told(service: Deployable) -> None:
    service.write("values-staging.yaml", {"replica": 3})

    ended = service.deploy("diff", "staging")

    assert ended.code == 1
    assert "does not render" in ended.err
    assert "replica" in ended.err
    _no_traceback(ended.err)


def test_a_template_that_fails_is_named_with_its_line(service: Deployable) -> None:
    template = service.root / "charts" / "echoserver" / "templates" / "service.yaml"
    template.write_text(template.read_text() + '\n{{ fail "broken on purpose" }}\n')
    line = len(template.read_text().splitlines())

    ended = service.deploy("diff", "staging")

    assert ended.code == 1
    assert f"charts/echoserver/templates/service.yaml:{line}" in ended.err
    assert "broken on purpose" in ended.err


def test_a_broken_state_file_is_named(service: Deployable) -> None:
    state = service.folder / "helmfile.yaml.gotmpl"
    state.write_text(state.read_text() + "\n{{ .Nothing.here }}\n")

    ended = service.deploy("diff", "staging")

    assert ended.code == 1
    assert "helmfile cannot read the state" in ended.err
    _no_traceback(ended.err)


def test_a_missing_mandatory_layer_is_named(service: Deployable) -> None:
    (service.folder / "values.yaml").unlink()

    ended = service.deploy("diff", "staging")

    assert ended.code == 1
    assert "the mandatory layer values.yaml is missing" in ended.err


def test_missing_credentials_are_told(service: Deployable) -> None:
    ended = service.deploy("diff", "staging")

    assert ended.code == 1
    assert "there are no credentials for staging" in ended.err
    assert "deploy cluster staging" in ended.err


def test_a_cluster_that_does_not_answer_is_told(service: Deployable) -> None:
    _kubeconfig(service, "https://127.0.0.1:9")

    ended = service.deploy("staging")

    assert ended.code == 1
    assert "the API server of staging does not answer" in ended.err
    _no_traceback(ended.err)


def test_a_kubeconfig_that_is_none_is_told(service: Deployable) -> None:
    path = service.kubeconfig("staging")
    path.parent.mkdir(parents=True)
    path.write_text("just: words\n")

    ended = service.deploy("staging")

    assert ended.code == 1
    assert "no usable kubeconfig" in ended.err
    _no_traceback(ended.err)


@pytest.mark.parametrize("program", ["helm", "helmfile"])
def test_a_program_that_is_missing_or_too_old_is_told(service: Deployable, program: str) -> None:
    variable = f"DEPLOYCHARTS_{program.upper()}"
    old = service.root / "old"
    old.write_text("#!/bin/sh\necho v0.9.1\n")
    old.chmod(0o755)

    missing = service.deploy("diff", "staging", env={variable: "/nowhere/program"})
    too_old = service.deploy("diff", "staging", env={variable: str(old)})

    assert missing.code == 1
    assert "/nowhere/program is not there" in missing.err
    assert too_old.code == 1
    assert f"{program} 0.9.1 is too old" in too_old.err
    assert "scripts/setup" in too_old.err


def test_a_wrong_environment_declaration_is_named_with_its_line(service: Deployable) -> None:
    path = service.root / "helmfile.d" / "environments.yaml"
    path.write_text(path.read_text().replace("kind: staging", "kind: stagging"))

    ended = service.deploy("diff", "staging")

    assert ended.code == 1
    assert "helmfile.d/environments.yaml:" in ended.err
    assert "stagging" in ended.err


@pytest.mark.parametrize("program", ["deploy", "create-new-service", "review-charts", "sandbox"])
def test_help_imports_nothing_heavy(program: str) -> None:
    code = (
        "import sys; from deploycharts.cli import entry\n"
        f"sys.argv = [{program!r}, '--help']\n"
        f"try: entry.{program.replace('-', '_')}()\n"
        "except SystemExit as ended: assert not ended.code, ended.code\n"
        "heavy = {'rich', 'lightkube', 'httpx2', 'questionary', 'cookiecutter', 'ruamel', 'sh'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_environments_and_services_complete(service: Deployable) -> None:
    def complete(words: str, position: int) -> list[str]:
        env = {"_DEPLOY_COMPLETE": "bash_complete", "COMP_WORDS": words,
               "COMP_CWORD": str(position)}  # fmt: skip
        return service.run("deploy", env=env).out.split()

    assert {"plain,staging", "plain,status"} <= set(complete("deploy sta", 1))
    assert f"plain,{service.name}" in complete(f"deploy staging {service.name[:3]}", 2)
    assert "plain,production" in complete("deploy diff prod", 2)


def _kubeconfig(service: Deployable, server: str) -> None:
    path = service.kubeconfig("staging")
    path.parent.mkdir(parents=True)
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1", "kind": "Config", "current-context": "x",
                "clusters": [{"name": "x", "cluster": {"server": server}}],
                "users": [{"name": "x", "user": {"token": "none"}}],
                "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            }
        )
    )  # fmt: skip
