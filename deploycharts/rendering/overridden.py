"""Edits without effect, and the lines that override them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from deploycharts.rendering.hunks import hunks
from deploycharts.rendering.provenance import Override, explain, shadowed_by
from deploycharts.rendering.release import Release


def overridden(
    base: Path, head: Path, changed: Iterable[str], release: Release
) -> tuple[Override, ...]:
    """The edited lines that a release does not heed, each with the line that wins.

    Args:
        base: the tree before.
        head: the tree after, in which `release` was evaluated.
        changed: the files that differ, from the top of the trees.
        release: one that is installed.

    Raises:
        UserError: a layer is not valid, or Helm cannot merge the values.
    """
    paths = {layer.source.path for layer in release.layers}
    if release.chart.path is not None and release.chart.path.is_relative_to(head):
        paths.add(f"{release.chart.path.relative_to(head)}/values.yaml")
    edited = [hunk.source for hunk in hunks(base, head, paths & set(changed))]
    explained = explain(release, head) if edited else ()
    found = (each for line in edited for each in shadowed_by(explained, line))
    return tuple(dict.fromkeys(found))
