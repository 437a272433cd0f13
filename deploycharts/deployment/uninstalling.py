"""Acts around an uninstall: doing it while its hooks are watched, and undoing half of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from deploycharts.cluster import releases
from deploycharts.cluster.connection import Cluster
from deploycharts.deployment import evidence
from deploycharts.deployment.evidence import Evidence
from deploycharts.deployment.follow import uninstall_hooks
from deploycharts.deployment.journal import Journal
from deploycharts.deployment.judge import Judge
from deploycharts.deployment.plan import Place
from deploycharts.deployment.symptoms import Trouble
from deploycharts.deployment.watch import Watcher
from deploycharts.tools import helm


def uninstall(
    cluster: Cluster, place: Place, number: int, *, hooks: bool, journal: Journal, judge: Judge,
    watcher: Callable[[Place], Watcher],
) -> int:  # fmt: skip
    """Uninstall a release; returns the revision that it stands as.

    Helm may delete a hook as soon as it fails: what it said is collected while it is there.

    Args:
        cluster: where the release is.
        place: of the release.
        number: its newest revision.
        hooks: whether the hooks of the uninstall run.
        journal: gets the process, so that others can tell whether it still works.
        judge: says how it ended.
        watcher: makes a watcher of the hooks.

    Raises:
        StepFailed: it is not uninstalled, or a hook after the deletion failed.
        OutcomeUnknown: the cluster cannot be asked how it ended.
    """
    newest = releases.revision(cluster, place.namespace, place.target.release, number)
    keys = uninstall_hooks(newest.documents()) if newest and hooks else ()
    watching = watcher(replace(place, workloads=keys))
    if keys:
        watching.follower.remember(number)
    running = helm.uninstall(
        place.target.release,
        namespace=place.namespace,
        kubeconfig=place.kubeconfig,
        timeout_s=place.environment.timeout_s,
        hooks=hooks,
    )
    journal.append("started", target=str(place.target), pid=running.pid)
    seen: list[Evidence] = []

    def collect(found: tuple[Trouble, ...]) -> None:
        seen.append(
            evidence.collect(cluster, place.namespace, found, helm="", mask=place.mask.text)
        )

    failing = watching.beside(running, collect) if keys else ()
    early = seen[0] if seen else None
    return judge.gone(watching, running.wait(), failing, before=number, early=early)


def bring_back(cluster: Cluster, place: Place, number: int, *, judge: Judge) -> int:
    """Make a new revision of a release whose uninstall did not finish; returns it.

    Helm upgrades no release that it calls uninstalling. The rollback to the revision itself runs no
    hooks and waits for nothing: an upgrade follows. Other releases are left alone.

    Raises:
        StepFailed: helm does not do it.
        OutcomeUnknown: the cluster cannot be asked how it ended.
    """
    if judge.ledger.newest().status != releases.UNINSTALLING:
        return number
    goal = releases.revision(cluster, place.namespace, place.target.release, number)
    recorded = goal is not None and goal.apply_method == releases.SERVER_SIDE
    result = helm.rollback(
        place.target.release,
        number,
        server_side=helm.applies_server_side(recorded=recorded),
        namespace=place.namespace,
        kubeconfig=place.kubeconfig,
        timeout_s=place.environment.timeout_s,
        hooks=False,
    ).wait()
    now = judge.ledger.newest()
    if result.code != 0 or now.number == number:
        raise judge.failed((), 0, words=evidence.helm_words(result))
    return now.number
