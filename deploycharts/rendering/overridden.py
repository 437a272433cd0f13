"""Edits without effect, and the lines that override them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from deploycharts.rendering.hunks import Hunk, hunks
from deploycharts.rendering.layers import shown, user_values
from deploycharts.rendering.marked import leaves
from deploycharts.rendering.merging import Defaults, coalesce
from deploycharts.rendering.provenance import Override, Provenance, explain, shadowed_by
from deploycharts.rendering.reading import read
from deploycharts.rendering.release import Release


def overridden(
    base: Path, head: Path, changed: Iterable[str], release: Release, *, is_same: bool = False
) -> tuple[Override, ...]:
    """The edited lines that a release does not heed, each with the line that wins.

    Args:
        base: the tree before.
        head: the tree after, in which `release` was evaluated.
        changed: the files that differ, from the top of the trees.
        release: one that is installed.
        is_same: whether the release was rendered and is the same on both sides. Then it is known
            that the edits are in vain, and Helm is not asked who wins.

    Raises:
        UserError: a layer is not valid, or Helm cannot merge the values.
    """
    paths = {layer.source.path for layer in release.layers}
    chart = release.chart.path
    defaults = None if chart is None else f"{shown(chart, head)}/values.yaml"
    edited = _edited(base, head, frozenset({*paths, defaults or ""} & set(changed)))
    if not edited:
        return ()
    found = tuple(_in_vain(_by_us(release, head, defaults), edited))
    return found if is_same or not found else tuple(_in_vain(explain(release, head), edited))


@lru_cache(maxsize=128)
def _edited(base: Path, head: Path, paths: frozenset[str]) -> tuple[Hunk, ...]:
    """The edited lines; releases of a service share them."""
    return hunks(base, head, paths)


def _by_us(release: Release, head: Path, defaults: str | None) -> Iterator[Provenance]:
    """Who wins by Helm's rules as we know them; subcharts' own defaults are left out."""
    file = None if defaults is None else head / defaults
    text = file.read_text(errors="replace") if file is not None and file.is_file() else ""
    merged = coalesce(user_values(release, head), Defaults(read(text, defaults or "")))
    found = dict(leaves(merged.values)) | merged.deleted
    for key, each in found.items():
        yield Provenance(key, None, each.origin, each.shadowed, each.origin.doubt)


def _in_vain(explained: Iterable[Provenance], edited: Iterable[Hunk]) -> Iterator[Override]:
    """The edited lines of which nothing wins; of an edited value only its key counts."""
    known = tuple(explained)
    for hunk in edited:
        leaf = hunk.leaf
        mine = [each for each in known if leaf is None or leaf[: len(each.key)] == each.key]
        if any(each.winner is None or each.winner.covers(hunk.source) for each in mine):
            continue
        yield from dict.fromkeys(shadowed_by(mine, hunk.source))
