"""The values of a release as Helm itself merges them: asked, never computed."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from deploycharts.documents import Json
from deploycharts.errors import UserError
from deploycharts.rendering.chartfiles import ChartFiles
from deploycharts.rendering.release import Release
from deploycharts.rendering.render import told_by_helm
from deploycharts.tools import helm
from deploycharts.tools.workdir import private_folder

Subcharts: TypeAlias = "Mapping[str, Subcharts]"
"""The enabled subcharts by name or alias, each with its own."""

# What a chart needs for its values to be merged; templates and schema are not wanted.
_KEPT = ("Chart.yaml", "values.yaml", "requirements.yaml")
_STUB_HEAD = b"apiVersion: v2\nname: unknown\nversion: 0.0.0\n"
_STUB = ChartFiles("unknown", "", {"Chart.yaml": _STUB_HEAD}, (), ())
_ASK = """{{- define "probe.subcharts" -}}
{ {{- $comma := "" -}}
{{- range $name, $chart := .Subcharts -}}
{{ $comma }}{{ $name | toJson }}:{{ include "probe.subcharts" $chart }}{{ $comma = "," }}
{{- end -}} }
{{- end -}}
apiVersion: v1
kind: Values
values: {{ .Values | toJson | b64enc }}
subcharts: {{ include "probe.subcharts" . | b64enc }}
"""
_ANSWER = re.compile(r"^(values|subcharts): *(\S*)$", re.MULTILINE)
# Flags that would ask a cluster, run programs or write elsewhere.
_DROPPED = ("--validate", "--dry-run", "--wait", "--wait-for-jobs")
_DROPPED_WITH_WORD = (
    "--post-renderer",
    "--post-renderer-args",
    "--show-only",
    "-s",
    "--output-dir",
)


@dataclass(frozen=True, slots=True)
class Effective:
    """Helm's answer: all values that templates see.

    Attributes:
        values: with secrets, not to be shown.
        subcharts: the enabled ones.
        is_complete: False where the chart is fetched from elsewhere, so that its defaults are
            not known here.
    """

    values: Mapping[str, Json]
    subcharts: Subcharts
    is_complete: bool


def effective(release: Release, chart: ChartFiles | None) -> Effective:
    """Ask Helm for the values of a release: a copy of its chart with one template of ours.

    Args:
        release: one that is installed.
        chart: the files of its chart, None if that is fetched from elsewhere.

    Raises:
        UserError: Helm cannot merge the values, or the release is not installed.
    """
    if not release.installed:
        raise UserError(f"{release.target} has no values: it is not installed there")
    with private_folder("values") as workdir:
        copy = workdir / "chart"
        _copy_bare(chart or _STUB, copy)
        (copy / "templates").mkdir()
        (copy / "templates" / "probe.yaml").write_text(_ASK)
        words = [*chart_argv(release, copy), *write_layers(release, workdir)]
        answer = helm.template(words, folder=release.folder)
        if answer.code != 0:
            names = {str(workdir / f"{i}.yaml"): each for i, each in enumerate(release.layers)}
            raise UserError(
                f"{release.target}: helm cannot merge the values",
                where=release.chart.reference,
                why=_without_paths(told_by_helm(release, answer, names), release, workdir),
            )
    found = {name: json.loads(base64.b64decode(text)) for name, text in _ANSWER.findall(answer.out)}
    return Effective(found["values"] or {}, found["subcharts"], chart is not None)


def chart_argv(release: Release, chart: Path) -> list[str]:
    """The recorded arguments of a render, of another chart and without side effects."""
    words = [*without(release.argv, _DROPPED, with_word=_DROPPED_WITH_WORD)]
    words[words.index("template") + 2] = str(chart)
    return words


def write_layers(release: Release, workdir: Path) -> list[str]:
    """Write the layers into a private folder; the arguments that name them."""
    words = []
    for index, layer in enumerate(release.layers):
        file = workdir / f"{index}.yaml"
        file.touch(mode=0o600)
        file.write_bytes(layer.content)
        words += ["--values", str(file)]
    return words


def without(
    argv: Sequence[str], flags: Sequence[str], *, with_word: Sequence[str]
) -> tuple[str, ...]:
    """Arguments without some flags: those that stand alone, and those that take a word."""
    kept = []
    skip = False
    for word in argv:
        name, has_word, _ = word.partition("=")
        if not skip and name not in (*flags, *with_word):
            kept.append(word)
        skip = not skip and name in with_word and not has_word
    return tuple(kept)


def _copy_bare(chart: ChartFiles, copy: Path) -> None:
    """A chart without templates and schemas."""
    copy.mkdir(parents=True)
    for name in _KEPT:
        if name in chart.files:
            (copy / name).write_bytes(chart.files[name])
    for index, each in enumerate(chart.subcharts):
        _copy_bare(each, copy / "charts" / str(index))


def _without_paths(message: str, release: Release, workdir: Path) -> str:
    for index, layer in enumerate(release.layers):
        message = message.replace(str(workdir / f"{index}.yaml"), layer.source.path)
    return message[-3000:]
