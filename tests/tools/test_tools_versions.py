"""Versions of helm and helmfile: how they are read, which are driven, what differs between them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from deploycharts.errors import UserError
from deploycharts.tools import helm as driving
from deploycharts.tools import helmfile, programs
from deploycharts.tools.versions import Feature, Version
from tests.conftest import Place
from tests.services import PROGRAMS

LABELS = {"deployment": "d-1", "artifact": "a"}

# Says its version in the way of the real ones, in which other versions stand beside it.
_HELM = """#!/bin/sh
[ "$*" = "version --template {{.Version}}" ] && printf %s 'VERSION' && exit
echo 'version.BuildInfo{Version:"VERSION", GitCommit:"", GoVersion:"go1.26.8"}'
"""
_HELMFILE = """#!/bin/sh
[ "$*" = "version --output short" ] && echo 'VERSION' && exit
printf '  Version              VERSION\\n  Go version           1.26.8\\n'
"""

Pose = Callable[..., None]


@pytest.fixture
def pose(tmp_path: Path, place: Place) -> Pose:
    """Puts programs of given versions in the place of helm and helmfile."""

    def put(*, helm: str = "v4.2.4", helmfile: str = "v1.8.0") -> None:
        for name, text, version in (("helm", _HELM, helm), ("helmfile", _HELMFILE, helmfile)):
            path = tmp_path / f"{name}-{version}"
            path.write_text(text.replace("VERSION", version))
            path.chmod(0o700)
            place(name, path)

    return put


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.22", Version(3, 22, 0)),
        ("v3.18.6\n", Version(3, 18, 6)),
        ("v3.18.6+gb76a950", Version(3, 18, 6)),
        ("v4.0.0-rc.1", Version(4, 0, 0)),
        ("1.8.0", Version(1, 8, 0)),
        ("go1.26.8", None),
        ("(devel)", None),
        ("", None),
    ],
)
def test_a_version_is_read_from_the_forms_that_programs_use(
    text: str, version: Version | None
) -> None:
    assert Version.parse(text) == version


def test_a_helm_that_was_built_without_stamps_is_not_called_by_the_version_of_go(
    pose: Pose,
) -> None:
    pose(helm="v3.22")

    assert programs.version("helm") == Version(3, 22, 0)
    assert programs.version("helm") == Version(3, 22, 0)  # as remembered


@pytest.mark.parametrize(
    ("versions", "refusal"),
    [
        ({"helm": "v3.17.4"}, "helm 3.17.4 is too old: 3.18.0 or newer is needed"),
        ({"helm": "v5.0.0"}, "helm 5.0.0 is not supported: 3.18.0 to 4.x are"),
        ({"helmfile": "v0.171.0"}, "helmfile 0.171.0 is too old: 1.1.0 or newer is needed"),
        ({"helmfile": "v2.0.0"}, "helmfile 2.0.0 is not supported: 1.1.0 to 1.x are"),
        ({"helmfile": "v1.1.9"}, "helmfile 1.1.9 does not know helm 4"),
        ({"helm": "(devel)"}, "does not say its version"),
        ({"helmfile": "dev"}, "does not say its version"),
    ],
)
def test_versions_that_cannot_be_driven_are_refused_with_what_to_do(
    pose: Pose, tmp_path: Path, versions: dict[str, str], refusal: str
) -> None:
    pose(**versions)

    with pytest.raises(UserError, match=refusal.replace(".", r"\.")) as error:
        helmfile.recording(tmp_path)

    variable = f"DEPLOYCHARTS_{next(iter(versions)).upper()}"
    assert "scripts/setup" in error.value.next_step
    assert variable in error.value.next_step


@pytest.mark.parametrize(
    ("helm", "oldest"), [("v3.18.0", "v1.1.0"), ("v3.22", "v1.1.0"), ("v4.0.0", "v1.2.0")]
)
def test_the_oldest_versions_are_accepted(
    pose: Pose, tmp_path: Path, helm: str, oldest: str
) -> None:
    pose(helm=helm, helmfile=oldest)

    helmfile.recording(tmp_path)


def test_an_upgrade_gets_only_what_this_helm_knows(pose: Pose) -> None:
    said = ("--description", "why so", "--labels", "artifact=a,deployment=d-1")

    pose(helm="v3.22.0", helmfile="v1.8.0")
    assert driving.upgrade_flags("why so", LABELS, take_over=True) == said
    pose(helm="v4.2.4", helmfile="v1.4.2")
    assert driving.upgrade_flags("why so", LABELS, take_over=False) == said
    assert driving.upgrade_flags("why so", LABELS, take_over=True) == (*said, "--force-conflicts")


def test_helm_4_waits_in_the_old_way_where_helmfile_cannot_ask_it_to(
    pose: Pose, tmp_path: Path
) -> None:
    ways = {
        ("v4.2.4", "v1.4.2"): ("helm-legacy", False),
        ("v4.2.4", "v1.4.1"): ("none", True),
        ("v3.18.0", "v1.8.0"): ("none", False),
        ("v3.18.0", "v1.1.0"): ("none", False),
    }
    for (helm, helmfile_version), (track_mode, legacy) in ways.items():
        pose(helm=helm, helmfile=helmfile_version)
        flags = driving.upgrade_flags("", LABELS, take_over=False)
        assert ("--wait=legacy" in flags) == legacy
        environment = helmfile.quiet_environment(tmp_path)
        assert environment["DEPLOYCHARTS_TRACK_MODE"] == track_mode


def test_each_feature_is_of_a_program_whose_version_is_read() -> None:
    for feature in Feature:
        assert feature.program in {"helm", "helmfile"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("helm-3.18", Version(3, 18, 0)),
        ("helm-3.22", Version(3, 22, 0)),
        ("helm-3.22-unstamped", Version(3, 22, 0)),
        ("helm-4", Version(4, 2, 4)),
    ],
)
def test_real_helms_are_called_by_their_own_version(
    place: Place, name: str, version: Version
) -> None:
    place("helm", PROGRAMS / name)

    assert programs.version("helm") == version
    assert os.access(programs.supported("helm"), os.X_OK)
