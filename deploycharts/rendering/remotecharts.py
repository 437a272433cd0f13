"""Charts from elsewhere: a chart repository or an OCI registry.

helm fetches them; then they are read as local ones are, and the copy that a plan shows is the one
that is applied. Copies are kept by their content. helm is asked each time, since a version can be
published twice.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from deploycharts import documents
from deploycharts.errors import UserError
from deploycharts.rendering.cache import forget_unused, user_folder
from deploycharts.tools import helm, plainwords
from deploycharts.tools.process import CommandFailed
from deploycharts.tools.workdir import private_folder

if TYPE_CHECKING:
    from deploycharts.rendering.release import Release

_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")
_CLOSED = ("username", "password", "certFile", "keyFile", "caFile", "skipTLSVerify", "keyring")


def with_copies(releases: Sequence[Release], build: str) -> tuple[Release, ...]:
    """The releases with copies of the charts that come from elsewhere.

    Args:
        releases: those of one state.
        build: what `helmfile build` said of it; it names the chart repositories.

    Raises:
        UserError: helm cannot fetch a chart.
    """
    far = {(each.chart.reference, each.chart.version): each for each in releases if is_far(each)}
    if not far:
        return tuple(releases)
    body = yaml.load(build, Loader=documents.HelmLoader)  # noqa: S506 (a safe loader)
    known = {str(each["name"]): each for each in body.get("repositories") or ()}
    copies = {which: _fetched(each, known) for which, each in far.items()}
    return tuple(
        _with_chart(each, copies[each.chart.reference, each.chart.version])
        if is_far(each)
        else each
        for each in releases
    )


def is_far(release: Release) -> bool:
    """Whether helm is to fetch the chart, now or at a render; helmfile itself fetches `git::…`."""
    chart = release.chart
    return release.installed and chart.path is None and chart.reference in release.argv


def _with_chart(release: Release, copy: Path) -> Release:
    chart = replace(release.chart, path=copy, is_copy=True)
    contents = [layer.content for layer in release.layers]
    return replace(
        release,
        chart=chart,
        argv=tuple(str(copy) if word == chart.reference else word for word in release.argv),
        fingerprint=helm.fingerprint(contents, helm.chart_listing(copy)),
    )


def _fetched(release: Release, known: Mapping[str, Mapping[str, Any]]) -> Path:
    words = _helm_words(release.chart.reference, known)
    with private_folder("chart") as workdir:
        try:
            helm.pull(words, version=release.chart.version, into=workdir)
        except CommandFailed as error:
            raise _not_fetched(release, words, error) from None
        try:
            return _kept(next(workdir.glob("*/Chart.yaml")).parent)
        except OSError as error:
            raise UserError(
                f"the chart {release.chart} cannot be kept",
                where=user_folder(),
                why=str(error),
                next_step="make the folder writable, or set DEPLOYCHARTS_CACHE to another",
            ) from None


def _helm_words(reference: str, known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The chart by the URL that the state names; where that wants more, as helm itself knows it.

    Credentials are helm's business (`helm repo add`, `helm registry login`): arguments show them.
    """
    name, _, chart = reference.partition("/")
    repository = known.get(name, {})
    url = str(repository.get("url") or "")
    if not url or _PASSWORD.search(url) or any(repository.get(field) for field in _CLOSED):
        return [reference]
    if repository.get("oci"):
        return [f"oci://{url.removeprefix('oci://').rstrip('/')}/{chart}"]
    return [chart, "--repo", url]


def _kept(chart: Path) -> Path:
    """The chart in this user's cache, below the hash of its content."""
    content = hashlib.sha256(helm.chart_listing(chart).encode()).hexdigest()
    place = user_folder() / "charts" / content[:32] / chart.name
    if place.exists():
        with suppress(OSError):
            os.utime(place.parent)
        return place
    forget_unused(place.parent.parent)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".") as temporary:
        copy = Path(temporary) / chart.name
        shutil.copytree(chart, copy)
        try:
            copy.rename(place)
        except OSError:  # somebody else was faster
            if not place.exists():
                raise
    return place


def _not_fetched(release: Release, words: list[str], error: CommandFailed) -> UserError:
    said = plainwords.plain(error.result.err.strip().removeprefix("Error: "))
    said = _PASSWORD.sub("…@", said)
    version = release.chart.version
    again = f"helm pull {' '.join(words)}" + (f" --version {version}" if version else "")
    known = len(words) > 1 or words[0].startswith("oci://")
    return UserError(
        f"the chart {release.chart} cannot be fetched",
        where=release.state_file,
        why=said[-2000:],
        next_step=again if known else f"helmfile -f {release.state_file} repos; then {again}",
    )
