"""Failures, secrets, ranges and exactness of a review."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from deploycharts.changes.apply import apply
from deploycharts.changes.fold import unfold
from deploycharts.changes.model import Op
from deploycharts.documents import Json
from deploycharts.errors import UnknownName
from deploycharts.report.jsonform import changes_json, folds_from_json
from deploycharts.review.model import Review, When
from deploycharts.review.verdict import verdict
from tests.review.review_builders import SERVICES, Repo, changes

pytestmark = pytest.mark.slow


def failures(found: Review) -> dict[str, When]:
    return {each.who: each.when for each in found.failures}


def test_a_failing_render_is_shown_and_the_rest_goes_on(repo: Repo) -> None:
    repo.service("second")
    repo.chart("other")
    repo.service("third", chart="other")
    repo.commit()
    repo.edit("charts/web/templates/deployment.yaml", "kind: Dep", '{{ fail "no!" }}kind: Dep')
    repo.edit(f"{SERVICES}/third/values.yaml", "replicas: 2", "replicas: 3")

    found = repo.review()

    assert failures(found)["eqiad second/main"] is When.NOW
    assert failures(found)["chart web with defaults"] is When.NOW
    where = {str(each.error.where) for each in found.failures}
    assert where == {"charts/web/templates/deployment.yaml:2"}
    assert {line.split(":")[0] for line in changes(found)} == {
        f"{environment} third/main" for environment in ("codfw", "eqiad", "staging")
    }
    assert "7 FAIL" in verdict(found)[2]


def test_a_broken_state_file_is_dropped_and_the_rest_goes_on(repo: Repo) -> None:
    repo.service("second")
    repo.commit()
    state = f"{SERVICES}/second/helmfile.yaml.gotmpl"
    repo.write(state, (repo.root / state).read_text() + '{{ fail "not today" }}\n')
    repo.edit(f"{SERVICES}/web/values.yaml", "replicas: 2", "replicas: 3")

    found = repo.review()

    assert failures(found) == {
        f"{environment} second": When.NOW for environment in ("codfw", "eqiad", "staging")
    }
    assert "not today" in found.failures[0].error.why
    assert str(found.failures[0].error.where) == f"{state}:6"
    assert len(changes(found)) == 3


def test_a_layer_that_is_no_yaml_is_named_with_its_line(repo: Repo) -> None:
    repo.write(f"{SERVICES}/web/values.yaml", "name: web\nreplicas: [1\n")

    found = repo.review()

    assert {str(each.error.where).partition(":")[0] for each in found.failures} == {
        f"{SERVICES}/web/values.yaml"
    }


def test_a_release_that_moves_to_another_namespace_is_created_there_and_stays_here(
    repo: Repo,
) -> None:
    state = f"{SERVICES}/web/helmfile.yaml.gotmpl"
    repo.edit(state, '"name" "web"', '"name" "web" "namespace" "web-new"')

    found = repo.review()

    told = {str(each) for each in found.consequences}
    (moved,) = [each for each in told if each.startswith("moves to the namespace web-new")]
    assert "what is in web stays, with 2 pods: " in moved
    assert any(each.startswith("creates Deployment/") for each in told)
    assert "recreates" not in " ".join(told)
    assert "removes" not in " ".join(told)
    assert {each.op for fold in found.folds for each in [fold.change]} == {Op.ADD}


def test_what_failed_before_and_works_now_is_said(repo: Repo) -> None:
    repo.edit("charts/web/templates/deployment.yaml", "kind: Dep", '{{ fail "no!" }}kind: Dep')
    repo.commit()
    repo.edit("charts/web/templates/deployment.yaml", '{{ fail "no!" }}', "")

    found = repo.review()

    assert set(failures(found).values()) == {When.BEFORE}
    assert not any(each.is_open for each in found.failures)


def test_hooks_do_not_run_and_do_not_hinder(repo: Repo) -> None:
    mark = repo.root.parent / "ran"
    repo.hand_written(
        "plain",
        "bases: [../../environments.yaml]\n---\nreleases:\n  - name: main\n"
        "    namespace: plain\n    chart: ../../../charts/web\n    values: [values.yaml]\n"
        f"    hooks: [{{events: [prepare], command: touch, args: [{mark}]}}]\n",
    )
    repo.values("plain", {"replicas": 1})
    repo.commit()
    repo.values("plain", {"replicas": 2})

    assert len(changes(repo.review())) == 3
    assert not mark.exists()


def test_dummy_values_stand_in_for_secrets_that_are_not_here(repo: Repo) -> None:
    repo.edit(
        "helmfile.d/environments.yaml",
        "private: helmfile.d/services/{service}/private.example.yaml",
        "private: /nowhere/{environment}/{service}.yaml",
    )
    repo.write(f"{SERVICES}/web/private.example.yaml", "token: dummy-token-1\n")
    repo.commit()
    repo.write(f"{SERVICES}/web/private.example.yaml", "token: dummy-token-2\n")

    found = repo.review()

    assert len(changes(found)) == 3
    assert "dummy-token" not in str(changes(found))


def test_secrets_of_this_machine_reach_neither_report_nor_cache(repo: Repo, tmp_path: Path) -> None:
    secret = tmp_path / "secrets" / "web.yaml"
    secret.parent.mkdir()
    secret.write_text("token: correct-horse-battery\n")
    state = (
        "bases: [../../environments.yaml]\n---\nreleases:\n  - name: main\n    namespace: p\n"
        f"    chart: ../../../charts/web\n    values: [values.yaml, {secret}]\n"
    )
    repo.hand_written("plain", state)
    repo.values("plain", {"env": {"A": "1"}})
    repo.commit()
    repo.values("plain", {"env": {"A": "correct-horse-battery"}})

    found = repo.review()

    text = json.dumps(changes_json(found.folds, found.consequences)) + str(changes(found))
    assert len(changes(found)) == 3
    assert "correct-horse" not in text
    stored = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert stored
    assert not any(b"correct-horse" in file.read_bytes() for file in stored)
    assert not any(b"Y29ycmVjdC1ob3JzZS" in file.read_bytes() for file in stored)


def test_the_cache_is_private_and_may_be_deleted(repo: Repo, tmp_path: Path) -> None:
    repo.edit(f"{SERVICES}/web/values.yaml", "replicas: 2", "replicas: 3")
    first = repo.review()
    again = repo.review()
    files = [*(tmp_path / "cache" / "answers").rglob("*")]
    modes = {file.stat().st_mode & 0o777 for file in files}

    shutil.rmtree(tmp_path / "cache")
    anew = repo.review()

    assert modes == {0o700, 0o600}
    assert changes(first) == changes(again) == changes(anew)


@pytest.mark.parametrize(
    ("words", "replicas"),
    [("HEAD~1..HEAD", "3 -> 4"), ("HEAD~2", "2 -> 5"), ("HEAD~2..HEAD", "2 -> 4"),
     ("HEAD..HEAD~1", "4 -> 3"), ("side...HEAD", "2 -> 4")],
)  # fmt: skip
def test_ranges_mean_what_they_mean_to_git(repo: Repo, words: str, replicas: str) -> None:
    repo.git("branch", "side")
    repo.git("switch", "-q", "side")
    repo.edit(f"{SERVICES}/web/values.yaml", "name: web", "name: aside")
    repo.commit()
    repo.git("switch", "-q", "main")
    for old, new in ((2, 3), (3, 4)):
        repo.edit(f"{SERVICES}/web/values.yaml", f"replicas: {old}", f"replicas: {new}")
        repo.commit()
    repo.edit(f"{SERVICES}/web/values.yaml", "replicas: 4", "replicas: 5")

    assert {line.partition(" spec.replicas ")[2] for line in changes(repo.review(words))} == {
        replicas
    }


def test_by_default_other_peoples_commits_do_not_show(repo: Repo) -> None:
    repo.git("switch", "-q", "-c", "topic")
    repo.edit(f"{SERVICES}/web/values.yaml", "replicas: 2", "replicas: 3")
    repo.commit()
    repo.git("switch", "-q", "main")
    repo.edit("charts/web/values.yaml", "tag: '1.0'", "tag: '2.0'")
    repo.commit()
    repo.git("switch", "-q", "topic")

    assert {line.partition(": ")[2] for line in changes(repo.review())} == {
        "Deployment spec.replicas 2 -> 3"
    }


def test_an_unknown_revision_is_a_users_error(repo: Repo) -> None:
    with pytest.raises(UnknownName, match="mian"):
        repo.review("mian")


def test_the_json_of_a_review_rebuilds_the_head(repo: Repo) -> None:
    for number in range(4):
        repo.service(f"s{number}")
    repo.write("charts/web/fixtures/many.yaml", "replicas: 9\nenv: {A: '1', B: '2'}\n")
    repo.commit()
    repo.edit("charts/web/templates/deployment.yaml", "name: first", "name: second")
    repo.edit("charts/web/Chart.yaml", "1.0.0", "1.1.0")
    repo.edit(f"{SERVICES}/s1/values.yaml", "replicas: 2", "replicas: 3")

    found = repo.review()
    document: dict[str, Json] = json.loads(json.dumps(changes_json(found.folds)))

    back = {each.target: each for each in unfold(folds_from_json(document))}
    for each in found.differences:
        applied = {str(body): 1 for body in apply(back[each.unit.target], each.base)}
        assert applied == {str(document.body): 1 for document in each.head}


def test_each_change_names_the_line_that_made_it(repo: Repo) -> None:
    repo.service("second")
    repo.commit()
    repo.edit("charts/web/templates/deployment.yaml", "name: first", "name: second")
    repo.edit(f"{SERVICES}/second/values.yaml", "replicas: 2", "replicas: 3")

    found = repo.review()

    told = {
        str(source)
        for each in found.folds
        if each.fact is None and each.cause
        for source in each.cause.sources
    }
    assert told == {"charts/web/templates/deployment.yaml:12", f"{SERVICES}/second/values.yaml:2"}


UPGRADING = """\
{{- if .Release.IsUpgrade }}
apiVersion: v1
kind: ConfigMap
metadata: {name: upgrading}
data: {word: first}
{{- end }}
"""


def test_what_runs_is_reviewed_as_an_upgrade_and_what_is_new_as_an_install(repo: Repo) -> None:
    repo.write("charts/web/templates/more.yaml", UPGRADING)
    repo.commit()
    repo.edit("charts/web/templates/more.yaml", "first", "second")
    repo.service("another")

    found = repo.review()

    seen = changes(found)
    assert "eqiad web/main: ConfigMap data.word first -> second" in seen
    assert not [line for line in seen if "another/main: ConfigMap" in line]
