"""Looking for the change that made a step fail, while the way back is taken."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from deploycharts.deployment import progress
from deploycharts.deployment.evidence import Evidence
from deploycharts.deployment.journal import Journal
from deploycharts.deployment.plan import Step
from deploycharts.deployment.progress import Listener
from deploycharts.deployment.suspicion import suspicion, told_by_helm
from deploycharts.deployment.symptoms import Trouble
from deploycharts.documents import ObjectKey
from deploycharts.registry.repository import Repository

_CHECK_FAILED = "CheckFailed"


class Blame:
    """Searches beside everything else; what it finds is told and written into the journal."""

    def __init__(self, journal: Journal, listen: Listener) -> None:
        self._journal = journal
        self._listen = listen
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._searches: list[Future[str]] = []

    def search(self, step: Step, found: Evidence) -> None:
        """Begin to look for the change that made `step` fail."""
        self._searches.append(self._pool.submit(self._search, step, found))

    def sentences(self) -> tuple[str, ...]:
        """What was found; waits for searches that are under way."""
        self._pool.shutdown()
        return tuple(filter(None, (search.result() for search in self._searches)))

    def _search(self, step: Step, found: Evidence) -> str:
        suspect = suspicion(
            Repository(step.place.environment.root),
            step,
            _trouble(step, found),
            step.deployed_commit,
            said=(*found.log_tail, *found.events, *found.checks),
        )
        if suspect is None:
            return ""
        self._journal.append("suspect", target=str(step.target), change=suspect.sentence)
        self._listen(progress.Suspected(step.target, suspect.sentence))
        return suspect.sentence


def _trouble(step: Step, found: Evidence) -> Trouble:
    if found.troubles:
        return found.troubles[0]
    if found.helm:
        return told_by_helm(step.target, found.helm, step.difference.head)
    nothing = ObjectKey("", "", "", "")
    key = step.place.workloads[0] if step.place.workloads else nothing
    return Trouble(step.target, key, key, "", _CHECK_FAILED, "\n".join(found.checks), final=True)
