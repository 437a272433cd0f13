"""From releases to rendered documents. Helm merges the values and renders; we only read."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

from deploycharts.changes.masking import Masker
from deploycharts.documents import Document, Json, load, parse_manifest
from deploycharts.errors import UserError
from deploycharts.rendering.cache import user_cache
from deploycharts.rendering.release import Layer, Release
from deploycharts.rendering.remembered import pack, render_key, unpack
from deploycharts.source import Source
from deploycharts.tools import helm
from deploycharts.tools.process import Result
from deploycharts.tools.workdir import private_folder

_PROCESSES = 4
_TEMPLATE_PLACE = re.compile(r"([\w.-]+)/(templates/[^\s:()]+):(\d+)")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A release and the objects that Helm makes of it, hooks and tests included."""

    release: Release
    documents: tuple[Document, ...]


def render(releases: Sequence[Release]) -> tuple[Rendered, ...]:
    """Render releases, several at a time; the order stays.

    Raises:
        UserError: a chart does not render; the error names template and line where helm does.
    """
    with ThreadPoolExecutor(max_workers=_PROCESSES) as pool:
        return tuple(pool.map(_render, releases))


def secrets_of(release: Release) -> Iterator[str]:
    """All scalar values of the release's secret layers, as texts."""
    for layer in release.layers:
        if layer.secret:
            yield from _scalars_in(layer.content, layer.source)


def render_objects(
    release: Release, argv: Sequence[str], layers: Mapping[str, Layer]
) -> tuple[tuple[str, Json], ...]:
    """The objects that helm makes of a release, each with the template that it comes from.

    Args:
        release: what to render.
        argv: helm's arguments, values files included.
        layers: which layer each values file holds.

    Raises:
        UserError: the chart does not render, or what it renders is no Kubernetes object.
    """
    answer = helm.template(argv, folder=release.folder)
    if answer.code != 0:
        raise render_failure(release, answer, layers)
    found = parse_manifest(answer.out, namespace=release.namespace)
    return tuple((each.template, dict(each.body)) for each in found)


def _render(release: Release) -> Rendered:
    if not release.installed:
        return Rendered(release, ())
    name = render_key(release)
    content = user_cache().get(name) if name else None
    if content is None:
        content = pack(_by_helm(release))
        if name:
            user_cache().put(name, content)
    return Rendered(release, unpack(content, namespace=release.namespace))


def _by_helm(release: Release) -> tuple[tuple[str, Json], ...]:
    with private_folder("render") as workdir:
        words = list(release.argv)
        names = {}
        for index, layer in enumerate(release.layers):
            file = workdir / f"{index}.yaml"
            file.touch(mode=0o600)
            file.write_bytes(layer.content)
            words += ["--values", str(file)]
            names[str(file)] = layer
        return render_objects(release, words, names)


def render_failure(release: Release, answer: Result, files: Mapping[str, Layer]) -> UserError:
    """What is wrong with a chart that helm does not render, at its place."""
    message = told_by_helm(release, answer)
    for name, layer in files.items():
        message = message.replace(name, layer.source.path)
    place = _TEMPLATE_PLACE.search(message)
    where: object = _shown_chart(release)
    path = release.chart.path
    if place and path and not release.chart.is_copy and path.name == place[1]:
        where = Source(f"{_shown_chart(release)}/{place[2]}", int(place[3]))
    return UserError(
        f"{release.target} does not render",
        where=where,
        why=message[-3000:],
        next_step=f"helm lint {path if release.chart.is_copy else _shown_chart(release)}",
    )


def told_by_helm(release: Release, answer: Result) -> str:
    """Why helm refused a release; it quotes the values that it objects to, so these are masked."""
    masker = Masker(secrets_of(release), secrets.token_bytes(32))
    return masker.text(answer.err.strip().removeprefix("Error: "))


def _shown_chart(release: Release) -> str:
    path = release.chart.path
    if path is None or release.chart.is_copy:
        return str(release.chart)
    return f"{path.parent.name}/{path.name}"


@lru_cache(maxsize=512)
def _scalars_in(content: bytes, source: Source) -> tuple[str, ...]:
    return tuple(_scalars(load(content, source)))


def _scalars(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
