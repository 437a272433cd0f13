"""What a person's way back leaves: holds on what was left, and commits to revert."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploycharts.cluster import releases
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.releases import PENDING, UNINSTALLING, Revision
from deploycharts.deployment import holds
from deploycharts.deployment.returning import Return
from deploycharts.deployment.rollback import Rollback
from deploycharts.errors import UserError
from deploycharts.target import Target
from deploycharts.tools import reverting

_UNJUDGED = PENDING | {"uninstalled", UNINSTALLING}


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What is left to say and to do.

    Attributes:
        held: the releases whose former content is held now.
        remarks: what could not be held, and why.
        commits: those that brought what was left, newest first; empty if they are not known.
    """

    held: tuple[Target, ...]
    remarks: tuple[str, ...]
    commits: tuple[str, ...]


def settle(root: Path, rollback: Rollback, undone: Sequence[str]) -> Aftermath:
    """Hold what the releases that went back have left, and find the commits that brought it.

    Not held is the content of a release that was only repaired after a killed helm, or brought back
    after it was removed: nobody judged it.

    Args:
        root: of the repository.
        rollback: the ways back.
        undone: the targets that did go back.
    """
    held: list[Target] = []
    remarks: list[str] = []
    ranges: list[tuple[str, ...]] = []
    for each in rollback.returns:
        target = each.place.target
        if str(target) not in undone or each.current.status in _UNJUDGED:
            continue
        try:
            now = _now(each)
            if _hold(each, now, rollback.reason):
                held.append(target)
            ranges.append(_commits(root, each, now))
        except UserError as error:
            remarks.append(f"{target}: what it left could not be held: {error.what}")
    return Aftermath(tuple(held), tuple(remarks), tuple(_together(ranges)))


def _now(each: Return) -> Revision | None:
    """The revision that the release stands at, None if it was uninstalled."""
    if each.revision is None:
        return None
    cluster = Cluster(each.place.kubeconfig, name=each.place.environment.name)
    try:
        return releases.revisions(cluster, each.place.namespace, each.place.target.release)[-1]
    finally:
        cluster.close()


def _hold(each: Return, now: Revision | None, why: str) -> bool:
    place, current = each.place, each.current
    done = f"rolled back to revision {each.revision}" if now else "rolled back: uninstalled"
    cluster = Cluster(place.kubeconfig, name=place.environment.name)
    try:
        return holds.keep_from_returning(
            cluster,
            place.namespace,
            place.target,
            current.documents(),
            now.documents() if now else (),
            reason=f"{why} ({done})" if why else done,
            deployment=current.labels.get("deployment", ""),
        )
    finally:
        cluster.close()


def _commits(root: Path, each: Return, now: Revision | None) -> tuple[str, ...]:
    if now is None:
        return ()
    base, head = (revision.labels.get("commit", "") for revision in (now, each.current))
    paths = [f"helmfile.d/services/{each.place.target.service}", *_chart(root, each.current)]
    return reverting.touching(root, base, head, paths)


def _chart(root: Path, revision: Revision) -> Iterator[str]:
    """The folder of a revision's chart, which helm names with its version."""
    names = (file.parent.name for file in (root / "charts").glob("*/Chart.yaml"))
    found = [name for name in names if revision.chart.startswith(f"{name}-")]
    if found:
        yield f"charts/{max(found, key=len)}"


def _together(ranges: Sequence[tuple[str, ...]]) -> dict[str, None]:
    """Each commit once; a longer range has the shorter one's in their right order."""
    longest_first = sorted(ranges, key=len, reverse=True)
    return dict.fromkeys(commit for commits in longest_first for commit in commits)
