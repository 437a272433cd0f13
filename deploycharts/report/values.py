"""Old and new values as a person reads them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import yaml

from deploycharts.changes.embedded import Ambiguous
from deploycharts.changes.model import Change, Op
from deploycharts.changes.texts import read_hunks
from deploycharts.documents import Json

_LONG = 24
_MOST_LINES = 6
_OTHER = re.compile(r"true|false|null|~|-?[0-9.]+|[yn]|yes|no|on|off", re.IGNORECASE)
_SEPARATORS = re.compile(r"[/:=,;@?&\s]")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a value; the sign says whether it goes (-), comes (+) or is a remark (space)."""

    sign: str
    text: str


def inline(change: Change) -> str | None:
    """The change of a value on one line, None if it needs several."""
    if not change.path or change.op is Op.PATCH:
        return None
    if change.op is Op.MOVE:
        return "another order"
    if change.op is Op.REPLACE:
        if _is_big(change.old) or _is_big(change.new):
            return None
        old, new = short_pair(_scalar(change.old), _scalar(change.new))
        return f"{old} → {new}"
    value = change.new if change.op is Op.ADD else change.old
    sign = "+" if change.op is Op.ADD else "-"
    return None if _is_big(value) else f"{sign} {_scalar(value)}"


def lines(change: Change, *, full: bool) -> list[Line]:
    """The change of a value on several lines; without `full` the first few of each side."""
    if not change.path:
        return _object_lines(change, full=full)
    if change.op is Op.PATCH:
        return _hunk_lines(change.new, full=full)
    found = []
    if change.op in (Op.REMOVE, Op.REPLACE):
        found += _signed("-", change.old, full=full)
    if change.op in (Op.ADD, Op.REPLACE):
        found += _signed("+", change.new, full=full)
    if change.op is Op.MOVE:
        found += _signed("+", change.new, full=full)
    return found


def short_pair(old: str, new: str) -> tuple[str, str]:
    """Two long values without the beginning that they share: `…/echo:1.2` → `1.3`."""
    if min(len(old), len(new)) < _LONG or "\n" in old + new:
        return old, new
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    starts = [found.end() for found in _SEPARATORS.finditer(old[:same])]
    if not starts or starts[-1] < _LONG // 2:
        return old, new
    before = starts[-2] if len(starts) > 1 else starts[-1]
    return f"…{old[before:]}", new[starts[-1] :]


def _is_big(value: Json) -> bool:
    if isinstance(value, str):
        return "\n" in value
    return isinstance(value, dict | list) and len(_flow(value)) > 2 * _LONG


def _scalar(value: Json) -> str:
    if isinstance(value, Ambiguous):
        return value
    if isinstance(value, str):
        quoted = not value or value != value.strip() or _reads_as_other(value)
        return json.dumps(value, ensure_ascii=False) if quoted else value
    return _flow(value)


def _reads_as_other(text: str) -> bool:
    """Whether a text needs quotes so that nobody takes it for a number or a boolean."""
    return _OTHER.fullmatch(text) is not None


def _flow(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _object_lines(change: Change, *, full: bool) -> list[Line]:
    if change.op is Op.MOVE:
        old = change.old.get("name") if isinstance(change.old, dict) else ""
        return [Line(" ", f"renamed from {old}: the old one goes, a new one comes")]
    added = change.op is Op.ADD
    value = change.new if added else change.old
    headline = Line("+" if added else "-", "created" if added else "removed")
    return [headline, *_signed(headline.sign, value, full=full)] if full else [headline]


def _signed(sign: str, value: Json, *, full: bool) -> list[Line]:
    text = value if isinstance(value, str) else _yaml(value)
    return _bounded([Line(sign, line) for line in text.rstrip("\n").split("\n")], full=full)


def _yaml(value: Json) -> str:
    plain = json.loads(json.dumps(value))
    text = yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=10_000)
    return text.removesuffix("...\n") if isinstance(text, str) else ""


def _hunk_lines(hunks: Json, *, full: bool) -> list[Line]:
    found = []
    for first, removed, inserted in read_hunks(hunks):
        if full:
            found.append(Line(" ", f"line {first + 1}:"))
        found += [Line("-", text) for text in removed]
        found += [Line("+", text) for text in inserted]
    return _bounded(found, full=full)


def _bounded(found: list[Line], *, full: bool) -> list[Line]:
    if full or len(found) <= _MOST_LINES + 1:
        return found
    return [*found[:_MOST_LINES], Line(" ", f"… {len(found) - _MOST_LINES} more lines")]
