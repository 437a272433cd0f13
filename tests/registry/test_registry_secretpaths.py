"""Which files hold secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploycharts.registry.secretpaths import is_secret

TOP = Path("/home/ada/private/charts")


@pytest.mark.parametrize(
    "path",
    [
        "helmfile.d/services/echo/private.yaml",
        "helmfile.d/services/echo/private-staging.yaml",
        "private/echo/staging.yaml",
        "secrets/echo.yaml",
        "/srv/private/echo.yaml",
    ],
)
def test_names_that_are_declared_are_secret(path: str) -> None:
    assert is_secret(TOP / path, TOP)


@pytest.mark.parametrize(
    "path", ["helmfile.d/services/echo/values.yaml", "helmfile.d/defaults/staging.yaml"]
)
def test_where_the_repository_lies_does_not_count(path: str) -> None:
    assert not is_secret(TOP / path, TOP)
    assert not is_secret(Path("/home/ada/private/defaults.yaml"), TOP)


def test_a_pattern_with_a_slash_is_of_the_path_from_the_top() -> None:
    patterns = ["helmfile.d/services/*/tokens.yaml", "vault/"]

    assert is_secret(TOP / "helmfile.d/services/echo/tokens.yaml", TOP, patterns)
    assert is_secret(TOP / "vault/echo.yaml", TOP, patterns)
    assert not is_secret(TOP / "charts/echo/tokens.yaml", TOP, patterns)
    assert not is_secret(TOP / "private/echo.yaml", TOP, patterns)


def test_a_link_counts_by_its_own_name_and_by_that_of_its_goal(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "echo").touch()
    (tmp_path / "plain").touch()
    (tmp_path / "values.yaml").symlink_to("secrets/echo")
    (tmp_path / "private.yaml").symlink_to("plain")

    assert is_secret(tmp_path / "values.yaml", tmp_path)
    assert is_secret(tmp_path / "private.yaml", tmp_path)
    assert not is_secret(tmp_path / "plain", tmp_path)
