"""Where values come from: one case a rule, with helm's own answer beside it."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from deploycharts.documents import Json
from deploycharts.errors import UnknownName, UserError
from deploycharts.rendering import visible
from deploycharts.rendering.marked import read_key
from deploycharts.rendering.overridden import overridden
from deploycharts.rendering.provenance import Provenance, below, explain, shadowed_by
from deploycharts.rendering.release import Release
from deploycharts.source import Source
from tests.rendering.values_builders import (
    CHART,
    SERVICE,
    chart,
    layer,
    release,
    service,
    write,
)

pytestmark = pytest.mark.slow

DEPENDENCY = 'dependencies:\n  - name: sub\n    version: 0.1.0\n    repository: ""\n'


def _one(found: Release, root: Path, key: str) -> Provenance:
    [each] = below(explain(found, root), read_key(key))
    return each


def _told(each: Provenance) -> tuple[Json, str, list[str]]:
    """The value, who sets it and whom that shadows."""
    assert not each.unknown, each.unknown
    assert each.winner is not None
    return each.value, _short(each.winner.source), [_short(one.source) for one in each.shadowed]


def _short(source: Source) -> str:
    return str(source).removeprefix(f"{SERVICE}/").removeprefix("charts/")


def test_the_highest_layer_wins_and_shadows_all_others(tmp_path: Path) -> None:
    files = {"values.yaml": "a: 1\nb: 1\n", "values-staging.yaml": "# more\na: 2\n"}

    found = service(tmp_path, files, defaults="b: 0\na: 0\n")

    assert _told(_one(found, tmp_path, "a")) == (
        2, "values-staging.yaml:2", ["values.yaml:1", "web/values.yaml:2"],
    )  # fmt: skip


def test_null_takes_a_default_away(tmp_path: Path) -> None:
    found = service(tmp_path, {"values.yaml": "a:\n  b: null\n"}, defaults="a: {b: 1, c: 1}\n")

    each = _one(found, tmp_path, "a.b")

    assert each.is_deleted
    assert _told(each) == (None, "values.yaml:2", ["web/values.yaml:1"])


def test_null_for_what_the_chart_does_not_know_stays(tmp_path: Path) -> None:
    each = _one(service(tmp_path, {"values.yaml": "a: ~\n"}), tmp_path, "a")

    assert not each.is_deleted
    assert _told(each) == (None, "values.yaml:1", [])


def test_a_map_and_a_scalar_shadow_each_other(tmp_path: Path) -> None:
    files = {"values.yaml": "a: 1\nb: {c: 1}\n", "values-staging.yaml": "a: {c: 2}\nb: 2\n"}

    found = service(tmp_path, files)

    assert _told(_one(found, tmp_path, "a.c")) == (2, "values-staging.yaml:1", ["values.yaml:1"])
    assert _told(_one(found, tmp_path, "b")) == (2, "values-staging.yaml:2", ["values.yaml:2"])


def test_scalars_are_typed_as_helm_does(tmp_path: Path) -> None:
    text = "on: yes\noctal: 0644\nbig: 12345678901234567890\ndate: 2001-01-01\ntime: 12:30\n"

    found = {each.name: each for each in explain(service(tmp_path, {"v.yaml": text}), tmp_path)}

    assert {name: each.value for name, each in found.items()} == {
        "true": True, "octal": 420, "big": 12345678901234567000, "date": "2001-01-01",
        "time": "12:30",
    }  # fmt: skip
    assert not any(each.unknown for each in found.values())


def test_lists_are_replaced_whole_and_named_with_all_their_lines(tmp_path: Path) -> None:
    text = "a:\n  - one\n  # about two\n  - two\n\nb: 1\n"

    each = _one(service(tmp_path, {"values.yaml": text}, defaults="a: [x]\n"), tmp_path, "a")

    assert each.winner is not None
    assert each.value == ["one", "two"]
    assert [each.winner.covers(Source(f"{SERVICE}/values.yaml", line)) for line in range(7)] == [
        False, True, True, True, True, False, False,
    ]  # fmt: skip


def test_anchors_and_merge_keys_name_both_lines(tmp_path: Path) -> None:
    text = "base: &base\n  a: 1\n  b: 1\nown:\n  <<: *base\n  b: 2\nsame: *base\n"

    found = service(tmp_path, {"values.yaml": text})
    merged, aliased = _one(found, tmp_path, "own.a"), _one(found, tmp_path, "same.a")

    assert _told(merged) == (1, "values.yaml:2", [])
    assert [_short(also) for also in merged.winner.also] == ["values.yaml:5"]  # type: ignore[union-attr]
    assert [_short(also) for also in aliased.winner.also] == ["values.yaml:7"]  # type: ignore[union-attr]
    assert _told(_one(found, tmp_path, "own.b")) == (2, "values.yaml:6", ["values.yaml:3"])


def test_the_last_of_equal_keys_and_of_several_documents_wins(tmp_path: Path) -> None:
    found = service(tmp_path, {"values.yaml": "a: 1\na: 2\nb: 1\n---\nb: 2\n"})

    assert _told(_one(found, tmp_path, "a")) == (2, "values.yaml:2", ["values.yaml:1"])
    assert _told(_one(found, tmp_path, "b")) == (2, "values.yaml:5", ["values.yaml:3"])


def test_set_wins_over_all_files(tmp_path: Path) -> None:
    state = 'releases:\n  - set:\n      - name: a.b\n        value: "7"\n'
    write(tmp_path, {f"{SERVICE}/helmfile.yaml": state})

    found = service(tmp_path, {"values.yaml": "a:\n  b: 1\n"}, arguments=("--set", "a.b=7,c={x,1}"))

    assert _told(_one(found, tmp_path, "a.b")) == (7, "helmfile.yaml:3", ["values.yaml:2"])
    assert _one(found, tmp_path, "c").value == ["x", 1]
    assert "state file" in _one(found, tmp_path, "c").unknown


def test_a_part_of_a_list_that_is_set_is_unknown(tmp_path: Path) -> None:
    found = service(tmp_path, {"v.yaml": "a: [1, 2]\n"}, arguments=("--set-string", "a[1]=9"))

    each = _one(found, tmp_path, "a")

    assert each.value == [1, "9"]
    assert each.unknown


def test_a_subchart_s_values_come_from_above_or_from_itself(tmp_path: Path) -> None:
    write(tmp_path, chart("a: 1\nb: 1\nc: 1\n", path=f"{CHART}/charts/sub"))

    found = service(
        tmp_path, {"v.yaml": "sub:\n  a: 3\nglobal:\n  g: 1\n"}, defaults="sub:\n  b: 2\n",
        more=DEPENDENCY,
    )  # fmt: skip

    sub = "web/charts/sub/values.yaml"
    assert _told(_one(found, tmp_path, "sub.a")) == (3, "v.yaml:2", [f"{sub}:1"])
    assert _told(_one(found, tmp_path, "sub.b")) == (2, "web/values.yaml:2", [f"{sub}:2"])
    assert _told(_one(found, tmp_path, "sub.c")) == (1, f"{sub}:3", [])
    assert _told(_one(found, tmp_path, "sub.global.g")) == (1, "v.yaml:4", [])


def test_null_in_defaults_above_a_subchart_s_default_is_unknown(tmp_path: Path) -> None:
    write(tmp_path, chart("m: {a: 1}\nb: 1\n", path=f"{CHART}/charts/sub"))

    found = service(
        tmp_path, {"v.yaml": "x: 1\n"}, defaults="sub: {m: {a: null}}\n", more=DEPENDENCY
    )

    assert _one(found, tmp_path, "sub.m.a").value == 1
    assert "null" in _one(found, tmp_path, "sub.m.a").unknown
    assert _told(_one(found, tmp_path, "sub.b"))[0] == 1


def test_a_subchart_that_is_off_or_has_an_alias_is_seen_as_helm_does(tmp_path: Path) -> None:
    more = DEPENDENCY + "    alias: one\n" + DEPENDENCY.partition("\n")[2]
    more += "    alias: two\n    condition: two.on\n"
    write(tmp_path, chart("a: 1\n", path=f"{CHART}/charts/sub"))

    found = service(tmp_path, {"v.yaml": 'two: {"on": false}\n'}, more=more)

    names = {each.name for each in explain(found, tmp_path) if not each.unknown}
    assert "one.a" in names
    assert "two.a" not in names


def test_a_packed_subchart_is_read_too(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in chart("a: 1\n", path="sub").items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    found = service(tmp_path, {})
    (tmp_path / CHART / "charts").mkdir()
    (tmp_path / CHART / "charts" / "sub-0.1.0.tgz").write_bytes(packed.getvalue())

    each = _one(found, tmp_path, "sub.a")

    assert _told(each) == (1, "web/charts/sub-0.1.0.tgz/values.yaml:1", [])


def test_imported_values_are_unknown(tmp_path: Path) -> None:
    more = DEPENDENCY + "    import-values: [data]\n"
    write(tmp_path, chart("exports:\n  data:\n    a: 1\n", path=f"{CHART}/charts/sub"))

    each = _one(service(tmp_path, {}, more=more), tmp_path, "a")

    assert each.value == 1
    assert "imports values" in each.unknown


def test_a_templated_layer_names_the_template_s_lines_where_they_are_certain(
    tmp_path: Path,
) -> None:
    loop = "{{- range $n := list 1 2 }}\nk{{ $n }}: {{ $n }}\n{{- end }}"
    template = f"{{{{ $x := 1 }}}}\n# plain\na: {{{{ $x }}}}\n{loop}\nz: 1\n"
    write(tmp_path, {f"{SERVICE}/v.yaml.gotmpl": template, **chart()})
    written = layer(
        tmp_path, "v.yaml.gotmpl", kind="template", content="\n# plain\na: 1\nk1: 1\nk2: 2\nz: 1\n"
    )

    found = release(tmp_path, [written])

    assert _told(_one(found, tmp_path, "a")) == (1, "v.yaml.gotmpl:3", [])
    assert _told(_one(found, tmp_path, "z")) == (1, "v.yaml.gotmpl:7", [])
    assert "template" in _one(found, tmp_path, "k1").unknown


def test_inline_values_are_known_by_file_only(tmp_path: Path) -> None:
    write(tmp_path, chart())
    inline = layer(tmp_path, "helmfile.yaml", kind="inline", content="a: 1\n")

    each = _one(release(tmp_path, [inline]), tmp_path, "a")

    assert each.winner is not None
    assert _short(each.winner.source) == "helmfile.yaml"
    assert "inline" in each.unknown


def test_what_helmfile_fetched_is_secret(tmp_path: Path) -> None:
    write(tmp_path, {f"{SERVICE}/v.yaml": "# note\na: ref+vault://x#/y\nb: 1\n", **chart()})
    fetched = layer(tmp_path, "v.yaml", content="a: fetched-from-vault\nb: 1\n")

    found = explain(release(tmp_path, [fetched]), tmp_path)

    assert "fetched-from-vault" not in str(visible.nested(visible.visible(found)))
    assert _told(next(each for each in found if each.name == "b")) == (1, "v.yaml:3", [])


def test_values_of_secret_layers_never_show(tmp_path: Path) -> None:
    files = {
        "private.yaml": "password: hunter22\npin: 12\non: true\nhosts: [secret-host]\n",
        "values.yaml": "url: db://hunter22@host\npin: 13\n",
    }

    found = visible.visible(explain(service(tmp_path, files), tmp_path))

    shown = str(visible.nested(found)) + str(found) + "".join(str(o.value) for e in found
                                                              for o in e.shadowed)  # fmt: skip
    assert not any(secret in shown for secret in ("hunter22", "secret-host"))
    assert str(visible.at(found, ("true",))).startswith("<secret")
    pin = next(each for each in found if each.name == "pin")
    assert pin.value == 13
    assert str(pin.shadowed[0].value).startswith("<secret")


def test_a_chart_that_is_fetched_from_elsewhere_leaves_its_defaults_out(tmp_path: Path) -> None:
    found = service(tmp_path, {"values.yaml": "a: 1\nb: null\n"})
    remote = replace(found, chart=replace(found.chart, path=None))

    assert _told(_one(remote, tmp_path, "a")) == (1, "values.yaml:1", [])
    assert "elsewhere" in _one(remote, tmp_path, "b").unknown


def test_a_typo_is_answered_with_near_matches(tmp_path: Path) -> None:
    found = explain(service(tmp_path, {"values.yaml": "image: {tag: 1}\n"}), tmp_path)

    with pytest.raises(UnknownName, match="imge") as raised:
        below(found, read_key("imge.tag"))
    assert "image.tag" in raised.value.why


def test_names_with_dots_are_written_with_backslashes(tmp_path: Path) -> None:
    found = service(tmp_path, {"values.yaml": "a:\n  x.y/z: 1\n"})

    assert [each.name for each in explain(found, tmp_path)] == ["a.x\\.y/z"]
    assert _told(_one(found, tmp_path, "a.x\\.y/z")) == (1, "values.yaml:2", [])


def test_a_layer_that_is_no_yaml_is_an_error_with_its_line(tmp_path: Path) -> None:
    found = service(tmp_path, {"values.yaml": "a: 1\nb: [\n"})

    with pytest.raises(UserError) as raised:
        explain(found, tmp_path)
    assert "values.yaml" in f"{raised.value.where} {raised.value.why}"


def test_an_edit_without_effect_names_the_line_that_overrides_it(tmp_path: Path) -> None:
    files = {
        "values.yaml": "a: 1\nb: 1\nc: {d: 1, e: 1}\n",
        "values-staging.yaml": "a: 2\nc:\n  e: 2\n",
    }
    explained = explain(service(tmp_path, files), tmp_path)

    def overriding(line: int) -> list[tuple[str, str]]:
        place = Source(f"{SERVICE}/values.yaml", line)
        found = shadowed_by(explained, place)
        return [(".".join(each.key), _short(each.by.source)) for each in found]

    assert overriding(1) == [("a", "values-staging.yaml:1")]
    assert overriding(2) == []
    assert overriding(3) == [("c.e", "values-staging.yaml:3")]


def test_the_edited_lines_of_a_range_that_are_overridden(tmp_path: Path) -> None:
    staging = {"values-staging.yaml": "a: [2]\n"}
    base, head = tmp_path / "base", tmp_path / "head"
    service(base, {"values.yaml": "a: 1\nb: 1\n", **staging}, defaults="c: 1\na: 0\n")
    found = service(
        head, {"values.yaml": "# moved\nb: 2\na: 3\n", **staging}, defaults="c: 2\na: 5\n"
    )

    edited = [f"{SERVICE}/values.yaml", f"{CHART}/values.yaml", "README.md"]
    overrides = overridden(base, head, edited, found)

    assert {(_short(each.line), _short(each.by.source)) for each in overrides} == {
        ("values.yaml:3", "values-staging.yaml:1"), ("web/values.yaml:2", "values-staging.yaml:1"),
    }  # fmt: skip


def test_nothing_is_left_behind_and_the_chart_stays_as_it_is(tmp_path: Path) -> None:
    found = service(tmp_path, {"values.yaml": "a: 1\n"}, templates={"x.yaml": "nonsense {{"})
    before = sorted(tmp_path.rglob("*"))

    explain(found, tmp_path)

    assert sorted(tmp_path.rglob("*")) == before
