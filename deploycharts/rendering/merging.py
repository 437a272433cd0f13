"""Helm's rules for merging values, followed on values that know their lines.

They are two: files over each other, and the result over the defaults of the chart and its
subcharts, where null deletes. This is Helm's own algorithm (`MergeMaps`, `CoalesceValues`), kept
step by step so that it can be compared; whether it gives the same is checked each time against
Helm's answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from deploycharts.rendering.marked import (
    KeyPath,
    Leaf,
    Marked,
    Origin,
    Table,
    copy,
    origins,
    with_origins,
)

GLOBAL = "global"
CONFLICT = "a global is a map here and something else in the chart above"


@dataclass(frozen=True, slots=True)
class Defaults:
    """The default values of a chart, and the subcharts that are enabled, by name or alias."""

    values: Table
    subcharts: Mapping[str, Defaults] = field(default_factory=dict)
    declares_dependencies: bool = False


@dataclass(slots=True)
class Coalesced:
    """All values of a release, and the keys that null took away."""

    values: Table
    deleted: dict[KeyPath, Leaf]


def merge_files(low: Table, high: Table) -> Table:
    """Values of one file over those of another: maps merge, all else replaces, null as well."""
    items = dict(low.items)
    for key, value in high.items.items():
        old = items.get(key)
        if isinstance(value, Table) and isinstance(old, Table):
            items[key] = merge_files(old, value)
        else:
            items[key] = over(value, old)
    return Table(high.origin, items, (*high.shadowed, *low.shadowed))


def coalesce(user: Table, chart: Defaults) -> Coalesced:
    """The user's values over the defaults of a chart and its subcharts."""
    copied = copy(user)
    assert isinstance(copied, Table)
    merger = _Merger()
    merger.chart(copied, _prepared(chart), (), merge=False)
    return Coalesced(copied, merger.deleted)


def _prepared(chart: Defaults) -> Defaults:
    """The chart as Helm sees it after its dependencies: their defaults are among its own."""
    subcharts = {name: _prepared(each) for name, each in chart.subcharts.items()}
    prepared = replace(chart, subcharts=subcharts)
    if not chart.declares_dependencies:
        return prepared
    values = Table(chart.values.origin)
    _Merger().chart(values, prepared, (), merge=True)
    return replace(prepared, values=values)


class _Merger:
    def __init__(self) -> None:
        self.deleted: dict[KeyPath, Leaf] = {}

    def chart(self, dest: Table, chart: Defaults, path: KeyPath, *, merge: bool) -> None:
        """Put the defaults of a chart and then of its subcharts under `dest`."""
        self._defaults(dest, chart, path, merge=merge)
        for name, subchart in chart.subcharts.items():
            own = dest.items.setdefault(name, Table(subchart.values.origin))
            if isinstance(own, Table):  # else Helm refuses to render at all
                _put_globals(own, dest)
                self.chart(own, subchart, (*path, name), merge=merge)

    def _defaults(self, dest: Table, chart: Defaults, path: KeyPath, *, merge: bool) -> None:
        for key, default in chart.values.items.items():
            here = (*path, key)
            old = dest.items.get(key)
            if old is None:
                kept = copy(default) if merge else _without_nulls(default)
                if kept is not None:
                    dest.items[key] = kept
            elif _is_null(old):
                dest.items[key] = over(old, default)
                if not merge:
                    self._delete(dest, key, here)
            elif isinstance(old, Table) and isinstance(default, Table):
                is_merged = merge or key in chart.subcharts
                source = copy(default) if is_merged else _without_nulls(default)
                assert isinstance(source, Table)
                self._tables(old, source, here, merge=is_merged)
            else:
                dest.items[key] = over(old, default)

    def _tables(self, dest: Table, source: Table, path: KeyPath, *, merge: bool) -> None:
        for key, default in source.items.items():
            old = dest.items.get(key)
            if old is None:
                dest.items[key] = default
            elif isinstance(old, Table) and isinstance(default, Table):
                self._tables(old, default, (*path, key), merge=merge)
            else:
                dest.items[key] = over(old, default)
                if _is_null(old) and not merge and not _is_null(default):
                    self._delete(dest, key, (*path, key))

    def _delete(self, dest: Table, key: str, path: KeyPath) -> None:
        gone = dest.items.pop(key)
        assert isinstance(gone, Leaf)
        self.deleted[path] = gone


def _put_globals(dest: Table, source: Table) -> None:
    """Give a subchart the globals of its parent, which win over its own."""
    own = dest.items.get(GLOBAL, Table(Origin(source.origin.source)))
    shared = source.items.get(GLOBAL, Table(own.origin))
    if not isinstance(own, Table) or not isinstance(shared, Table):
        return
    own = replace(own, items=dict(own.items))
    for key, value in shared.items.items():
        old = own.items.get(key)
        if isinstance(value, Table) and isinstance(old, Table):
            merged = copy(value)
            assert isinstance(merged, Table)
            _Merger()._tables(merged, old, (), merge=True)
            own.items[key] = merged
        elif isinstance(old, Table):
            own.items[key] = with_origins(old, _doubted)
        elif isinstance(value, Table) and old is not None:
            own.items[key] = Leaf(_doubted(old.origin), old.shadowed)
        else:
            own.items[key] = over(copy(value), old)
    dest.items[GLOBAL] = own


def _doubted(origin: Origin) -> Origin:
    """An origin that wins only because it is of another kind than the global it stands against."""
    return replace(origin, doubt=CONFLICT)


def over(high: Marked, low: Marked | None) -> Marked:
    """`high`, remembering `low` as shadowed."""
    if low is None or low is high:
        return high
    return replace(high, shadowed=(*high.shadowed, *origins(low)))


def _is_null(value: Marked | None) -> bool:
    return isinstance(value, Leaf) and value.origin.value is None


def _without_nulls(value: Marked) -> Marked | None:
    """A default without nulls, which never reach templates; None if it is one."""
    if isinstance(value, Leaf):
        return None if value.origin.value is None else copy(value)
    kept = {key: _without_nulls(item) for key, item in value.items.items()}
    return replace(value, items={key: item for key, item in kept.items() if item is not None})
