"""A repository for each test, and a cache that no other test fills."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.review.review_builders import Repo


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    monkeypatch.setenv("DEPLOYCHARTS_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "repository"
    root.mkdir()
    return Repo(root)
