"""Charts catch up with their templates; nothing that an owner wrote is lost."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploycharts.errors import Exit
from deploycharts.scaffold import apply, build, merge
from deploycharts.scaffold import update as updating
from deploycharts.scaffold.tree import Tree
from tests.scaffold.scaffold_builders import (
    ROOT,
    answers,
    commit_all,
    create,
    facts,
    files,
    git,
    killed_at,
    repository,
)

pytestmark = pytest.mark.slow

PROJECT = "<@cookiecutter.name@>"
DEPLOYMENT = f"running/{PROJECT}/chart/templates/deployment.yaml"


def improve(templates: Path) -> None:
    """Make the next version of the templates: lines changed, added and dropped, files too."""
    (templates / "version").write_text("2.0.0\n")
    change(templates / DEPLOYMENT, "revisionHistoryLimit: 5", "revisionHistoryLimit: 7")
    change(templates / DEPLOYMENT, "      maxSurge: 25%\n", "      maxSurge: 50%\n")
    change(templates / DEPLOYMENT, "      enableServiceLinks: false\n", "")
    service = templates / f"service/{PROJECT}/chart/templates/service.yaml"
    change(service, "spec:\n", "spec:\n  internalTrafficPolicy: Cluster\n")
    for name in ("autoscaling.yaml",):
        (templates / f"running/{PROJECT}/chart/fixtures/{name}").unlink()
    new = templates / f"shared/{PROJECT}/chart/fixtures/new.yaml"
    new.write_text("replicas: 1\n")
    values = templates / "service/parts/values.yaml"
    change(values, "  timeoutSeconds: 5\n", "  timeoutSeconds: 6\n")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, (path, old)
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one service, committed together with its templates."""
    root = tmp_path_factory.mktemp("pristine")
    repository(root)
    chosen = answers(facts(root), env={"A": "b"})
    apply.apply(apply.plan(root, build.build(root / "chart-templates", chosen)))
    commit_all(root)
    return root


def test_the_services_of_this_repository_are_up_to_date(talk: io.StringIO) -> None:
    assert updating.check(ROOT) == Exit.DONE


def test_fresh_charts_are_up_to_date(made: Path) -> None:
    assert create("--check") == Exit.DONE
    assert create("--update", "demo") == Exit.DONE
    assert git(made, "status", "--porcelain") == ""


@pytest.mark.usefixtures("unverified")
def test_check_lists_what_is_behind(made: Path, data: io.StringIO) -> None:
    improve(made / "chart-templates")
    assert create("--check") == Exit.CHECK_FAILED
    assert data.getvalue().startswith("demo: made by service 1.")
    assert create("--update", "demo") == Exit.DONE
    assert create("--check") == Exit.DONE


def test_a_template_of_another_kind_leaves_a_chart_up_to_date(made: Path) -> None:
    probes = made / "chart-templates/worker/parts/probes.yaml"
    probes.write_text(probes.read_text() + "          # more\n")
    assert create("--check") == Exit.DONE


def test_the_owners_edits_and_the_templates_are_merged(made: Path, talk: io.StringIO) -> None:
    chart = made / "charts/demo"
    change(
        chart / "templates/deployment.yaml", "        - name: app\n", "        - name: app # me\n"
    )
    (made / "helmfile.d/services/demo/values.yaml").write_text(
        (made / "helmfile.d/services/demo/values.yaml").read_text().replace("1.0.0", "9.9.9")
    )
    (chart / "fixtures/canary.yaml").unlink()
    (chart / "templates/extra.yaml").write_text("# mine\n")
    improve(made / "chart-templates")
    assert create("--update", "demo") == Exit.DONE
    deployment = (chart / "templates/deployment.yaml").read_text()
    assert "- name: app # me" in deployment
    assert "revisionHistoryLimit: 7" in deployment
    assert "enableServiceLinks" not in deployment
    assert "9.9.9" in (made / "helmfile.d/services/demo/values.yaml").read_text()
    assert (chart / "templates/extra.yaml").read_text() == "# mine\n"
    assert "version: 0.1.1" in (chart / "Chart.yaml").read_text()
    said = talk.getvalue()
    for fate in ("merged", "updated", "added", "dropped", "owner-deleted"):
        assert f"  {fate} " in said, fate
    assert not (chart / "fixtures/canary.yaml").exists()
    assert not (chart / "fixtures/autoscaling.yaml").exists()
    assert (chart / "fixtures/new.yaml").exists()


def test_a_conflict_keeps_both_sides_and_says_where(made: Path, talk: io.StringIO) -> None:
    path = made / "charts/demo/templates/deployment.yaml"
    change(path, "revisionHistoryLimit: 5", "revisionHistoryLimit: 99")
    improve(made / "chart-templates")
    assert create("--update", "demo") == Exit.CHECK_FAILED
    text = path.read_text()
    assert "revisionHistoryLimit: 99" in text
    assert "revisionHistoryLimit: 7" in text
    assert "<<<<<<<" in text
    assert "conflict      charts/demo/templates/deployment.yaml" in talk.getvalue()


@pytest.mark.usefixtures("unverified")
def test_an_edited_file_that_the_template_dropped_stays(made: Path) -> None:
    path = made / "charts/demo/fixtures/autoscaling.yaml"
    path.write_text(path.read_text() + "# mine\n")
    improve(made / "chart-templates")
    assert create("--update", "demo") == Exit.DONE
    assert path.read_text().endswith("# mine\n")


