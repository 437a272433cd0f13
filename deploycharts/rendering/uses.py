"""Which values the templates of a chart can read, found in their text.

Whatever is not plain counts as read: a map that is passed on as a whole (`toYaml .Values.x`,
`with`, `range`, a variable), a key that is computed, what templates of subcharts read and the
other way round. What remains is certain: no template can read it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from deploycharts.rendering.chartfiles import ChartFiles
from deploycharts.rendering.marked import KeyPath
from deploycharts.source import Source

_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_ACTION = re.compile(
    r"\{\{(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|'(?:\\.|[^'\\])*'|(?!\}\}).)*\}\}", re.DOTALL
)
_USE = re.compile(r"\.Values\b((?:\.\w+)*)")
_TEST = re.compile(r"^\{\{-?\s*(?:else\s+)?if\b")
_TEST_WORDS = re.compile(
    r"\b(?:else|if|and|or|not|eq|ne|empty)\b|\"[^\"]*\"|[$\w]*\.[$.\w]*|[-\s(){}\d]"
)
_LOOKED_UP = re.compile(r"\b(?:index|get|hasKey)\s+\(?[$\w]*$")
_DUG = re.compile(r"\bdig((?:\s+\"[^\"]*\")+)(\s+[^\s\"()]+)?\s+\(?[$\w]*$")
_LITERALS = re.compile(r"^((?:\s+\"[^\"]*\")+)")
_LITERAL = re.compile(r"\"([^\"]*)\"")
_NOT_READ = frozenset(
    ("Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json", "README.md", ".helmignore")
)


@dataclass(frozen=True, slots=True)
class Use:
    """A place that reads a value and, unless it is only a test, everything in it."""

    key: KeyPath
    is_test: bool
    source: Source


@dataclass(frozen=True, slots=True)
class Uses:
    """What the templates of a chart and of its subcharts read.

    Attributes:
        places: each in the words of the chart whose template it is.
        prefixes: where the values of the chart and of each subchart begin.
    """

    places: tuple[Use, ...]
    prefixes: tuple[KeyPath, ...]

    def reading(self, key: KeyPath, filled: Collection[KeyPath] = ()) -> Use | None:
        """A place that can read `key`; None if no template can.

        Args:
            key: from the top of the values.
            filled: maps that are never empty: to test one says nothing of a key in it.
        """
        for prefix in self.prefixes:
            if key[: len(prefix)] != prefix:
                continue
            own = key[len(prefix) :]
            for use in self.places:
                if _reads(use, own, is_filled=(*prefix, *use.key) in filled):
                    return use
        return None

    def names(self) -> frozenset[KeyPath]:
        """Every key that is read by its name."""
        return frozenset(
            (*prefix, *use.key) for prefix in self.prefixes for use in self.places if use.key
        )


def uses_of(chart: ChartFiles, texts: Iterable[str] = ()) -> Uses:
    """What the templates of a chart read.

    Args:
        chart: its files.
        texts: values that may be templates themselves, for `tpl`.
    """
    charts = [(prefix, each) for prefix, each in _charts(chart, ())]
    places: list[Use] = []
    for _, each in charts:
        templates = [(at, text) for at, text in each.texts() if "/templates/" in at]
        others = [(at, text) for at, text in each.texts() if _may_be_template(at)]
        has_tpl = any(re.search(r"\btpl\b", text) for _, text in templates)
        for at, text in [*templates, *(others if has_tpl else ())]:
            places += _uses(text, at)
        if has_tpl:
            places += [use for text in texts for use in _uses(text, "a value given to `tpl`")]
        places += _declared(each)
    return Uses(tuple(dict.fromkeys(places)), tuple(prefix for prefix, _ in charts))


def _reads(use: Use, key: KeyPath, *, is_filled: bool) -> bool:
    if use.key[: len(key)] == key:
        return True
    return key[: len(use.key)] == use.key and not (use.is_test and is_filled)


def _charts(chart: ChartFiles, prefix: KeyPath) -> Iterator[tuple[KeyPath, ChartFiles]]:
    yield prefix, chart
    for each in chart.subcharts:
        for name in chart.names_of(each):
            yield from _charts(each, (*prefix, name))


def _may_be_template(path: str) -> bool:
    return "/templates/" not in path and path.rpartition("/")[2] not in _NOT_READ


def _uses(text: str, path: str) -> Iterator[Use]:
    blanked = _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for action in _ACTION.finditer(blanked):
        is_test = bool(_TEST.match(action[0])) and not _TEST_WORDS.sub("", action[0])
        for use in _USE.finditer(action[0]):
            line = blanked.count("\n", 0, action.start() + use.start()) + 1
            key = _key(use[1], action[0][: use.start()], action[0][use.end() :])
            yield Use(key, is_test, Source(path, line))


def _key(chain: str, before: str, after: str) -> KeyPath:
    """The key of a chain like `.a.b`, further where functions look up literal names in it."""
    key = tuple(name for name in chain.split(".") if name)
    if key[:1] == ("AsMap",):
        key = ()
    dug = _DUG.search(before)
    if dug:
        names = _LITERAL.findall(dug[1])
        return (*key, *(names if dug[2] else names[:-1]))
    named = _LITERALS.match(after) if _LOOKED_UP.search(before) else None
    return (*key, *_LITERAL.findall(named[1])) if named else key


def _declared(chart: ChartFiles) -> Iterator[Use]:
    """What Chart.yaml reads: conditions and tags of subcharts, and values that are imported."""
    source = Source(f"{chart.shown}/Chart.yaml")
    for each in chart.dependencies:
        name = str(each.get("alias") or each.get("name"))
        for condition in str(each.get("condition") or "").split(","):
            if condition.strip():
                yield Use(tuple(condition.strip().split(".")), True, source)
        if each.get("tags"):
            yield Use(("tags",), False, source)
        imported = each.get("import-values")
        for item in imported if isinstance(imported, list) else ():
            child = f"exports.{item}" if isinstance(item, str) else ""
            child = str(item.get("child")) if isinstance(item, dict) else child
            yield Use((name, *child.split(".")), False, source)
