"""What a state asks of helm that it cannot do, or that a deployment does itself."""

from __future__ import annotations

from deploycharts.cluster.releases import Baseline
from deploycharts.deployment.aiming import lines_with
from deploycharts.errors import Refused
from deploycharts.registry.repository import Repository
from deploycharts.rendering.release import Release
from deploycharts.source import Source
from deploycharts.tools import helm, programs
from deploycharts.tools.versions import Feature

_OWN = ("atomic", "cleanupOnFail")


def require_possible(repository: Repository, release: Release, baseline: Baseline) -> None:
    """Make sure that helm can do what the state asks for.

    Raises:
        Refused: it cannot; the error names the line.
    """
    server_side = baseline.server_side if baseline.newest else True
    if "recreatePods" in release.switches and programs.can(Feature.SERVER_SIDE_APPLY):
        raise _refused(
            repository, release, "recreatePods", "helm 4 has no --recreate-pods",
            "deploy restart replaces pods",
        )  # fmt: skip
    if "force" in release.switches and helm.applies_server_side(recorded=server_side):
        raise _refused(
            repository, release, "force",
            "helm cannot replace objects where it applies them server-side", "",
        )  # fmt: skip


def remark(release: Release) -> str:
    """What of these the deployment does itself, in a sentence; empty if nothing."""
    own = [name for name in _OWN if name in release.switches]
    return f"{' and '.join(own)}: this deployment rolls back itself, helm does not" if own else ""


def _refused(
    repository: Repository, release: Release, switch: str, why: str, instead: str
) -> Refused:
    shown = Source(repository.shown(release.state_file))
    source = next(lines_with(repository, release, [f"{switch}:"]), shown)
    return Refused(
        f"{release.target}: the state asks for {switch}, which this helm cannot do",
        where=source,
        why="; ".join(filter(None, (why, instead))),
        next_step="take it out of the state",
    )
