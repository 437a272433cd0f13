"""environments.yaml is read strictly, and its mistakes are told with their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploycharts.errors import Problems, UnknownName, UserError
from deploycharts.registry import environments
from deploycharts.registry.repository import Repository, discover
from tests.services import ROOT


def _repository(root: Path, text: str | None = None) -> Repository:
    folder = root / "helmfile.d"
    folder.mkdir()
    declared = (ROOT / "helmfile.d" / "environments.yaml").read_text()
    (folder / "environments.yaml").write_text(declared if text is None else text)
    return Repository(root)


def test_production_means_all_of_its_kind_with_the_primary_last(tmp_path: Path) -> None:
    repository = _repository(tmp_path)

    assert [e.name for e in repository.environments] == ["staging", "codfw", "eqiad"]
    assert [e.name for e in repository.select("production")] == ["codfw", "eqiad"]
    assert repository.environments[-1].primary


def test_credentials_are_named_by_service_and_environment(tmp_path: Path) -> None:
    repository = _repository(tmp_path)

    path = repository.environment("codfw").kubeconfig_of("echo")

    assert path == tmp_path / ".sandbox" / "credentials" / "codfw" / "echo.kubeconfig"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("order: 1", "order: 0", "have the same order 0"),
        ("order: 1", "order: first", "order is 'first', not a int"),
        ("  codfw:", "  production:", "cannot be called production"),
        ("        timeoutSeconds: 300\n", "", "does not say: timeoutSeconds"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    declared = (ROOT / "helmfile.d" / "environments.yaml").read_text()
    repository = _repository(tmp_path, declared.replace(old, new, 1))

    with pytest.raises(Problems) as raised:
        _ = repository.environments

    (error, *_) = raised.value.errors
    assert told in error.what
    assert str(error.where).startswith("helmfile.d/environments.yaml:")


def test_a_file_without_environments_is_refused(tmp_path: Path) -> None:
    _repository(tmp_path, "releases: []\n")

    with pytest.raises(UserError, match="no environments are declared"):
        environments.read(tmp_path)


def test_the_repository_is_found_from_any_folder_in_it(tmp_path: Path) -> None:
    _repository(tmp_path)
    deep = tmp_path / "helmfile.d" / "services" / "x"
    deep.mkdir(parents=True)

    assert discover(deep).root == tmp_path


def test_an_unknown_service_names_near_ones(tmp_path: Path) -> None:
    repository = _repository(tmp_path)
    folder = tmp_path / "helmfile.d" / "services" / "echoserver"
    folder.mkdir(parents=True)
    (folder / "helmfile.yaml.gotmpl").write_text("")

    with pytest.raises(UnknownName) as raised:
        repository.service("echosrver")

    assert "echoserver" in raised.value.why
