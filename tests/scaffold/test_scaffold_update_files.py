"""What an update leaves as it was: line ends, permissions, and conflicts that nobody resolved."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploycharts.errors import Exit
from deploycharts.scaffold import apply, build, lineends
from tests.scaffold.scaffold_builders import (
    answers,
    commit_all,
    create,
    facts,
    files,
    git,
    repository,
)

slow = pytest.mark.slow

PROJECT = "<@cookiecutter.name@>"
DEPLOYMENT = "charts/demo/templates/deployment.yaml"
TEMPLATE = f"chart-templates/running/{PROJECT}/chart/templates/deployment.yaml"
BASE_TEMPLATE = f"chart-templates/shared/{PROJECT}/chart/templates/_base.tpl"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one service, committed together with its templates."""
    root = tmp_path_factory.mktemp("pristine")
    repository(root)
    chosen = answers(facts(root))
    apply.apply(apply.of_tree(root, build.build(root / "chart-templates", chosen)))
    commit_all(root)
    return root


def change(path: Path, old: str, new: str) -> None:
    body = path.read_bytes().decode()
    assert old in body, (path, old)
    path.write_bytes(body.replace(old, new).encode())


def executable(path: Path) -> bool:
    return os.access(path, os.X_OK)


@slow
def test_a_chart_with_crlf_is_merged_and_keeps_its_line_ends(made: Path) -> None:
    chart = made / "charts/demo"
    change(chart / "templates/deployment.yaml", "HistoryLimit: 5", "HistoryLimit: 7 # mine")
    written = [*chart.glob("templates/*"), chart / "values.yaml", chart / "Chart.yaml"]
    written += [made / "helmfile.d/services/demo/values.yaml", chart / ".scaffold.yaml"]
    for path in (one for one in written if one.is_file()):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    change(made / TEMPLATE, "maxSurge: 25%", "maxSurge: 50%")
    change(made / BASE_TEMPLATE, "base.fullname", "base.fullname")
    assert create("--update", "demo") == Exit.DONE
    for path in (one for one in written if one.is_file()):
        body = path.read_bytes()
        assert body.count(b"\r\n") == body.count(b"\n"), path
    text = (made / DEPLOYMENT).read_text()
    assert "maxSurge: 50%" in text
    assert "HistoryLimit: 7 # mine" in text
    assert "version: 0.1.1" in (chart / "Chart.yaml").read_text()
    assert create("--check") == Exit.DONE
    assert create("--update", "demo") == Exit.DONE


@slow
@pytest.mark.usefixtures("unverified")
def test_a_conflict_in_a_file_with_crlf_is_of_the_lines_that_both_changed(made: Path) -> None:
    change(made / DEPLOYMENT, "maxSurge: 25%", "maxSurge: 33%")
    (made / DEPLOYMENT).write_bytes((made / DEPLOYMENT).read_bytes().replace(b"\n", b"\r\n"))
    change(made / TEMPLATE, "maxSurge: 25%", "maxSurge: 50%")
    assert create("--update", "demo") == Exit.CHECK_FAILED
    body = (made / DEPLOYMENT).read_bytes()
    assert body.count(b"\r\n") == body.count(b"\n")
    between = body.split(b"<<<<<<<")[1].split(b">>>>>>>")[0]
    assert between.count(b"\n") <= 7


LINES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["\n", "\r\n"])), max_size=12)


@given(LINES, st.lists(st.sampled_from("abcd"), max_size=12))
def test_line_ends_are_the_owners(owners: list[tuple[str, str]], lines: list[str]) -> None:
    mine = "".join(line + end for line, end in owners)
    wanted = "".join(f"{line}\n" for line in lines)
    found = lineends.like(wanted, mine)
    assert lineends.plain(found) == wanted
    assert lineends.like(lineends.plain(mine), mine) == mine
    ends = {end for _, end in owners}
    if len(ends) == 1 and wanted:
        assert found == wanted.replace("\n", ends.pop())


