"""Reading a mapping that somebody wrote: each key once, every problem with its line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from deploycharts.errors import UserError, unknown
from deploycharts.registry.marks import KeyPath
from deploycharts.source import Source

_Value = TypeVar("_Value")


@dataclass
class Fields:
    """One mapping; what is wrong with it goes to `problems`, and the default is returned.

    Attributes:
        what: what the mapping is, as in "http".
        source: the file.
        lines: of the file's keys, see `registry.marks`.
        path: where the mapping stands in the file.
        problems: shared by all mappings of a file.
    """

    body: Mapping[str, object]
    what: str
    source: Source
    lines: Mapping[KeyPath, int]
    path: KeyPath
    problems: list[UserError]
    _read: set[str] = field(default_factory=set)

    def at(self, *keys: str) -> Source:
        """Where a key stands; the mapping itself without one."""
        path = (*self.path, *keys)
        while path and path not in self.lines:
            path = path[:-1]
        return Source(self.source.path, self.lines.get(path, self.source.line))

    def wrong(self, what: str, *keys: str, why: str = "") -> None:
        """Note a problem of a key."""
        self.problems.append(UserError(what, where=self.at(*keys), why=why))

    def raw(self, key: str) -> object:
        """The value of a key as it was written, None if it is missing."""
        self._read.add(key)
        return self.body.get(key)

    def inner(self, key: str) -> Fields:
        """The mapping under a key; an empty one if nothing stands there."""
        value = self._typed(key, dict, {}, "a mapping")
        return Fields(value, key, self.source, self.lines, (*self.path, key), self.problems)

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        """A text that is not empty."""
        if required and self.body.get(key) is None:
            self._read.add(key)
            self.wrong(f"{self.what} does not say: {key}")
            return default
        value = self._typed(key, str, default, "a text")
        if value == "" and self.body.get(key) is not None:
            self.wrong(f"{self.what}: {key} is empty", key)
        return value

    def one_of(self, key: str, known: Collection[str], default: str) -> str:
        """One of some words."""
        value = self.text(key, default)
        if value in known:
            return value
        self.misspelled(key, value, known, key)
        return default

    def whole(self, key: str, default: int, *, least: int, most: int | None = None) -> int:
        """A whole number."""
        value = self._typed(key, int, default, "a whole number")
        if value < least or (most is not None and value > most):
            span = f"at least {least}" if most is None else f"{least} to {most}"
            self.wrong(f"{self.what}: {key} is {value}, not {span}", key)
            return default
        return value

    def number(self, key: str, default: _Value) -> float | _Value:
        """A number."""
        value = self.raw(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(f"{self.what}: {key} is {value!r}, not a number", key)
            return default
        return float(value)

    def seconds(self, key: str, default: float) -> float:
        """A time in seconds, more than none."""
        value = self.number(key, default)
        if not 0 < value < float("inf"):
            self.wrong(f"{self.what}: {key} is {value:g}, not a time in seconds", key)
            return default
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty if nothing stands there."""
        value = self._typed(key, list, [], "a list of texts")
        wrong = [each for each in value if not isinstance(each, str) or not each]
        if wrong:
            self.wrong(f"{self.what}: {key} has {wrong[0]!r}, which is no text", key)
        return tuple(each for each in value if isinstance(each, str))

    def misspelled(self, kind: str, name: str, known: Collection[str], *keys: str) -> None:
        """Note that `name` is none of the `known` ones, with near matches."""
        error = unknown(kind, name, known)
        self.wrong(error.what, *keys, why=error.why)

    def done(self) -> None:
        """Note the keys that nobody asked for."""
        for key in self.body:
            if key not in self._read:
                self.misspelled(f"key of {self.what}", str(key), self._read, str(key))

    def _typed(self, key: str, wanted: type[_Value], default: _Value, called: str) -> _Value:
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            self.wrong(f"{self.what}: {key} is {value!r}, not {called}", key)
            return default
        return value
