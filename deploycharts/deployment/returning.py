"""One release's part of a rollback: from what is there to a revision of its history."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from deploycharts.changes.compare import compare
from deploycharts.changes.masking import Masker
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.releases import SERVER_SIDE, Revision
from deploycharts.deployment import drift, leftovers
from deploycharts.deployment.drift import Drift
from deploycharts.deployment.follow import follow_keys
from deploycharts.deployment.histories import History
from deploycharts.deployment.leftovers import Applied
from deploycharts.deployment.plan import Difference, Place
from deploycharts.deployment.sideeffects import SideEffects, side_effects
from deploycharts.tools import helm


@dataclass(frozen=True, slots=True)
class Return:
    """One release's way back.

    Attributes:
        current: the newest revision.
        revision: where to; None means uninstalling what never rolled out.
        difference: from what is there to what will be.
        besides: what else the way back does, and what it does not undo.
    """

    place: Place
    current: Revision
    revision: int | None
    difference: Difference
    besides: SideEffects


def of(found: History, chosen: Revision | int) -> Return:
    """What rolling back a release does, asked of its cluster.

    Args:
        found: the release with its history.
        chosen: the revision to go back to; a number stands for uninstalling.

    Raises:
        Unreachable: the API server does not answer.
    """
    newest = found.newest
    documents = () if isinstance(chosen, int) else chosen.documents()
    masker = Masker((), secrets.token_bytes(32)).knowing(newest.documents(), documents)
    there, drifts = _there(found, masker)
    masker = masker.knowing(there.documents)
    place = Place(
        target=found.target,
        namespace=newest.namespace,
        environment=found.environment,
        kubeconfig=found.kubeconfig,
        workloads=follow_keys(documents),
        mask=masker,
    )
    base, head = masker.documents(there.documents), masker.documents(documents)
    difference = Difference(compare(found.target, base, head), base, head)
    besides = _side_effects(there, drifts, chosen, difference)
    number = None if isinstance(chosen, int) else chosen.number
    return Return(place, newest, number, difference, besides)


def _there(found: History, masker: Masker) -> tuple[Applied, tuple[Drift, ...]]:
    """What is there of a release, its leftovers included, and what runs otherwise."""
    cluster = Cluster(found.kubeconfig, name=found.environment.name)
    try:
        there = leftovers.applied(cluster, found.revisions)
        return there, drift.find(cluster, there.documents, mask=masker)
    finally:
        cluster.close()


def _side_effects(
    there: Applied, drifts: tuple[Drift, ...], chosen: Revision | int, difference: Difference
) -> SideEffects:
    """What the rollback does besides, against what is live now."""
    recorded = not isinstance(chosen, int) and chosen.apply_method == SERVER_SIDE
    server_side = helm.applies_server_side(recorded=recorded)
    besides = side_effects(difference, drifts, server_side=server_side)
    wanted = () if isinstance(chosen, int) else chosen.documents()
    return replace(besides, left=there.left_by(wanted))
