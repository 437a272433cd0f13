"""Renders as helm will make them: as an upgrade, with its revision, on its cluster.

Only charts that ask for such things are rendered anew for them; all others give the same anyway.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.rendering.release import Release
from deploycharts.rendering.remembered import ACTION, actions_of, templates
from deploycharts.rendering.render import Rendered, render_now
from deploycharts.rendering.values import without
from deploycharts.tools import helm
from deploycharts.tools.workdir import private_folder

# Flags that say how much of a cluster a render asks.
_ALONE, _WITH_WORD = ("--validate", "--dry-run"), ("--kube-version", "--api-versions")
_REVISION = re.compile(rb"\$?\.Release\.Revision\b")


class Need(Enum):
    """What a chart asks for besides its values, and how its templates ask."""

    KIND = re.compile(rb"\.Release\.Is(Upgrade|Install)\b")
    REVISION = _REVISION
    CLUSTER = re.compile(rb"(?<![\w.$])lookup\b|\.Capabilities\b")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What helm will find when it acts.

    Attributes:
        is_upgrade: whether there is a revision already.
        revision: the number of the one that it will make.
        kubeconfig: with the credentials that it will use.
    """

    is_upgrade: bool
    revision: int
    kubeconfig: Path


def needs_of(release: Release) -> frozenset[Need]:
    """What the templates of a release's chart ask for; values that are templates count as well."""
    path = release.chart.path
    texts = [layer.content for layer in release.layers if b"{{" in layer.content]
    own = frozenset(need for need in Need for text in texts if _asks(need, text))
    return own | (_needs_of(path) if path is not None else frozenset())


def as_upgrade(release: Release) -> Release:
    """The release as an upgrade renders it, whatever its revision, on no cluster."""
    if not release.installed or Need.KIND not in needs_of(release):
        return release
    return replace(release, argv=(*release.argv, "--is-upgrade"))


def render_for(release: Release, found: Circumstances) -> Rendered:
    """The release as helm will render it in these circumstances; changes nothing.

    Where the cluster cannot answer, such as for want of rights, it is rendered without it.

    Raises:
        UserError: the chart does not render.
    """
    needs = needs_of(release)
    words = ["--is-upgrade"] if found.is_upgrade else []
    with private_folder("circumstances") as workdir:
        if Need.REVISION in needs and found.revision > 1:
            release = _with_revision(release, found.revision, workdir)
        plain = replace(release, argv=(*release.argv, *words))
        if Need.CLUSTER not in needs:
            return render_now(plain)
        argv = without(plain.argv, _ALONE, with_word=_WITH_WORD)
        asking = (*argv, *helm.asking_cluster(found.kubeconfig))
        try:
            return render_now(replace(plain, argv=asking))
        except UserError:
            return render_now(plain)


def _asks(need: Need, text: bytes) -> bool:
    return any(need.value.search(action) for action in ACTION.findall(text))


@lru_cache(maxsize=1024)
def _needs_of(chart: Path) -> frozenset[Need]:
    actions = actions_of(chart)
    return frozenset(need for need in Need if any(map(need.value.search, actions)))


def _with_revision(release: Release, revision: int, workdir: Path) -> Release:
    """The release with a chart that has the number in its templates: `helm template` says 1."""
    path = release.chart.path
    if path is None:
        return release
    copy = workdir / path.name
    shutil.copytree(path, copy)
    number = str(revision).encode()
    for file in templates(copy):
        file.write_bytes(_numbered(file.read_bytes(), number))
    layers = tuple(
        replace(layer, content=_numbered(layer.content, number)) for layer in release.layers
    )
    argv = tuple(str(copy) if word == release.chart.reference else word for word in release.argv)
    return replace(release, argv=argv, layers=layers)


def _numbered(text: bytes, number: bytes) -> bytes:
    return ACTION.sub(lambda action: _REVISION.sub(number, action[0]), text)
