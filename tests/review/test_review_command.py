"""What review-charts prints, and how it exits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.review.review_builders import SERVICES, Repo

pytestmark = pytest.mark.slow

PROGRAM = Path(sys.prefix) / "bin" / "review-charts"


def run(repo: Repo, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROGRAM), *words], cwd=repo.root, capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip


def test_a_report_in_each_form(repo: Repo) -> None:
    repo.edit(f"{SERVICES}/web/values.yaml", "replicas: 2", "replicas: 3")
    repo.edit("charts/web/templates/deployment.yaml", "example/app", "example/other")

    text = run(repo, "--exit-code")
    markdown = run(repo, "--format", "markdown")
    document = json.loads(run(repo, "--format", "json").stdout)

    assert text.returncode == 2
    assert text.stdout.startswith("3 releases of 1 service and 1 chart fixture change from main")
    assert "spec.replicas  2 → 3" in text.stdout
    assert f"← {SERVICES}/web/values.yaml:2" in text.stdout
    assert "the same changes in 1 chart fixture of 1 chart" in text.stdout
    assert max(map(len, text.stdout.splitlines())) <= 80
    assert "\x1b" not in text.stdout
    assert "| `spec.replicas` | `2 → 3` ← `" in markdown.stdout
    assert document["schemaVersion"] == 1
    assert len(document["review"]["verdict"]) == 3
    assert document["review"]["releasesChanged"] == 3


def test_an_overridden_edit_is_told_in_each_form(repo: Repo) -> None:
    repo.write(f"{SERVICES}/web/values-eqiad.yaml", "replicas: 7\n")
    repo.commit()
    repo.edit(f"{SERVICES}/web/values.yaml", "replicas: 2", "replicas: 3")

    text = run(repo).stdout
    markdown = run(repo, "--format", "markdown").stdout
    told = json.loads(run(repo, "--format", "json").stdout)["review"]["overridden"]

    assert "values-eqiad.yaml:1 overrides it" in " ".join(text.split())
    assert "values-eqiad.yaml:1 overrides it" in markdown
    assert told == [
        {
            "line": {"path": f"{SERVICES}/web/values.yaml", "line": 2},
            "by": [{"path": f"{SERVICES}/web/values-eqiad.yaml", "line": 1}],
            "targets": [{"service": "web", "environment": "eqiad", "release": "main"}],
        }
    ]


def test_nothing_to_say(repo: Repo) -> None:
    ended = run(repo, "--exit-code")

    assert ended.returncode == 0
    assert ended.stdout.startswith("nothing changes from main")


def test_what_fails_is_an_exit_code(repo: Repo) -> None:
    repo.edit("charts/web/templates/deployment.yaml", "kind: Dep", '{{ fail "no!" }}kind: Dep')

    ended = run(repo)

    assert ended.returncode == 8
    assert "eqiad web/main fails: charts/web/templates/deployment.yaml:2" in ended.stdout
    assert "no!" in ended.stdout


def test_an_unknown_revision_has_near_matches(repo: Repo) -> None:
    ended = run(repo, "mian")

    assert ended.returncode == 3
    assert "did you mean main?" in ended.stderr
