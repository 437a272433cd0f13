"""Lines that a template wrote: the template's line is named rightly or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import yaml
from hypothesis import given, reject
from hypothesis import strategies as st

from deploycharts.rendering.alignment import align

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Block:
    """Lines of a template, and which of them it writes, in order."""

    lines: tuple[str, ...]
    written: tuple[tuple[int, str], ...]


words = st.sampled_from(["1", "x", ""])


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    key, value = draw(st.sampled_from(["a", "b", "  c"])), draw(words)
    kind = draw(st.sampled_from(["literal", "value", "branch", "loop", "whole", "comment"]))
    if kind == "literal":
        return Block((f"{key}: {value}",), ((0, f"{key}: {value}"),))
    if kind == "value":
        return Block((f"{key}: {{{{ .x }}}}",), ((0, f"{key}: {value}"),))
    if kind == "comment":
        return Block(("{{- /* a", f"{key}: {value} */ -}}}}"), ())
    if kind == "whole":
        wrote = tuple((1, line) for line in draw(st.lists(st.just(f"{key}: {value}"), max_size=2)))
        return Block(("{{- toYaml .y }}",), tuple((0, line) for _, line in wrote))
    times = draw(st.integers(0, 1 if kind == "branch" else 3))
    head = "{{- if .x }}" if kind == "branch" else "{{- range .y }}"
    return Block((head, f"{key}: {{{{ . }}}}", "{{- end }}"), ((1, f"{key}: {value}"),) * times)


@given(st.lists(blocks(), max_size=8))
def test_a_line_is_named_rightly_or_not_at_all(chosen: list[Block]) -> None:
    template: list[str] = []
    written: list[tuple[int, str]] = []
    for block in chosen:
        written += [(len(template) + number + 1, line) for number, line in block.written]
        template += block.lines
    text = "\n".join(line for _, line in written)
    try:
        yaml.safe_load(text)
    except yaml.YAMLError:
        reject()  # helmfile's user is told of that before anything is explained
    found = align("\n".join(template), text)

    for line, at in found.items():
        assert at == written[line - 1][0], (template, written)


def test_plain_templates_are_named_throughout() -> None:
    template = "# {{ .Release.Name }}\na: {{ .x }}\n\nb:\n  c: 1\n  d: {{ .y | quote }}\n"
    written = '# main\na: 7\n\nb:\n  c: 1\n  d: "9"\n'

    assert align(template, written) == {2: 2, 4: 4, 5: 5, 6: 6}


def test_where_keys_are_made_loops_and_branches_are_in_doubt() -> None:
    loop = "{{- range .l }}\na{{ . }}: 1\nb:\n  c: {{ . }}\n{{- end }}"
    template = f"{loop}\n{{{{- if .x }}}}\nd: 1\n{{{{- else }}}}\nd: 2\n{{{{- end }}}}\ne: 3"

    assert align(template, "\na1: 1\nb:\n  c: 1\nd: 2\ne: 3") == {6: 11}


def test_a_branch_is_named_where_no_block_could_have_written_the_line() -> None:
    template = "{{- if .x }}\nd: 1\n{{- else }}\nd: 2\n{{- end }}\ne: {{ .e }}"

    assert align(template, "\nd: 2\ne: 3") == {2: 4, 3: 6}
