"""The ways to run create-new-service: previews, reuse, git and the source repository."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from deploycharts.errors import Exit
from deploycharts.scaffold import answers as answering
from deploycharts.scaffold import answerschema
from deploycharts.scaffold.questions import QUESTIONS
from deploycharts.tools import process
from tests.scaffold.scaffold_builders import ROOT, answers, commit_all, create, facts, files, git

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unverified")]


BLUBBER_KEYS = frozenset(
    "version variants base apt lives runs node python php builder builders entrypoint includes "
    "copies".split()
)


def test_a_dry_run_shows_every_file_and_writes_none(root: Path, talk: io.StringIO) -> None:
    before = files(root)
    assert create("demo", "--dry-run") == Exit.DONE
    assert files(root) == before
    assert "+name: demo" in talk.getvalue()
    assert "values.schema.json   create" in talk.getvalue()


def test_printed_answers_reproduce_the_run(root: Path, data: io.StringIO) -> None:
    words = ("demo", "--set", "tls=true", "--set", "env=A=b,C=1", "--print-answers")
    assert create(*words, "--dry-run") == Exit.DONE
    printed = data.getvalue()
    (root / "answers.yaml").write_text(printed)
    data.truncate(0)
    data.seek(0)
    assert create("--answers", "answers.yaml", "--print-answers") == Exit.DONE
    assert data.getvalue() == printed


def test_a_chart_decides_the_kind_of_its_services(root: Path, talk: io.StringIO) -> None:
    assert create("first", "--set", "kind=worker") == Exit.DONE
    assert create("second", "--chart", "first", "--set", "kind=service") == Exit.USER_ERROR
    assert "does not fit the chart first: it has 'worker'" in talk.getvalue()


def test_like_takes_the_answers_but_not_what_is_one_services_own(root: Path) -> None:
    one = ("one", "--set", "telemetry=true", "--set", "memory=1Gi", "--set", "port=9000")
    assert create(*one) == Exit.DONE
    assert create("two", "--like", "one") == Exit.DONE
    values = (root / "charts/two/values.yaml").read_text()
    assert "memory: 1Gi" in values
    assert "telemetry:" in values
    assert "port: 8080" in (root / "helmfile.d/services/two/values.yaml").read_text()


def test_like_an_unknown_service(root: Path, talk: io.StringIO) -> None:
    assert create("one") == Exit.DONE
    assert create("two", "--like", "oen") == Exit.UNKNOWN_NAME
    assert "did you mean one?" in talk.getvalue()


def test_a_branch_with_one_commit_of_exactly_these_files(root: Path, talk: io.StringIO) -> None:
    commit_all(root)
    (root / "unrelated.txt").write_text("mine\n")
    before = files(root)
    git(root, "remote", "add", "origin", "https://github.com/example/charts.git")
    assert create("demo", "--branch") == Exit.DONE
    assert git(root, "branch", "--show-current") == "new-service-demo"
    committed = git(root, "show", "--name-only", "--format=", "HEAD").splitlines()
    assert set(committed) == files(root) - before
    assert git(root, "rev-list", "--count", "main..HEAD") == "1"
    assert git(root, "status", "--porcelain") == "?? unrelated.txt"
    assert "gh pr create" in talk.getvalue()


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("https://gitlab.example.org/x.git", "merge_request.create"),
        ("ssh://me@gerrit.example.org:29418/charts", "HEAD:refs/for/main"),
        ("https://git.example.org/x.git", "git push --set-upstream origin new-service-demo"),
    ],
)
def test_how_to_submit_depends_on_where_the_repository_is(
    root: Path, talk: io.StringIO, url: str, hint: str
) -> None:
    commit_all(root)
    git(root, "remote", "add", "origin", url)
    assert create("demo", "--branch") == Exit.DONE
    assert hint in talk.getvalue()


def test_no_branch_without_git_or_over_an_existing_one(root: Path, talk: io.StringIO) -> None:
    before = files(root)
    assert create("demo", "--branch") == Exit.USER_ERROR
    commit_all(root)
    git(root, "branch", "new-service-demo")
    assert create("demo", "--branch") == Exit.USER_ERROR
    assert "the branch new-service-demo exists" in talk.getvalue()
    assert files(root) == before


@pytest.mark.parametrize("runtime", ["nodejs", "python", "golang", "php", "other"])
def test_pipeline_files_for_the_source_repository(
    root: Path, tmp_path_factory: pytest.TempPathFactory, runtime: str
) -> None:
    source = tmp_path_factory.mktemp("source")
    words = ("demo", "--set", f"runtime={runtime}", "--source-dir", str(source))
    assert create(*words) == Exit.DONE
    blubber = yaml.safe_load((source / ".pipeline" / "blubber.yaml").read_text())
    assert blubber["version"] == "v4"
    assert {"test", "production"} <= blubber["variants"].keys()
    assert blubber["runs"] == {"as": "runuser", "uid": 900, "gid": 900}
    for part in (blubber, *blubber["variants"].values()):
        assert part.keys() <= BLUBBER_KEYS
        assert "insecurely" not in part.get("runs", {})
    for variant in blubber["variants"].values():
        named = [c["from"] if isinstance(c, dict) else c for c in variant.get("copies", [])]
        assert {*named, *variant.get("includes", [])} <= {*blubber["variants"], "local"}
    pipeline = yaml.safe_load((source / ".gitlab-ci.yml").read_text())
    assert pipeline["publish"]["extends"] == ".kokkuri:build-and-publish-image"


def test_pipeline_files_are_never_overwritten(
    root: Path, tmp_path_factory: pytest.TempPathFactory, talk: io.StringIO
) -> None:
    source = tmp_path_factory.mktemp("source")
    (source / ".gitlab-ci.yml").write_text("mine\n")
    assert create("demo", "--source-dir", str(source)) == Exit.DONE
    assert (source / ".gitlab-ci.yml").read_text() == "mine\n"
    assert "is there already, and stays" in talk.getvalue()


def test_the_published_schema_is_that_of_the_questions() -> None:
    assert (ROOT / "docs" / "answers.schema.json").read_text() == answerschema.schema()


def test_the_schema_accepts_what_is_printed_and_refuses_a_typo(root: Path) -> None:
    validator = jsonschema_rs.Draft7Validator(yaml.safe_load(answerschema.schema()))
    printed = yaml.safe_load(answering.to_yaml(answers(facts(root), ingress=True), QUESTIONS))
    assert validator.is_valid(printed)
    assert not validator.is_valid({**printed, "prot": 1})
    assert not validator.is_valid({**printed, "port": "8080"})


def test_the_outcome_as_json(root: Path, data: io.StringIO) -> None:
    assert create("demo", "-o", "json") == Exit.DONE
    outcome = json.loads(data.getvalue())
    assert outcome["service"] == "demo"
    assert outcome["files"]["charts/demo/Chart.yaml"] == "create"
    assert outcome["answers"]["port"] == 8080


def test_errors_as_json(root: Path, data: io.StringIO) -> None:
    assert create("on", "-o", "json") == Exit.USER_ERROR
    error = json.loads(data.getvalue())["error"]
    assert error["exitCode"] == 1
    assert "YAML reads" in error["errors"][0]["what"]


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from deploycharts.cli import create_new_service as c\n"
        "c.command.main(['--help'], standalone_mode=False)\n"
        "heavy = {'cookiecutter', 'questionary', 'yaml', 'jsonschema_rs', 'lightkube', 'ruamel'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    said = process.run([sys.executable, "-c", program], cwd=ROOT).out
    assert said.splitlines()[-1] == "[]"