@slow
def test_executable_bits_are_merged(made: Path, talk: io.StringIO) -> None:
    check, base = made / "charts/demo/files/check.py", made / "charts/demo/templates/_base.tpl"
    kept = made / "charts/demo/values.yaml"
    check.chmod(0o750)
    kept.chmod(0o600)
    (made / BASE_TEMPLATE).chmod(0o755)
    template = made / f"chart-templates/service/{PROJECT}/chart/files/check.py"
    template.write_text(template.read_text() + "\n# A later version.\n")
    commit_all(made)
    assert create("--check") == Exit.CHECK_FAILED
    assert create("--update", "demo") == Exit.DONE
    assert check.read_text().endswith("# A later version.\n")
    assert check.stat().st_mode & 0o777 == 0o750
    assert executable(base)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "_base.tpl (now executable)" in talk.getvalue()
    assert create("--check") == Exit.DONE
    (made / BASE_TEMPLATE).chmod(0o644)
    assert create("--update", "demo") == Exit.DONE
    assert not executable(base)
    assert executable(check)


@slow
@pytest.mark.usefixtures("unverified")
def test_a_bit_that_the_owner_took_stays_gone_and_a_new_file_has_its_own(root: Path) -> None:
    template = root / f"chart-templates/service/{PROJECT}/chart/files/check.py"
    template.chmod(0o755)
    assert create("demo") == Exit.DONE
    check = root / "charts/demo/files/check.py"
    assert executable(check)
    commit_all(root)
    assert create("--check") == Exit.DONE
    check.chmod(0o644)
    template.write_text(template.read_text() + "\n# A later version.\n")
    added = root / f"chart-templates/service/{PROJECT}/chart/files/more.sh"
    added.write_text("#!/bin/sh\n")
    added.chmod(0o755)
    assert create("--update", "demo") == Exit.DONE
    assert not executable(check)
    assert executable(root / "charts/demo/files/more.sh")


@slow
@pytest.mark.usefixtures("unverified")
def test_an_unresolved_conflict_is_refused_and_named(
    made: Path, talk: io.StringIO, data: io.StringIO
) -> None:
    (made / "charts/demo/templates/poddisruptionbudget.yaml").unlink()
    change(made / DEPLOYMENT, "maxSurge: 25%", "maxSurge: 33%")
    change(made / TEMPLATE, "maxSurge: 25%", "maxSurge: 50%")
    assert create("--update", "demo") == Exit.CHECK_FAILED
    before = {path: (made / path).read_bytes() for path in files(made)}
    assert create("--check") == Exit.CHECK_FAILED
    assert f"demo: unresolved conflict: {DEPLOYMENT}:" in data.getvalue()
    for words in (["demo"], ["--all"], ["demo", "--set", "tls=true"], ["demo", "--dry-run"]):
        assert create("--update", *words) == Exit.CHECK_FAILED
        assert {path: (made / path).read_bytes() for path in files(made)} == before
    assert f"{DEPLOYMENT}:" in talk.getvalue().rpartition("unresolved")[2]
    lines = (made / DEPLOYMENT).read_text().splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if line.startswith("<<<<<<<"))
    end = next(n for n, line in enumerate(lines) if line.startswith(">>>>>>>"))
    kept = [line for line in lines[start:end] if "33%" in line]
    (made / DEPLOYMENT).write_text("".join([*lines[:start], *kept, *lines[end + 1 :]]))
    assert create("--check") == Exit.DONE
    assert create("--update", "demo") == Exit.DONE
    assert git(made, "ls-files", "--deleted").endswith("poddisruptionbudget.yaml")


@slow
@pytest.mark.parametrize("left", ["<<<<<<< the owner's", ">>>>>>> x", "||||||| base", "<<<<<<<"])
@pytest.mark.parametrize(
    "path", ["charts/demo/.scaffold.yaml", "helmfile.d/services/demo/values.yaml"]
)
def test_whatever_is_left_of_a_conflict_is_found(made: Path, left: str, path: str) -> None:
    (made / path).write_text((made / path).read_text() + f"{left}\n")
    before = {path: (made / path).read_bytes() for path in files(made)}
    assert create("--update", "demo") == Exit.CHECK_FAILED
    assert create("--check") == Exit.CHECK_FAILED
    assert {path: (made / path).read_bytes() for path in files(made)} == before
