"""Values that may be shown: those of secret layers masked, wherever they turn up."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from deploycharts.changes.masking import Masker
from deploycharts.documents import Json
from deploycharts.rendering.marked import KeyPath, Origin
from deploycharts.rendering.provenance import Provenance, texts


def visible(explained: Sequence[Provenance]) -> tuple[Provenance, ...]:
    """The same with every secret value masked, by where it comes from and by what it is.

    Equal secrets of one call look the same.
    """
    masker = Masker(_secrets(explained), secrets.token_bytes(16))
    return tuple(
        replace(
            each,
            value=_shown(each.value, masker, is_secret=each.is_secret),
            winner=_origin(each.winner, masker) if each.winner else None,
            shadowed=tuple(_origin(origin, masker) for origin in each.shadowed),
        )
        for each in explained
    )


def nested(explained: Iterable[Provenance]) -> dict[str, Json]:
    """The values as the maps that templates see."""
    found: dict[str, Json] = {}
    for each in explained:
        if each.is_deleted:
            continue
        at = found
        for name in each.key[:-1]:
            inner = at.setdefault(name, {})
            assert isinstance(inner, dict)
            at = inner
        at[each.key[-1]] = each.value
    return found


def at(explained: Iterable[Provenance], key: KeyPath) -> Json:
    """The value of a key: a map, unless it is one of the values themselves."""
    value: Json = dict(nested(explained))
    for name in key:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _secrets(explained: Iterable[Provenance]) -> Iterator[str]:
    for each in explained:
        winner = (each.winner,) if each.winner else ()
        for origin in (*winner, *each.shadowed):
            if origin.secret:
                yield from texts(origin.value)
        if each.is_secret:
            yield from texts(each.value)


def _origin(origin: Origin, masker: Masker) -> Origin:
    return replace(origin, value=_shown(origin.value, masker, is_secret=origin.secret))


def _shown(value: Json, masker: Masker, *, is_secret: bool) -> Json:
    if is_secret and value not in (None, {}, []):
        return masker.mask(value if isinstance(value, str) else json.dumps(value, sort_keys=True))
    return masker.value(value)
