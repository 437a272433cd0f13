"""Which file an image is set in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from deploycharts.errors import UserError
from deploycharts.rendering.provenance import Provenance
from deploycharts.rendering.release import Release
from deploycharts.source import Source

_COMMON = "values.yaml"


def common_layer(releases: Sequence[Release], folder: str, setting: Sequence[Provenance]) -> Source:
    """The values file of a service that all its releases have and that sets a key, if any does.

    Args:
        releases: all of the service.
        folder: the service's, as its layers name it.
        setting: what the releases say of the key.

    Raises:
        UserError: there is no such file that can be edited.
    """
    found = _shared(releases, folder)
    origins = [
        origin.source
        for each in setting
        for origin in (*((each.winner,) if each.winner else ()), *each.shadowed)
    ]
    for path in reversed(found):  # highest first
        for source in origins:
            if source.path == path:
                return _require_editable(source, releases)
    named = [path for path in found if path.rpartition("/")[2] == _COMMON]
    if not found:
        raise UserError(
            "the environments have no values file of this service in common",
            where=folder,
            next_step="name one with --env",
        )
    return _require_editable(Source((named or found)[-1]), releases)


def layer_of(environment: str, releases: Sequence[Release], folder: str) -> Source:
    """The values file of an environment, which may not exist yet.

    Args:
        environment: its name is a word of the file's name.
        releases: those of the service in that environment.
        folder: the service's, as its layers name it.

    Raises:
        UserError: there is none that can be edited.
    """
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(environment)}(?![A-Za-z0-9])")
    found = [path for path in _shared(releases, folder) if word.search(PurePosixPath(path).name)]
    usual = f"{folder}/values-{environment}.yaml"
    if not found:
        raise UserError(
            f"the service reads no values file of {environment}",
            where=releases[0].state_file,
            why=f"{usual} would be read by all releases there if the helmfile listed it",
            next_step="leave --env out to edit the common values",
        )
    return _require_editable(Source(usual if usual in found else found[-1]), releases)


def _shared(releases: Sequence[Release], folder: str) -> list[str]:
    """The files of the service that all releases read, or would read if they existed."""
    read = [
        [*(each.source.path for each in release.layers if each.kind != "inline"), *release.missing]
        for release in releases
    ]
    return [
        path
        for path in dict.fromkeys(read[0])
        if path.startswith(f"{folder}/")
        and not PurePosixPath(path).name.startswith("private")
        and all(path in others for others in read)
    ]


def _require_editable(source: Source, releases: Sequence[Release]) -> Source:
    for layer in (layer for release in releases for layer in release.layers):
        if layer.source.path == source.path and layer.kind == "template":
            raise UserError(
                "this values file is a template, which only people can edit",
                where=source,
                next_step="edit it by hand",
            )
    return source
