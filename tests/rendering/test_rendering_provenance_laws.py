"""The laws of provenance, with helm itself on random layers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from deploycharts.documents import Json
from deploycharts.errors import UserError
from deploycharts.rendering.chartfiles import read_chart
from deploycharts.rendering.marked import KeyPath
from deploycharts.rendering.provenance import Provenance, explain
from deploycharts.rendering.values import effective
from deploycharts.source import Source
from tests.rendering.values_builders import CHART, SERVICE, chart, layer, release, write

pytestmark = pytest.mark.slow

Tree: TypeAlias = "dict[str, Tree | str]"

KEYS = ["a", "b", "on", "sub", "global"]
SCALARS = """1 0 yes off null ~ "x" x 0644 1_000 12:30 1e3 12345678901234567890 1.50 2024-01-01 []
{} .5 0x1F -0 010 08 "null" '1' y 0o17 +1 1. = [1,yes,null]""".split()

LAYERS = [f"{SERVICE}/values.yaml", f"{SERVICE}/values-staging.yaml", f"{SERVICE}/values-main.yaml"]
DEFAULTS = [f"{CHART}/values.yaml", f"{CHART}/charts/sub/values.yaml"]

scalars = st.sampled_from(SCALARS)
inner = st.dictionaries(st.sampled_from(KEYS), scalars, min_size=1, max_size=3)
values = st.dictionaries(
    st.sampled_from(KEYS),
    scalars | inner | st.dictionaries(st.sampled_from(KEYS), scalars | inner, max_size=2),
    min_size=1,
    max_size=4,
)
cases = st.fixed_dictionaries({name: values for name in (*LAYERS, *DEFAULTS)})


@dataclass(frozen=True)
class Line:
    """A line that sets a key to a scalar, a list or {}."""

    place: Source
    key: KeyPath


def render(tree: Tree, path: str) -> tuple[str, list[Line]]:
    """The tree as YAML, one key a line."""
    text: list[str] = []
    lines: list[Line] = []

    def add(node: Tree, above: KeyPath) -> None:
        for name, value in node.items():
            head = "  " * len(above) + f"{name}:"
            key = (*above, "true" if name == "on" else name)
            if isinstance(value, dict) and value:
                text.append(head)
                add(value, key)
            else:
                text.append(f"{head} {value or '{}'}")
                lines.append(Line(Source(path, len(text)), key))

    add(tree, ())
    return "\n".join(text) + "\n", lines


class Case:
    """A release in a folder of its own, whose lines can be edited."""

    def __init__(self, root: Path, trees: dict[str, Tree]) -> None:
        self.root = root
        self.lines: list[Line] = []
        self.texts: dict[str, str] = {}
        for path, tree in trees.items():
            self.texts[path], lines = render(tree, path)
            self.lines += lines
        write(root, chart())
        write(root, chart(path=f"{CHART}/charts/sub"))

    def explain(self) -> tuple[Provenance, ...]:
        write(self.root, self.texts)
        layers = [layer(self.root, name) for name in LAYERS]
        return explain(release(self.root, layers), self.root)

    def edited(self, places: set[Source]) -> Json:
        """What helm says when all these lines set something else."""
        texts = {path: text.split("\n") for path, text in self.texts.items()}
        for place in places:
            assert place.line is not None
            line = texts[place.path][place.line - 1]
            texts[place.path][place.line - 1] = line.split(":", 1)[0] + ": CHANGED"
        write(self.root, {path: "\n".join(lines) for path, lines in texts.items()})
        layers = [layer(self.root, name) for name in LAYERS]
        return dict(
            effective(release(self.root, layers), read_chart(self.root / CHART, CHART)).values
        )


def at(values: Json, key: KeyPath) -> Json:
    for name in key:
        if not isinstance(values, dict) or name not in values:
            return "(nothing)"
        values = values[name]
    return values


def is_same(ours: Json, helms: Json) -> bool:
    """Numbers are floats to helm, true is not 1."""
    if isinstance(ours, bool) or isinstance(helms, bool):
        return ours is helms
    if isinstance(ours, int | float) and isinstance(helms, int | float):
        return float(ours) == float(helms)
    return ours == helms


def maps_around(key: KeyPath) -> set[KeyPath]:
    """The maps that a key lies in; globals of a subchart may be those of the chart."""
    found = {key[:length] for length in range(len(key))}
    if key[:2] == ("sub", "global"):
        found |= {inner[1:] for inner in found}
    return found


def lines_beside(case: Case, each: Provenance) -> Iterator[Source]:
    """All lines but the named one and those of maps around the key."""
    assert each.winner is not None
    around = maps_around(each.key)
    for line in case.lines:
        key = ("sub", *line.key) if line.place.path == DEFAULTS[1] else line.key
        if not each.winner.covers(line.place) and key not in around:
            yield line.place


# Each example asks helm three times: a failing one is shown as it is, not shrunk.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(trees=cases, data=st.data())
def test_editing_the_named_line_changes_the_value_and_no_other_line_does(
    trees: dict[str, Tree], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        case = Case(Path(folder), trees)
        try:
            explained = case.explain()
        except UserError:
            assume(False)  # helm refuses a subchart's values that are no map
        known = [each for each in explained if not each.unknown]
        assert all(each.winner and is_same(each.winner.value, each.value) for each in known)
        assume(known)
        each = data.draw(st.sampled_from(known))
        assert each.winner is not None
        before = "(nothing)" if each.is_deleted else each.value
        try:
            changed = case.edited({each.winner.source})
            others = case.edited(set(lines_beside(case, each)))
        except UserError:
            assume(False)
        assert at(changed, each.key) == "CHANGED"
        assert at(others, each.key) == before
