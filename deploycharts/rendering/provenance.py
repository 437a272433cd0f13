"""Where the values of a release come from, checked leaf by leaf against Helm's answer.

What the layers say is followed by Helm's rules and compared with what Helm says. Where the two
disagree, or where the line cannot be known, the answer is "unknown" with the reason, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from deploycharts.documents import Json
from deploycharts.errors import unknown
from deploycharts.rendering.chartfiles import read_chart
from deploycharts.rendering.layers import chart_defaults, shown, user_values
from deploycharts.rendering.marked import KeyPath, Leaf, Marked, Origin, Table, leaves, show_key
from deploycharts.rendering.merging import Coalesced, Defaults, coalesce
from deploycharts.rendering.release import Release
from deploycharts.rendering.values import Effective, effective
from deploycharts.source import Source

_DISAGREES = "the layers, read by Helm's rules as we know them, give something else than Helm says"
_NOT_FOUND = "no layer, default or `set` is known to set it"
_NULLS = "null in the chart's defaults meets a default of a subchart"
_IMPORTED = "the chart imports values of its subcharts"
_NO_DEFAULTS = Defaults(Table(Origin(Source(""))))
_REMOTE = "the chart is fetched from elsewhere, so that its own defaults are not known"


@dataclass(frozen=True, slots=True)
class Provenance:
    """One value that templates see, or one that null took away, and where it comes from.

    Attributes:
        key: the path of a scalar, a list or an empty map.
        value: as Helm says; never to be shown if `is_secret`.
        winner: what sets it; None if that is not known.
        shadowed: what else sets it, in vain: highest layer first, the chart's default last.
        unknown: why the winner is not certain; empty if it is.
        is_deleted: null takes the key away, templates do not see it.
    """

    key: KeyPath
    value: Json = field(repr=False, hash=False)
    winner: Origin | None
    shadowed: tuple[Origin, ...]
    unknown: str = ""
    is_deleted: bool = False
    is_secret: bool = False

    @property
    def name(self) -> str:
        """The key as people write it."""
        return show_key(self.key)


@dataclass(frozen=True, slots=True)
class Override:
    """A line without effect in a release, because another one sets the same key."""

    key: KeyPath
    line: Source
    by: Origin
    is_deleted: bool


def explain(release: Release, root: Path) -> tuple[Provenance, ...]:
    """Every value of a release with the line that sets it and the lines that it shadows.

    Args:
        release: one that is installed.
        root: the top of the repository, where the paths of sources start.

    Raises:
        UserError: a layer is not valid, or Helm cannot merge the values.
    """
    path = release.chart.path
    chart = read_chart(path, shown(path, root)) if path else None
    asked = effective(release, chart)
    defaults = chart_defaults(chart, asked.subcharts) if chart else _NO_DEFAULTS
    merged = coalesce(user_values(release, root), defaults)
    imports = chart is not None and any(each.get("import-values") for each in chart.dependencies)
    missing = _IMPORTED if imports else _NOT_FOUND
    _doubt_nulls(merged.values, defaults)
    return tuple(_explained(asked, merged, missing))


def below(explained: Sequence[Provenance], key: KeyPath) -> tuple[Provenance, ...]:
    """The values at and below a key.

    Raises:
        UnknownName: there is no such key; near matches are named.
    """
    found = tuple(each for each in explained if each.key[: len(key)] == key)
    if not found:
        known = {
            show_key(each.key[:length])
            for each in explained
            for length in range(1, len(each.key) + 1)
        }
        raise unknown("value", show_key(key), known)
    return found


def shadowed_by(explained: Iterable[Provenance], line: Source) -> tuple[Override, ...]:
    """What a line says in vain in this release, each with the line that overrides it.

    A line that sets several keys may be overridden for some of them only; a line that wins, or that
    sets nothing, gives nothing.
    """
    return tuple(
        Override(each.key, line, each.winner, each.is_deleted)
        for each in explained
        if each.winner is not None
        and not each.unknown
        and not each.winner.covers(line)
        and any(origin.covers(line) for origin in each.shadowed)
    )


def _explained(asked: Effective, merged: Coalesced, missing: str) -> Iterator[Provenance]:
    ours = dict(_with_parents(merged.values))
    secrets = _secret_texts((*ours.values(), *merged.deleted.values()))
    for key, value in _leaves(asked.values):
        found = ours.get(key)
        reason = _doubt(value, found, missing)
        if not asked.is_complete and value is None:
            reason = reason or _REMOTE
        winner = None if found is None or reason in (missing, _DISAGREES) else found.origin
        is_secret = winner.secret if winner else not secrets.isdisjoint(texts(value))
        shadowed = _distinct(found.shadowed if found else (), winner)
        yield Provenance(key, value, winner, shadowed, reason, is_secret=is_secret)
    for key, leaf in merged.deleted.items():
        if not _is_there(asked.values, key):
            shadowed = _distinct(leaf.shadowed, leaf.origin)
            doubt = leaf.origin.doubt
            yield Provenance(key, None, leaf.origin, shadowed, doubt, is_deleted=True)


def _doubt_nulls(values: Marked, chart: Defaults) -> None:
    """Mark what a subchart sets although its parent's defaults say null: helm's rules vary."""
    for name, subchart in chart.subcharts.items():
        found = values.items.get(name) if isinstance(values, Table) else None
        nulls = chart.values.items.get(name)
        folder = subchart.values.origin.source.path.rpartition("/")[0]
        if found is not None and nulls is not None:
            _doubt_below(found, nulls, folder)
        if found is not None:
            _doubt_nulls(found, subchart)


def _doubt_below(values: Marked, nulls: Marked, folder: str) -> None:
    if isinstance(nulls, Leaf) and nulls.origin.value is None:
        for _, leaf in leaves(values):
            if leaf.origin.source.path.startswith(f"{folder}/"):
                leaf.origin = replace(leaf.origin, doubt=leaf.origin.doubt or _NULLS)
    elif isinstance(nulls, Table) and isinstance(values, Table):
        for name in nulls.items.keys() & values.items.keys():
            _doubt_below(values.items[name], nulls.items[name], folder)


def texts(value: Json) -> Iterator[str]:
    """All scalars in a value, as texts; truth values and null say nothing."""
    if isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif value is not None and not isinstance(value, bool) and value != "":
        yield str(value)


def _secret_texts(leaves: Iterable[Leaf]) -> frozenset[str]:
    origins = (origin for leaf in leaves for origin in (leaf.origin, *leaf.shadowed))
    return frozenset(text for each in origins if each.secret for text in texts(each.value))


def _doubt(value: Json, found: Leaf | None, missing: str) -> str:
    if found is None:
        return missing
    if not _is_same(found.origin.value, value):
        return found.origin.doubt or _DISAGREES
    return found.origin.doubt


def _with_parents(
    value: Marked, key: KeyPath = (), above: tuple[Origin, ...] = ()
) -> Iterator[tuple[KeyPath, Leaf]]:
    """The leaves by path; a map's own shadows, such as a scalar below it, are theirs too."""
    shadowed = (*value.shadowed, *above)
    if isinstance(value, Table) and value.items:
        for name, item in value.items.items():
            yield from _with_parents(item, (*key, name), shadowed)
    elif key:
        yield key, Leaf(value.origin, shadowed)


