"""Values on Helm's command line: `set` and its kin, in Helm's own syntax."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploycharts.documents import Json
from deploycharts.rendering.marked import KeyPath, Leaf, Marked, Origin, Table
from deploycharts.rendering.merging import over
from deploycharts.rendering.release import Release
from deploycharts.source import Source

SET = "the state file sets it, in a line that could not be found"
PARTLY = "`set` changes a part of it"

# Helm applies them kind by kind, whatever their order on the command line.
_KINDS = ("--set-json", "--set", "--set-string", "--set-file", "--set-literal")
_INT = re.compile(r"[-+]?[1-9][0-9]*|[-+]0[0-9]*|0")


@dataclass(frozen=True, slots=True)
class Setting:
    """One assignment; `is_partial` if it changes an item of a list, or maps in JSON."""

    path: KeyPath
    value: Json
    is_partial: bool = False


def apply(values: Table, release: Release, state: Source, text: str) -> Table:
    """The values with what the command line sets over them.

    Args:
        values: what the layers say.
        release: whose recorded arguments count.
        state: the state file, as users type it.
        text: the state file's text, to find the lines.
    """
    for setting in settings(release.argv, release.folder):
        line = _line(setting.path, text)
        origin = Origin(
            Source(state.path, line),
            last_line=line and line + 1,
            value=setting.value,
            secret="ref+" in text,
            doubt=PARTLY if setting.is_partial else "" if line else SET,
        )
        values = _put(values, setting.path, Leaf(origin))
    return values


def settings(argv: tuple[str, ...], folder: Path) -> Iterator[Setting]:
    """The assignments in helm's arguments, in the order of their effect."""
    for kind in _KINDS:
        for flag, words in itertools.pairwise(argv):
            if flag == kind:
                yield from _parse(kind, words, folder)


def _parse(kind: str, words: str, folder: Path) -> Iterator[Setting]:
    if kind == "--set-json" and words.lstrip().startswith("{"):
        for name, value in json.loads(words).items():
            yield Setting((name,), value, is_partial=True)
        return
    whole = kind in ("--set-json", "--set-literal")
    for assignment in [words] if whole else _split(words, ","):
        name, _, text = assignment.partition("=")
        key, bracket, _ = name.partition("[")
        path = tuple(_unescaped(part) for part in _split(key, "."))
        is_partial = bool(bracket) or kind == "--set-json"
        yield Setting(path, _value(kind, text, folder), is_partial)


def _value(kind: str, text: str, folder: Path) -> Json:
    if kind == "--set-file":
        file = folder / _unescaped(text)
        return file.read_text(errors="replace") if file.is_file() else None
    if kind in ("--set-json", "--set-literal"):
        return text
    read = _unescaped if kind == "--set-string" else _typed
    if text.startswith("{") and text.endswith("}"):
        return [read(item) for item in _split(text[1:-1], ",")]
    return read(text)


def _typed(text: str) -> Json:
    word = _unescaped(text)
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    if word.lower() == "null":
        return None
    return int(word) if _INT.fullmatch(word) and abs(int(word)) < 2**63 else word


def _split(text: str, separator: str) -> list[str]:
    """The parts between separators that are neither escaped nor within braces."""
    parts = [""]
    depth = 0
    for sign in re.findall(r"\\.|.", text, re.DOTALL):
        depth += (sign == "{") - (sign == "}" and depth > 0)
        if sign == separator and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _put(values: Table, path: KeyPath, leaf: Leaf) -> Table:
    """A copy with `leaf` at `path` instead of what is there."""
    name, *rest = path
    items: dict[str, Marked] = dict(values.items)
    old = items.get(name)
    if rest:
        inner = old if isinstance(old, Table) else Table(leaf.origin)
        items[name] = _put(inner, tuple(rest), leaf)
    else:
        items[name] = over(leaf, old)
    return Table(values.origin, items, values.shadowed)


def _line(path: KeyPath, text: str) -> int | None:
    """The one line of a state file that sets `path`."""
    name = re.escape(".".join(part.replace(".", "\\.") for part in path))
    pattern = re.compile(rf"\bname:\s*[\"']?{name}[\"']?\s*[,}}]?(?:$|\s)")
    found = [number for number, line in enumerate(text.split("\n"), 1) if pattern.search(line)]
    return found[0] if len(found) == 1 else None
