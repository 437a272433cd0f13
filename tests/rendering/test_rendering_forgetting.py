"""What is kept for a user does not stay for ever."""

from __future__ import annotations

import os
from pathlib import Path

from deploycharts.rendering.cache import forget_unused

DAY_S = 86_400.0


def test_what_nobody_touched_for_a_month_is_forgotten(tmp_path: Path) -> None:
    for name, days in (("recent", 29), ("old", 31)):
        (tmp_path / name / "chart").mkdir(parents=True)
        os.utime(tmp_path / name, (0.0, -days * DAY_S))

    forget_unused(tmp_path, now=0.0)

    assert [each.name for each in tmp_path.iterdir()] == ["recent"]


def test_a_folder_that_is_not_there_does_no_harm(tmp_path: Path) -> None:
    forget_unused(tmp_path / "missing")
