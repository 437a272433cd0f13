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
from deploycharts.tools import helm, plainwords
from deploycharts.tools.process import Result
from deploycharts.tools.workdir import private_folder

_PROCESSES = 4
_TEMPLATE_PLACE = re.compile(r"([\w.-]+)/(templates/[^\s:()]+)(?::(\d+))?")
_WRONG_VALUE = re.compile(r"at '[^']*': additional properties '([^']+)'|at '([^']+)': ")
_DEPENDENCY = re.compile(r"missing in charts/ directory: ([\w.-]+)")
_VALUES_LINE = re.compile(r"cannot load values\.yaml: .*?line (\d+)")


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


def render_now(release: Release) -> Rendered:
    """Render a release by helm itself, whatever is remembered of it.

    Raises:
        UserError: see `render`.
    """
    return Rendered(release, unpack(pack(_by_helm(release)), namespace=release.namespace))


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
    message = told_by_helm(release, answer, files)
    need = plainwords.need_of(answer.err)
    asked = plainwords.asked_at(release.state_file, need) if need else None
    chart = release.chart
    lint = f"helm lint {chart.path if chart.is_copy else _shown_chart(release)}"
    if need is not None and need.sentence and asked is not None:
        message = f"{need.sentence}\n{message}"
    return UserError(
        f"{release.target} does not render",
        where=asked or _place(release, message),
        why=message[-3000:],
        next_step=need.next_step if need and asked else lint,
    )


def _place(release: Release, message: str) -> Source | str:
    """The place that helm means: in the chart's own files, or in a layer."""
    path, shown = release.chart.path, _shown_chart(release)
    wrong = _WRONG_VALUE.search(message)
    if wrong:
        key = wrong[1] or wrong[2].rpartition("/")[2]
        return _line_of_key(release, key) or shown
    if path is None or release.chart.is_copy:
        return shown
    template = _TEMPLATE_PLACE.search(message)
    if template and path.name == template[1]:
        return Source(f"{shown}/{template[2]}", int(template[3]) if template[3] else None)
    values, dependency = _VALUES_LINE.search(message), _DEPENDENCY.search(message)
    if values:
        return Source(f"{shown}/values.yaml", int(values[1]))
    if dependency:
        text = (path / "Chart.yaml").read_text("utf-8", "replace")
        named = re.search(rf"name:\s*[\"']?{re.escape(dependency[1])}\b", text)
        line = text.count("\n", 0, named.start()) + 1 if named else None
        return Source(f"{shown}/Chart.yaml", line)
    return shown


def _line_of_key(release: Release, key: str) -> Source | None:
    """Where the highest layer sets a key; other keys of the same name may be meant."""
    line = re.compile(rf"^[ -]*[\"']?{re.escape(key)}[\"']?[ ]*:", re.MULTILINE)
    for layer in reversed(release.layers):
        text = layer.content.decode("utf-8", "replace")
        match = line.search(text)
        if match:
            return Source(layer.source.path, text.count("\n", 0, match.start()) + 1)
    return None


def told_by_helm(release: Release, answer: Result, files: Mapping[str, Layer] | None = None) -> str:
    """Why helm refused a release; it quotes the values that it objects to, so these are masked."""
    masker = Masker(secrets_of(release), secrets.token_bytes(32))
    said = answer.err.strip().removeprefix("Error: ")
    for name, layer in (files or {}).items():
        said = said.replace(name, layer.source.path)
    return masker.text(plainwords.plain(said))


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
