"""The lines of chart and values that bring the items of a list, found by the name they share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from deploycharts.deployment.duplicates import Duplicate
from deploycharts.errors import UserError
from deploycharts.rendering.provenance import Provenance, explain
from deploycharts.rendering.release import Release
from deploycharts.source import Source


def of(duplicates: Sequence[Duplicate], release: Release, root: Path) -> list[tuple[Source, ...]]:
    """For each duplicate the lines that name it, in templates first; empty where none is found.

    Args:
        duplicates: of the release's documents.
        release: what was rendered.
        root: the top of the repository, where paths start.
    """
    if not duplicates:
        return []
    try:
        explained = explain(release, root)
    except UserError:  # the duplicate is told all the same
        explained = ()
    return [
        tuple(dict.fromkeys((*_in_templates(each, release, root), *_in_values(each, explained))))
        for each in duplicates
    ]


def _in_templates(each: Duplicate, release: Release, root: Path) -> Iterator[Source]:
    folder = release.chart.path
    if folder is None:
        return
    own = folder / each.template.partition("/")[2]
    yield from _lines(own, each, root)
    helpers = (folder / "templates").rglob("*.tpl")
    yield from (
        line for file in sorted(helpers) if file != own for line in _lines(file, each, root)
    )


def _lines(file: Path, each: Duplicate, root: Path) -> Iterator[Source]:
    name = re.escape(each.key[0][0])
    pattern = re.compile(rf"""\b{name}["']?:\s*["']?{re.escape(each.name)}["']?\s*(?:[,}}#]|$)""")
    try:
        text = file.read_text(errors="replace") if file.is_file() else ""
    except OSError:
        return
    shown = str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
    for number, line in enumerate(text.splitlines(), start=1):
        if pattern.search(line):
            yield Source(shown, number)


def _in_values(each: Duplicate, explained: Iterable[Provenance]) -> Iterator[Source]:
    """A key of that name, as in a map of variables; or a list or a scalar that holds it."""
    for value in explained:
        if value.winner is None or value.is_deleted:
            continue
        if (value.key and value.key[-1] == each.name) or _is_named(value.value, each):
            yield value.winner.source


def _is_named(value: object, each: Duplicate) -> bool:
    first = each.key[0][0]
    if isinstance(value, list):
        return any(isinstance(item, dict) and str(item.get(first)) == each.name for item in value)
    is_told = isinstance(value, str | int) and not isinstance(value, bool)
    return is_told and each.field in ("ports", "volumeMounts") and str(value) == each.name
