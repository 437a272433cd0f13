"""Contents that failed: they may be tried again, but the plan says first when and why they failed.

They are remembered beside the holds of the namespace, so that whoever deploys next knows, on any
host.
"""

from __future__ import annotations

from collections.abc import Sequence

from deploycharts.cluster import holds, releases
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.holds import Failure, Holds
from deploycharts.deployment import gates, journal
from deploycharts.deployment.content import content_id, content_of
from deploycharts.deployment.gates import Gate, GateKind
from deploycharts.deployment.judge import StepFailed
from deploycharts.deployment.plan import Place, Step
from deploycharts.errors import UserError

_LONGEST_REASON = 300


def remember(place: Place, failed: StepFailed, deployment: str) -> bool:
    """Note what a revision that failed consisted of; whether that was possible.

    Where helm made no revision nothing was tried, and a failure for want of an API server tells
    nothing of the content.
    """
    found = failed.evidence
    if not failed.revision or found.lost:
        return True
    reason = next(iter((*found.reasons, *found.checks, *found.helm.splitlines()[-1:])), "unknown")
    cluster = Cluster(place.kubeconfig, name=place.environment.name)
    try:
        release = place.target.release
        revision = releases.revision(cluster, place.namespace, release, failed.revision)
        if revision is None:
            return False
        failure = Failure(
            service=place.target.service,
            release=release,
            content=content_id(revision.documents(), holds.content_key(cluster, place.namespace)),
            reason=place.mask.text(reason)[:_LONGEST_REASON],
            deployment=deployment,
            at=journal.now().isoformat(timespec="seconds"),
        )
        holds.change(cluster, place.namespace, lambda known: known.failing(failure))
    except UserError:
        return False
    finally:
        cluster.close()
    return True


def forget(step: Step) -> None:
    """Note that a content that failed before has rolled out now.

    Where that cannot be noted, the next plan merely says once more that it failed.
    """
    if not any(gate.kind is GateKind.FAILED_BEFORE for gate in step.gates):
        return
    place = step.place
    cluster = Cluster(place.kubeconfig, name=place.environment.name)
    try:
        content = content_of(step, holds.content_key(cluster, place.namespace))
        holds.change(
            cluster, place.namespace, lambda known: known.succeeding(step.target.release, content)
        )
    except UserError:
        return
    finally:
        cluster.close()


def noted(step: Step, known: Holds, key: bytes | None) -> Sequence[Gate]:
    """What is to be known before `step`: its content failed before."""
    target = step.target
    failed = [f for f in known.failed if (f.service, f.release) == (target.service, target.release)]
    if not failed or key is None:
        return ()
    content = content_of(step, key)
    return [gates.failed_before(_sentence(each)) for each in failed if each.content == content]


def _sentence(failure: Failure) -> str:
    at = failure.at[:16].replace("T", " ")
    return (
        f"this version of {failure.release} failed on {at} UTC (deployment {failure.deployment}): "
        f"{failure.reason}"
    )
