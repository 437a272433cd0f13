"""Files appear together or not at all, whenever the process is killed."""

from __future__ import annotations

from functools import partial
from itertools import count
from pathlib import Path

import pytest

from deploycharts.errors import UserError
from deploycharts.scaffold import apply
from tests.scaffold.scaffold_builders import killed_at

pytestmark = pytest.mark.slow

OLD = {"a/one": "1\n", "a/gone": "x\n"}
NEW = {"a/one": "2\n", "a/gone": None, "b/c/two": "new\n", "top": "new\n"}
AFTER = {"a/one": "2\n", "b/c/two": "new\n", "top": "new\n"}


def lay(root: Path) -> None:
    for path, text in OLD.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def write(root: Path) -> None:
    apply.apply(apply.plan(root, NEW))


def found(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in root.rglob("*")
        if path.is_file() and apply.FOLDER not in path.parts
    }


def test_killed_at_any_file_operation_the_next_run_finishes_or_undoes(tmp_path: Path) -> None:
    outcomes = set()
    for number in count(1):
        root = tmp_path / str(number)
        lay(root)
        was_killed = killed_at(number, partial(write, root))
        finished = apply.recover(root)
        state = found(root)
        assert state in (OLD, AFTER), number
        if finished:
            assert state == AFTER
        assert not (root / apply.FOLDER).exists()
        outcomes.add(state == AFTER)
        if not was_killed:
            break
    assert number > 20
    assert outcomes == {True, False}


def test_killed_while_finishing_the_run_after_that_finishes(tmp_path: Path) -> None:
    for number in count(1):
        root = tmp_path / str(number)
        lay(root)
        assert killed_at(14, partial(write, root))
        was_killed = killed_at(number, partial(apply.recover, root))
        apply.recover(root)
        assert found(root) in (OLD, AFTER)
        if not was_killed:
            break


def test_a_file_that_somebody_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    lay(tmp_path)
    plan = apply.plan(tmp_path, NEW)
    (tmp_path / "a/one").write_text("theirs\n")
    with pytest.raises(UserError, match="changed it in the meantime"):
        apply.apply(plan)
    assert found(tmp_path) == {**OLD, "a/one": "theirs\n"}


def test_an_interrupted_run_does_not_overwrite_later_edits(tmp_path: Path) -> None:
    for number in count(1):
        root = tmp_path / str(number)
        lay(root)
        assert killed_at(number, partial(write, root))
        if (root / apply.FOLDER / "intent.json").exists():
            break
    (root / "a/one").write_text("theirs\n")
    with pytest.raises(UserError, match="cannot be finished"):
        apply.recover(root)
    assert (root / "a/one").read_text() == "theirs\n"


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    with pytest.raises(UserError, match="is in the way"):
        apply.plan(tmp_path, {"top": "new\n"})