def _leaves(values: Mapping[str, Json], key: KeyPath = ()) -> Iterator[tuple[KeyPath, Json]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*key, name))
        else:
            yield (*key, name), value


def _is_same(ours: Json, helms: Json) -> bool:
    """Whether two values are the same to Helm, for which all numbers are floats."""
    if isinstance(ours, bool) or isinstance(helms, bool):
        return ours is helms
    if isinstance(ours, int | float) and isinstance(helms, int | float):
        return float(ours) == float(helms)
    if isinstance(ours, list) and isinstance(helms, list):
        return len(ours) == len(helms) and all(map(_is_same, ours, helms))
    if isinstance(ours, dict) and isinstance(helms, dict):
        return ours.keys() == helms.keys() and all(_is_same(ours[k], helms[k]) for k in ours)
    return type(ours) is type(helms) and ours == helms


def _is_there(values: Mapping[str, Json], key: KeyPath) -> bool:
    at: object = values
    for name in key:
        if not isinstance(at, Mapping) or name not in at:
            return False
        at = at[name]
    return True


def _distinct(origins: Iterable[Origin], winner: Origin | None) -> tuple[Origin, ...]:
    """Each place once; defaults of subcharts can arrive on two ways."""
    seen = {winner.source} if winner else set()
    found = []
    for each in origins:
        if each.source.line is None or each.source not in seen:
            seen.add(each.source)
            found.append(each)
    return tuple(found)
