"""The cause of each change, found with helm on two trees."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploycharts.changes.compare import compare
from deploycharts.changes.fold import fold
from deploycharts.changes.model import Cause, Fold, show_path
from deploycharts.documents import Document, parse_manifest
from deploycharts.errors import UserError
from deploycharts.rendering.ablation import causes
from deploycharts.target import Target
from deploycharts.tools import process, programs
from tests.rendering.values_builders import chart, write

pytestmark = pytest.mark.slow

TARGET = Target("web", "staging", "main")
CONFIG = """apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
"""


class Pair:
    """A base and a head, rendered by helm from one chart and the layers in `values/`."""

    def __init__(self, root: Path, base: Mapping[str, str], head: Mapping[str, str]) -> None:
        self.base = write(root / "base", base)
        self.head = write(root / "head", head)
        self.changed = sorted(base.keys() | head.keys())
        self.renders = 0
        self._lock = threading.Lock()

    def render(self, tree: Path, target: Target) -> tuple[Document, ...]:
        with self._lock:
            self.renders += 1
        layers = sorted((tree / "values").glob("*.yaml"))
        words = [word for file in layers for word in ("--values", str(file))]
        answer = process.run(
            [str(programs.find("helm")), "template", "main", str(tree / "charts/web"), *words],
            ok=range(256),
        )
        if answer.code != 0:
            raise UserError("it does not render", why=answer.err)
        return parse_manifest(answer.out)

    def folds(self) -> tuple[Fold, ...]:
        sides = [self.render(tree, TARGET) for tree in (self.base, self.head)]
        self.renders = 0
        return fold([compare(TARGET, *sides)])

    def causes(self, *, budget: int = 200) -> dict[str, Cause | None]:
        found = causes(self.base, self.head, self.changed, self.render, self.folds(), budget=budget)
        return {show_path(each.change.path): each.cause for each in found if each.fact is None}


def configuration(lines: str) -> dict[str, str]:
    return {"x.yaml": CONFIG + "".join(f"  {line}\n" for line in lines.split("\n"))}


def said(cause: Cause | None) -> tuple[str, list[str]]:
    assert cause is not None
    return cause.certainty.value, [str(source) for source in cause.sources]


def test_values_template_and_helper_lines_are_told_apart(tmp_path: Path) -> None:
    read = "a: {{ .Values.a | quote }}\nb: {{ .Values.b | quote }}\ne: {{ .Values.e | quote }}"
    template = f'{read}\nc: "1"\nd: {{{{ include "d" . }}}}'
    helper = '{{- define "d" -}}\n"one"\n{{- end }}\n'
    base = chart("a: 1\nb: 1\n# about e\ne: 1\n", {**configuration(template), "_h.tpl": helper})
    head = {
        **base,
        "charts/web/values.yaml": "# moved down\nb: 2\na: 2\n\ne: 2\n",
        "charts/web/templates/x.yaml": base["charts/web/templates/x.yaml"].replace('"1"', '"2"'),
        "charts/web/templates/_h.tpl": helper.replace("one", "two"),
    }
    pair = Pair(tmp_path, base, head)

    found = pair.causes()

    assert {path: said(cause) for path, cause in found.items()} == {
        "data.a": ("alone", ["charts/web/values.yaml:3"]),
        "data.b": ("alone", ["charts/web/values.yaml:2"]),
        "data.c": ("alone", ["charts/web/templates/x.yaml:9"]),
        "data.d": ("alone", ["charts/web/templates/_h.tpl:2"]),
        "data.e": ("alone", ["charts/web/values.yaml:5"]),
    }
    assert pair.renders <= 13


def test_what_needs_two_lines_and_what_one_of_two_suffices_for(tmp_path: Path) -> None:
    template = (
        "both: {{ and .Values.a .Values.b | quote }}\neither: {{ or .Values.a .Values.b | quote }}"
    )
    base = chart("a: false\nb: false\n", configuration(template))
    head = {**base, "charts/web/values.yaml": "a: true\nb: true\n"}

    found = Pair(tmp_path, base, head).causes()

    lines = ["charts/web/values.yaml:1", "charts/web/values.yaml:2"]
    assert said(found["data.both"]) == ("together", lines)
    assert said(found["data.either"]) == ("each suffices", lines)


def test_hunks_that_do_not_render_alone_are_tried_together(tmp_path: Path) -> None:
    template = configuration('name: {{ include "x.n" . }}\nother: {{ .Values.other | quote }}')
    base = chart("other: 1\n", {**template, "_h.tpl": '{{- define "x.n" -}}n{{- end }}\n'})
    head = chart(
        "other: 2\n",
        {
            "x.yaml": template["x.yaml"].replace("x.n", "x.m"),
            "_h.tpl": '{{- define "x.m" -}}m{{- end }}\n',
        },
    )

    found = Pair(tmp_path, base, head).causes()

    assert said(found["data.name"]) == (
        "together", ["charts/web/templates/_h.tpl:1", "charts/web/templates/x.yaml:6"],
    )  # fmt: skip
    assert said(found["data.other"]) == ("alone", ["charts/web/values.yaml:1"])


def test_a_block_is_named_by_its_lines(tmp_path: Path) -> None:
    base = chart("more: false\n", configuration("a: 'x'"))
    more = '{{- if .Values.more }}\nb: "y"\n{{- end }}'
    head = chart("more: true\n", configuration(f"a: 'x'\n{more}"))

    found = Pair(tmp_path, base, head).causes()

    assert said(found["data.b"]) == (
        "together", ["charts/web/templates/x.yaml:7", "charts/web/values.yaml:1"],
    )  # fmt: skip


def test_a_field_that_differs_in_each_render_has_no_known_cause(tmp_path: Path) -> None:
    template = configuration("r: {{ randAlphaNum 9 | quote }}\na: {{ .Values.a | quote }}")
    base = chart("a: 1\n", template)
    head = {**base, "charts/web/values.yaml": "a: 2\n"}

    found = Pair(tmp_path, base, head).causes()

    assert said(found["data.r"]) == ("unknown", [])
    assert said(found["data.a"]) == ("alone", ["charts/web/values.yaml:1"])


def test_of_many_hunks_few_are_rendered(tmp_path: Path) -> None:
    template = configuration("a: {{ .Values.k7 | quote }}\nb: {{ .Values.k30 | quote }}")
    values = [f"k{number}: {{}}\n" for number in range(64)]
    base = chart("".join(line.format(1) for line in values), template)
    head = {**base, "charts/web/values.yaml": "".join(line.format(2) for line in values)}
    pair = Pair(tmp_path, base, head)

    found = pair.causes()

    assert said(found["data.a"]) == ("alone", ["charts/web/values.yaml:8"])
    assert said(found["data.b"]) == ("alone", ["charts/web/values.yaml:31"])
    assert pair.renders <= 32


def test_a_new_layer_is_cut_by_its_leaves(tmp_path: Path) -> None:
    template = configuration('a: {{ .Values.a | quote }}\nl: {{ .Values.l | join "+" | quote }}')
    base = chart("a: 1\nl:\n  - one\n  - two\n", template)
    head = {**base, "values/1.yaml": "a: 2\n\nunread: 1\nl:\n  - one\n  - three\n"}

    found = Pair(tmp_path, base, head).causes()

    assert said(found["data.a"]) == ("alone", ["values/1.yaml:1"])
    assert said(found["data.l"]) == ("alone", ["values/1.yaml:4"])


def test_a_list_is_named_by_its_first_new_line(tmp_path: Path) -> None:
    template = configuration('a: {{ .Values.a | quote }}\nl: {{ .Values.l | join "+" | quote }}')
    base = chart("a: 1\nl:\n  - one\n  - two\n", template)
    head = {**base, "charts/web/values.yaml": "a: 2\nl:\n  - one\n  - three\n"}

    found = Pair(tmp_path, base, head).causes()

    assert said(found["data.l"]) == ("alone", ["charts/web/values.yaml:4"])


def test_what_takes_too_many_renders_is_unknown(tmp_path: Path) -> None:
    template = configuration("a: {{ .Values.a | quote }}\nb: {{ .Values.b | quote }}")
    base = chart("a: 1\nb: 1\n", template)
    head = {**base, "charts/web/values.yaml": "a: 2\nb: 2\n"}
    pair = Pair(tmp_path, base, head)

    found = pair.causes(budget=4)

    assert {said(cause)[0] for cause in found.values()} == {"unknown"}
    assert pair.renders <= 4


def test_the_trees_stay_as_they_were(tmp_path: Path) -> None:
    base = chart("a: 1\n", configuration("a: {{ .Values.a | quote }}"))
    head = {**base, "charts/web/values.yaml": "a: 2\nb: 1\n"}
    pair = Pair(tmp_path, base, head)

    pair.causes()

    for tree, files in ((pair.base, base), (pair.head, head)):
        assert {name: (tree / name).read_text() for name in files} == files


def test_one_target_of_a_fold_is_rendered(tmp_path: Path) -> None:
    template = configuration("a: {{ .Values.a | quote }}\nb: {{ .Values.b | quote }}")
    base = chart("a: 1\nb: 1\n", template)
    pair = Pair(tmp_path, base, {**base, "charts/web/values.yaml": "a: 2\nb: 2\n"})
    sides = [pair.render(tree, TARGET) for tree in (pair.base, pair.head)]
    targets = [Target("web", f"environment{number}", "main") for number in range(12)]
    pair.renders = 0

    found = causes(
        pair.base, pair.head, pair.changed, pair.render,
        fold([compare(target, *sides) for target in targets]),
    )  # fmt: skip

    assert [said(each.cause)[0] for each in found] == ["alone", "alone"]
    assert pair.renders <= 7


def test_files_that_do_not_concern_a_target_are_not_tried(tmp_path: Path) -> None:
    base = chart("a: 1\n", configuration("a: {{ .Values.a | quote }}"))
    others = {f"charts/other{number}/values.yaml": "a: 1\n" for number in range(20)}
    changed = {name: "a: 2\n" for name in others}
    head = {**base, **changed, "charts/web/values.yaml": "a: 2\n"}
    pair = Pair(tmp_path, {**base, **others}, head)

    found = causes(
        pair.base, pair.head, pair.changed, pair.render, pair.folds(),
        concerns=lambda target, path: path.startswith("charts/web/"),
    )  # fmt: skip

    assert said(found[0].cause) == ("alone", ["charts/web/values.yaml:1"])
    assert pair.renders == 3


def test_a_target_that_is_new_is_caused_by_its_files(tmp_path: Path) -> None:
    head = chart("a: 1\n", configuration("a: {{ .Values.a | quote }}"))
    base = {"charts/README.md": ""}
    pair = Pair(tmp_path, base, {**base, **head})

    def render(tree: Path, target: Target) -> tuple[Document, ...]:
        return pair.render(tree, target) if (tree / "charts/web/Chart.yaml").exists() else ()

    folds = fold([compare(TARGET, (), render(pair.head, TARGET))])
    [found] = causes(pair.base, pair.head, pair.changed, render, folds)

    assert said(found.cause)[0] == "together"
    assert "charts/web/templates/x.yaml:1" in said(found.cause)[1]


def test_a_link_that_points_elsewhere_is_one_hunk(tmp_path: Path) -> None:
    files = {
        **chart("a: 0\n", configuration("a: {{ .Values.a | quote }}")),
        "shared/one.yaml": "a: 1\n",
        "shared/two.yaml": "a: 2\n",
    }
    pair = Pair(tmp_path, files, files)
    for tree, aim in ((pair.base, "one"), (pair.head, "two")):
        (tree / "values").mkdir()
        (tree / "values/1.yaml").symlink_to(f"../shared/{aim}.yaml")
    pair.changed = ["values/1.yaml"]

    found = pair.causes()

    assert said(found["data.a"]) == ("alone", ["values/1.yaml"])


def test_a_target_that_no_file_concerns_does_not_stand_for_others(tmp_path: Path) -> None:
    base = chart("a: 1\n", configuration("a: {{ .Values.a | quote }}"))
    pair = Pair(tmp_path, base, {**base, "charts/web/values.yaml": "a: 2\n"})
    sides = [pair.render(tree, TARGET) for tree in (pair.base, pair.head)]
    new = Target("web", "codfw", "main")

    [found] = causes(
        pair.base, pair.head, pair.changed, pair.render,
        fold([compare(new, *sides), compare(TARGET, *sides)]),
        concerns=lambda target, path: target == TARGET,
    )  # fmt: skip

    assert found.targets == {new, TARGET}
    assert said(found.cause) == ("alone", ["charts/web/values.yaml:1"])


def test_what_was_rendered_before_is_not_rendered_again(tmp_path: Path) -> None:
    base = chart("a: 1\n", configuration("a: {{ .Values.a | quote }}"))
    pair = Pair(tmp_path, base, {**base, "charts/web/values.yaml": "a: 2\n"})
    sides = (pair.render(pair.base, TARGET), pair.render(pair.head, TARGET))
    folds = pair.folds()

    [found] = causes(
        pair.base, pair.head, pair.changed, pair.render, folds, known=lambda target: sides
    )

    assert said(found.cause) == ("alone", ["charts/web/values.yaml:1"])
    assert pair.renders == 0
