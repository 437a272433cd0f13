"""The names of service, environment and release as placeholders, exactly reversible.

`echo-main` of the release `main` of `echo` becomes `⟦service⟧-⟦release⟧`: the same change of
another service then looks the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from deploycharts.changes.model import Change, FieldPath, Item, Op, Scalar
from deploycharts.documents import Json, ObjectKey
from deploycharts.target import Target

_MARK = "⟦"
_PLACEHOLDER = re.compile("⟦(service|SERVICE|environment|release)⟧")
_PLAIN_FIELD = re.compile(r"^[A-Za-z][A-Za-z0-9]*$")
_FREE_FIELDS = frozenset(("data", "stringData", "labels", "annotations", "matchLabels"))


class Marked(ValueError):
    """A text has the mark of placeholders already: hiding names in it could not be reversed."""


def _words(target: Target) -> dict[str, str]:
    """Name → placeholder; where names are the same the service wins."""
    return {
        target.release: "⟦release⟧",
        target.environment: "⟦environment⟧",
        _capitals(target.service): "⟦SERVICE⟧",
        target.service: "⟦service⟧",
    }


def _capitals(name: str) -> str:
    return name.upper().replace("-", "_")


@lru_cache(maxsize=1024)
def _hiding(target: Target) -> Callable[[str], str]:
    words = {name: placeholder for name, placeholder in _words(target).items() if name}
    longest_first = sorted(words, key=lambda name: (-len(name), name))

    @lru_cache(maxsize=256)
    def hide(text: str) -> str:
        if _MARK in text:
            raise Marked(text)
        # A regular expression for each target takes longer than all that it replaces.
        found = [name for name in longest_first if name in text]
        parts, start = [], 0
        while place := _first(text, found, start):
            at, name = place
            parts += [text[start:at], words[name]]
            start = at + len(name)
        return "".join((*parts, text[start:])) if parts else text

    return hide


def _first(text: str, names: Sequence[str], start: int) -> tuple[int, str] | None:
    """The first of the names from `start` on that stands for itself, and where that is."""
    places = [(_whole(text, name, start), name) for name in names]
    there = [place for place in places if place[0] >= 0]
    return min(there, key=lambda place: place[0], default=None)


def _whole(text: str, name: str, start: int) -> int:
    """Where a name stands between other characters than letters and digits; -1 if nowhere."""
    at = text.find(name, start)
    while at >= 0:
        before, after = text[at - 1 : at] if at else "", text[at + len(name) : at + len(name) + 1]
        if not _is_of_word(before) and not _is_of_word(after):
            return at
        at = text.find(name, at + 1)
    return -1


def _is_of_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


@lru_cache(maxsize=1024)
def _showing(target: Target) -> Callable[[str], str]:
    names = {
        "service": target.service,
        "SERVICE": _capitals(target.service),
        "environment": target.environment,
        "release": target.release,
    }
    return lambda text: _PLACEHOLDER.sub(lambda found: names[found[1]], text)


def hide_names(change: Change, target: Target) -> Change:
    """The change with placeholders for the target's names.

    Raises:
        Marked: it has a text that looks like a placeholder.
    """
    return _translated(change, _hiding(target))


def show_names(change: Change, target: Target) -> Change:
    """The change as `target` has it."""
    return _translated(change, _showing(target))


def hide_in_text(text: str, target: Target) -> str:
    """A text with placeholders for the target's names; unchanged if it has some already."""
    try:
        return _hiding(target)(text)
    except Marked:
        return text


def substitute(text: str, *, service: str, environment: str, release: str) -> str:
    """A text with words of the caller's choice for the placeholders."""
    words = {"service": service, "environment": environment, "release": release}
    words["SERVICE"] = _capitals(service)
    return _PLACEHOLDER.sub(lambda found: words[found[1]], text)


def _translated(change: Change, words: Callable[[str], str]) -> Change:
    key = change.object
    return Change(
        change.op,
        ObjectKey(key.group, key.kind, words(key.namespace), words(key.name)),
        _path(change.path, words),
        _value(change.old, words),
        _order(change.new, words) if change.op is Op.MOVE else _value(change.new, words),
    )


def _path(path: FieldPath, words: Callable[[str], str]) -> FieldPath:
    found: list[object] = []
    parent: object = None
    for element in path:
        if isinstance(element, Item) and element.by:
            values = tuple((name, _scalar(value, words)) for name, value in element.by)
            found.append(replace(element, by=values))
        elif isinstance(element, str) and (parent in _FREE_FIELDS):
            found.append(words(element))
        else:
            found.append(element)
        parent = element
    return tuple(found)  # type: ignore[arg-type]


def _scalar(value: Scalar, words: Callable[[str], str]) -> Scalar:
    return words(value) if isinstance(value, str) else value


def _value(value: Json, words: Callable[[str], str]) -> Json:
    if isinstance(value, str):
        return words(value)
    if isinstance(value, dict):
        return {_field(name, words): _value(item, words) for name, item in value.items()}
    if isinstance(value, list):
        return [_value(item, words) for item in value]
    return value


def _field(name: str, words: Callable[[str], str]) -> str:
    # A service may be called `ports`: words of the API keep their meaning.
    return name if _PLAIN_FIELD.match(name) else words(name)


def _order(value: Json, words: Callable[[str], str]) -> Json:
    """Identities [[field, value], …] of items: the fields are words of the API."""
    if not isinstance(value, list):
        return _value(value, words)
    return [
        [[pair[0], _value(pair[1], words)] for pair in each if isinstance(pair, list)]
        if isinstance(each, list)
        else each
        for each in value
    ]
