"""scripts/setup takes a helm that is on PATH, if it is one that can be driven."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.services import PROGRAMS, ROOT
from tests.standins import program

pytestmark = pytest.mark.slow

_SAYS = """#!/bin/sh
[ "$*" = "version --template {{{{.Version}}}}" ] && printf {version} && exit
[ "$*" = "version --output short" ] && echo {version} && exit
echo 'version.BuildInfo{{Version:"{version}", GoVersion:"go1.26.8"}}'
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that is not set up, beside a cache in which everything is built."""
    root, cache = tmp_path / "checkout", tmp_path / "cache"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    (root / "deploycharts").mkdir(parents=True)
    (root / "deploycharts" / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copy(ROOT / "README.md", root)
    cache.mkdir()
    (cache / "toolchain").symlink_to((PROGRAMS / "etcd").readlink().parents[1])
    (cache / "python").symlink_to(_shared_python())
    return root


@pytest.mark.parametrize(
    ("helm", "helmfile", "taken"),
    [
        ("v3.22", "v1.1.0", {"helm", "helmfile"}),  # without stamps, and older than helm 4
        ("v4.2.1", "v1.2.0", {"helm", "helmfile"}),
        ("v4.2.1", "v1.1.9", {"helm"}),
        ("v3.17.4", "v1.8.0", {"helmfile"}),
        ("v5.0.0", "v2.0.0", set()),
        ("(devel)", "dev", set()),
    ],
)
def test_programs_on_path_are_taken_by_the_version_that_they_give_for_themselves(
    tmp_path: Path, checkout: Path, helm: str, helmfile: str, taken: set[str]
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    found = {
        name: program(folder / name, _SAYS, version=version)
        for name, version in (("helm", helm), ("helmfile", helmfile))
    }

    done = _run(checkout, [folder, _no_go(tmp_path)])

    links = {name: _link(checkout / ".venv/bin" / name) for name in found}
    assert {name for name, path in found.items() if links[name] == path} == taken, done.stderr
    if "helmfile" in taken:  # else it is built, which takes minutes where nobody has built it yet
        assert done.returncode == 0, done.stderr


def test_a_change_of_one_program_builds_no_other_anew(tmp_path: Path, checkout: Path) -> None:
    source = checkout / "scripts" / "toolchain" / "kubernetes" / "renderserver"
    (source / "more.go").write_text("package main\n")

    done = _run(checkout, [_no_go(tmp_path)])

    assert done.returncode != 0
    assert "too old to build renderserver" in done.stderr
    assert (checkout / ".venv/bin/kwok").exists()  # comes before it


def _link(path: Path) -> Path | None:
    return path.readlink() if path.is_symlink() else None


def _run(checkout: Path, folders: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([*map(str, folders), _path_without_ours()])
    cache = str(checkout.parent / "cache")
    return subprocess.run(
        [str(checkout / "scripts/setup")], check=False, capture_output=True, text=True,
        env={**os.environ, "DEPLOYCHARTS_CACHE": cache, "PATH": path},
    )  # fmt: skip


def _path_without_ours() -> str:
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(each for each in folders if not (Path(each) / "helm").exists())


def _no_go(folder: Path) -> Path:
    """A folder with a `go` that is too old to build anything."""
    (folder / "old").mkdir()
    program(folder / "old" / "go", "#!/bin/sh\necho go1.1\n")
    return folder / "old"


def _shared_python() -> Path:
    """Where the environments lie that checkouts share."""
    (pointer,) = PROGRAMS.parent.glob("lib/python*/site-packages/dependencies.pth")
    shared = Path(pointer.read_text().strip())
    return next(each for each in shared.parents if (each / "complete").exists()).parent
