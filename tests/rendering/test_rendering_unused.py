"""Keys that are set in vain: which no template reads, and which have no effect now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from deploycharts.rendering.chartfiles import read_chart
from deploycharts.rendering.provenance import explain
from deploycharts.rendering.unused import Unused, unused
from deploycharts.rendering.uses import uses_of
from tests.rendering.values_builders import CHART, chart, layer, release, service, write

pytestmark = pytest.mark.slow

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n"


def _unused(
    root: Path, values: str, data: str, *, defaults: str = "", more: Mapping[str, str] | None = None
) -> dict[str, Unused]:
    templates = {"x.yaml": HEAD + "".join(f"  {line}\n" for line in data.split("\n"))}
    found = service(root, {"values.yaml": values}, defaults=defaults, templates=templates)
    write(root, dict(more or {}))
    return {each.name: each for each in unused(found, explain(found, root), root)}


def test_what_no_template_reads_is_told_with_near_matches(tmp_path: Path) -> None:
    found = _unused(tmp_path, "replicaCount: 3\nreplicas: 2\n", "x: {{ .Values.replicas | quote }}")

    assert list(found) == ["replicaCount"]
    assert found["replicaCount"].near == ("replicas",)
    assert found["replicaCount"].read_at is None
    assert found["replicaCount"].line.source.line == 1


def test_a_typo_in_a_map_is_compared_with_its_siblings(tmp_path: Path) -> None:
    found = _unused(
        tmp_path, "probe:\n  pth: /\n", "x: {{ .Values.probe.path }}\ny: {{ .Values.path }}",
        defaults="probe: {path: /x}\npath: /y\n",
    )  # fmt: skip

    assert found["probe.pth"].near == ("probe.path",)


def test_what_is_read_behind_a_condition_has_no_effect_now(tmp_path: Path) -> None:
    data = "{{- if .Values.tls.enabled }}\nx: {{ .Values.tls.port | quote }}\n{{- end }}\na: b"

    off = _unused(tmp_path / "off", "tls: {enabled: false, port: 1}\n", data)
    on = _unused(tmp_path / "on", "tls: {enabled: true, port: 1}\n", data)

    assert list(off) == ["tls.port"]
    assert str(off["tls.port"].read_at) == f"{CHART}/templates/x.yaml:6"
    assert on == {}


@pytest.mark.parametrize(
    "use",
    [
        "x: {{ toYaml .Values.a | quote }}",
        "{{- with .Values.a }}\nx: {{ .b }}\n{{- end }}",
        "{{- range $k, $v := .Values.a }}\nx: {{ $v }}\n{{- end }}",
        "{{- $a := $.Values.a }}\nx: {{ $a.b }}",
        'x: {{ index .Values "a" "b" }}',
        'x: {{ index .Values.a "b" }}',
        'x: {{ index $.Values ("a") "b" }}',
        'x: {{ dig "a" "b" "" .Values.AsMap }}',
        'x: {{ dig "b" 0 .Values.a }}',
        'x: {{ get .Values.a "b" }}',
        "x: {{ toJson .Values | quote }}",
        'x: {{ tpl "{{ .Values.a.b }}" . }}',
        "{{- if .Values.a }}\nx: y\n{{- end }}",
        "{{- /* not this: */ -}}\nx: {{ (.Values.a).b }}",
    ],
)
def test_ways_to_read_a_key(tmp_path: Path, use: str) -> None:
    write(tmp_path, chart("", {"x.yaml": HEAD + f"  {use}\n"}))

    uses = uses_of(read_chart(tmp_path / CHART, CHART))

    assert uses.reading(("a", "b"))


@pytest.mark.parametrize(
    "text",
    [
        "x: {{ .Values.a.c }}",
        'x: {{ index .Values "a" "c" }}',
        'x: {{ dig "a" "c" "b" .Values.AsMap }}',
        "x: y # .Values.a.b",
        "x: {{/* .Values.a.b */}}",
        "x: {{ .Release.Name }}",
        "{{- if and .Values.a (not .Values.a.c) }}\nx: y\n{{- end }}",
    ],
)
def test_ways_not_to_read_a_key(tmp_path: Path, text: str) -> None:
    write(tmp_path, chart("", {"x.yaml": HEAD + f"  {text}\n"}))

    uses = uses_of(read_chart(tmp_path / CHART, CHART))

    assert uses.reading(("a", "b"), filled={("a",)}) is None


def test_helpers_of_subcharts_and_conditions_in_chart_yaml_read_too(tmp_path: Path) -> None:
    more = "dependencies:\n  - {name: sub, version: 0.1.0, condition: sub.on}\n"
    write(tmp_path, chart("", {"x.yaml": HEAD}, more=more))
    helper = '{{- define "sub.x" }}{{ .Values.fromHelper }}{{ end }}'
    write(tmp_path, chart("", {"_h.tpl": helper}, path=f"{CHART}/charts/sub"))

    uses = uses_of(read_chart(tmp_path / CHART, CHART))

    assert uses.reading(("fromHelper",))
    assert uses.reading(("sub", "fromHelper"))
    assert uses.reading(("sub", "on"))
    assert uses.reading(("sub", "off")) is None


def test_values_and_files_that_are_templates_read_too(tmp_path: Path) -> None:
    found = _unused(
        tmp_path,
        'a: "{{ .Values.b }}"\nb: 1\nc: 2\nd: 3\n',
        'x: {{ tpl .Values.a . }}\ny: {{ tpl (.Files.Get "y.txt") . }}',
        more={f"{CHART}/y.txt": "{{ .Values.c }}"},
    )

    assert list(found) == ["d"]


def test_facts_of_an_environment_need_not_be_read(tmp_path: Path) -> None:
    shared = "helmfile.d/defaults/staging.yaml"
    write(tmp_path, {shared: "datacenter: eqiad\n", **chart("", {"x.yaml": HEAD})})

    found = release(tmp_path, [layer(tmp_path, shared)])

    assert unused(found, explain(found, tmp_path), tmp_path) == ()


def test_fields_that_differ_in_each_render_are_no_effect(tmp_path: Path) -> None:
    data = "x: {{ randAlphaNum 9 }}\ny: {{ .Values.a | quote }}\n{{- if .Values.b }}{{ end }}"

    found = _unused(tmp_path, "a: 1\nb: 1\n", data)

    assert list(found) == ["b"]


def test_a_value_that_the_schema_or_the_templates_refuse_has_an_effect(tmp_path: Path) -> None:
    data = 'x: {{ if ne .Values.a 1.0 }}{{ fail "no" }}{{ end }}y'

    assert _unused(tmp_path, "a: 1\n", data) == {}
