"""What helm will make of a release when it acts, told apart from what differs at each render."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploycharts.changes.compare import compare
from deploycharts.changes.masking import Masker
from deploycharts.changes.model import ChangeSet, show_path
from deploycharts.changes.unsteady import Place, places, without
from deploycharts.cluster.releases import GONE, Baseline
from deploycharts.documents import Document
from deploycharts.rendering import circumstances
from deploycharts.rendering.circumstances import Circumstances, Need
from deploycharts.rendering.release import Release
from deploycharts.rendering.remembered import is_unsteady
from deploycharts.rendering.render import Rendered

_MOST = 3


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A release as the next act will render it.

    Attributes:
        again: another render of the same, empty where a second one gives the same anyway.
        standing: a render with the number of the revision that runs now, where templates have the
            number; empty elsewhere.
    """

    rendered: Rendered
    again: tuple[Document, ...] = ()
    standing: tuple[Document, ...] = ()

    def random(self) -> frozenset[Place]:
        """The places that get another value at each render."""
        if not self.again:
            return frozenset()
        return places(compare(self.rendered.release.target, self.rendered.documents, self.again))

    def changes(self, base: Sequence[Document], masker: Masker) -> ChangeSet:
        """From `base` to this; nothing where only the number of the revision counts up.

        Args:
            base: the objects that are applied now.
            masker: knows the secrets of all of them.
        """
        target, noise = self.rendered.release.target, self.random()
        masked = masker.documents(base)
        if self.standing:
            same = compare(target, masked, masker.documents(self.standing))
            if without(same, noise).is_empty:
                return ChangeSet(target, (), ())
        head = masker.documents(self.rendered.documents)
        return without(compare(target, masked, head), noise)

    def remark(self) -> str:
        """Which fields are random, in a sentence; empty if none are."""
        found = sorted(f"{key} {show_path(path)}".strip() for key, path in self.random())
        if not found:
            return ""
        more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
        return f"random at each render, not compared: {', '.join(found[:_MOST])}{more}"


def look_ahead(rendered: Rendered, baseline: Baseline, kubeconfig: Path) -> Upcoming:
    """The release as helm will render it: as install or upgrade, with its number, on its cluster.

    Args:
        rendered: it as helm renders it knowing nothing of the cluster.
        baseline: what is there.
        kubeconfig: with the credentials that helm will use.

    Raises:
        UserError: the chart does not render so.
    """
    release = rendered.release
    if not release.installed:
        return Upcoming(rendered)
    needs = circumstances.needs_of(release)
    newest = baseline.newest
    is_upgrade = newest is not None and newest.status not in GONE
    next_one = Circumstances(is_upgrade, baseline.number + 1, kubeconfig)
    if needs and (is_upgrade or Need.CLUSTER in needs):
        rendered = Rendered(release, _documents(release, next_one))
    again: tuple[Document, ...] = ()
    if release.chart.path is not None and is_unsteady(release.chart.path):
        again = _documents(release, next_one)
    standing: tuple[Document, ...] = ()
    if Need.REVISION in needs and newest is not None and newest is baseline.good:
        now = Circumstances(newest.number > 1, newest.number, kubeconfig)
        standing = _documents(release, now)
    return Upcoming(rendered, again, standing)


def _documents(release: Release, found: Circumstances) -> tuple[Document, ...]:
    return circumstances.render_for(release, found).documents