def test_a_feature_is_turned_on_later(made: Path) -> None:
    change(made / "charts/demo/templates/deployment.yaml", "- name: app\n", "- name: app # me\n")
    commit_all(made)
    assert create("--update", "demo", "--set", "tls=true", "--set", "ingress=true") == Exit.DONE
    assert (made / "charts/demo/templates/httproute.yaml").is_file()
    deployment = (made / "charts/demo/templates/deployment.yaml").read_text()
    assert "tls.container" in deployment
    assert "- name: app # me" in deployment
    assert create("--check") == Exit.DONE
    assert create("--update", "demo", "--set", "tls=false", "--set", "ingress=false") == Exit.DONE
    assert not (made / "charts/demo/templates/httproute.yaml").exists()


@pytest.mark.parametrize("setting", ["name=other", "kind=worker", "prot=1", "port=abc"])
def test_what_cannot_change_is_refused_and_nothing_is_written(made: Path, setting: str) -> None:
    assert create("--update", "demo", "--set", setting) == Exit.USER_ERROR
    assert git(made, "status", "--porcelain") == ""


def test_an_edit_that_would_not_render_stops_the_update(made: Path, talk: io.StringIO) -> None:
    change(made / "charts/demo/templates/configmap.yaml", "kind: ConfigMap", "kind: {{ .Broken")
    commit_all(made)
    improve(made / "chart-templates")
    before = {path: (made / path).read_text() for path in files(made)}
    assert create("--update", "demo") == Exit.USER_ERROR
    assert "would not be sound" in talk.getvalue()
    assert {path: (made / path).read_text() for path in files(made)} == before


@pytest.mark.usefixtures("unverified")
def test_templates_that_git_does_not_have(root: Path, talk: io.StringIO) -> None:
    assert create("demo") == Exit.DONE
    improve(root / "chart-templates")
    commit_all(root)
    assert create("--update", "demo") == Exit.USER_ERROR
    assert "are not in git's history" in talk.getvalue()


@pytest.mark.usefixtures("unverified")
def test_a_dry_run_writes_nothing(made: Path, talk: io.StringIO) -> None:
    improve(made / "chart-templates")
    commit_all(made)
    assert create("--update", "--all", "--dry-run") == Exit.DONE
    assert "+  revisionHistoryLimit: 7" in talk.getvalue()
    assert git(made, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--update"], Exit.USAGE),
        (["--update", "demo", "--all"], Exit.USAGE),
        (["--update", "--check"], Exit.USAGE),
        (["--update", "demo", "--like", "demo"], Exit.USAGE),
        (["--update", "dmeo"], Exit.UNKNOWN_NAME),
    ],
)
def test_wrong_usage(made: Path, words: list[str], code: Exit) -> None:
    assert create(*words) == code
    assert git(made, "status", "--porcelain") == ""


def test_a_no_at_the_question_leaves_everything_as_it_was(made: Path) -> None:
    improve(made / "chart-templates")
    commit_all(made)
    said_no = updating.update(made, "demo", [], confirm=lambda _question: False)
    assert said_no == Exit.INTERRUPTED
    assert git(made, "status", "--porcelain") == ""


def test_services_on_one_chart_follow_it(made: Path) -> None:
    assert create("second", "--chart", "demo") == Exit.DONE
    commit_all(made)
    assert create("--update", "demo", "--set", "tls=true") == Exit.DONE
    assert create("--check") == Exit.CHECK_FAILED
    assert create("--update", "second") == Exit.DONE
    assert create("--check") == Exit.DONE
    assert "tls:" in (made / "helmfile.d/services/second/values.yaml").read_text()


@pytest.mark.usefixtures("unverified")
def test_killed_in_the_middle_the_next_run_finishes(made: Path) -> None:
    change(made / "charts/demo/templates/deployment.yaml", "- name: app\n", "- name: app # me\n")
    improve(made / "chart-templates")
    commit_all(made)
    for number in count(1):
        git(made, "checkout", "--quiet", "--", ".")
        was_killed = killed_at(number, lambda: create("--update", "demo"), {"os.rename"})
        apply.recover(made)
        deployment = (made / "charts/demo/templates/deployment.yaml").read_text()
        assert "- name: app # me" in deployment
        is_updated = "version: 2.0.0" in (made / "charts/demo/.scaffold.yaml").read_text()
        assert is_updated == ("revisionHistoryLimit: 7" in deployment)
        if not was_killed:
            break
    assert is_updated
    assert number > 5


@cache
def versions() -> tuple[Tree, Tree]:
    """The files of a service with much in it, by two versions of the templates."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        repository(root)
        chosen = answers(facts(root), tls=True, ingress=True, telemetry=True, cronjobs=True)
        base = build.build(root / "chart-templates", chosen)
        improve(root / "chart-templates")
        return base, build.build(root / "chart-templates", chosen)


def edited(text: str, every: int, offset: int, how: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(keepends=True)):
        is_mine = number % every == offset % every
        if is_mine and how == "change":
            yield f"{line.rstrip(chr(10))} # the owner's {number}\n"
            continue
        if is_mine and how == "before":
            yield f"# the owner's {number}\n"
        yield line
        if is_mine and how == "after":
            yield f"# the owner's {number}\n"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(1, 12), st.integers(0, 11), st.sampled_from(["change", "before", "after"]))
def test_no_line_of_the_owners_is_lost(every: int, offset: int, how: str) -> None:
    base, theirs = versions()
    for path in base.keys() | theirs.keys():
        if path not in base:
            continue
        mine = "".join(edited(base[path], every, offset, how))
        merged = merge.merge(base[path], mine, theirs.get(path), merge.git_merge_file)
        kept = set((merged.text or "").splitlines())
        own = [line for line in mine.splitlines() if "# the owner's" in line]
        assert set(own) <= kept, path
