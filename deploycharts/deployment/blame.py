"""Looking for the change that made a step fail, while the way back is taken."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from deploycharts.deployment import progress
from deploycharts.deployment.evidence import Evidence
from deploycharts.deployment.journal import Journal
from deploycharts.deployment.plan import Step
from deploycharts.deployment.progress import Listener
from deploycharts.deployment.suspicion import of_evidence
from deploycharts.registry.repository import Repository


class Blame:
    """Searches beside everything else; what it finds is told and written into the journal."""

    def __init__(self, journal: Journal, listen: Listener) -> None:
        self._journal = journal
        self._listen = listen
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._searches: list[Future[str]] = []

    def search(self, step: Step, found: Evidence) -> None:
        """Begin to look for the change that made `step` fail; a lost API server is nobody's."""
        if found.lost:
            return
        self._searches.append(self._pool.submit(self._search, step, found))

    def sentences(self) -> tuple[str, ...]:
        """What was found; waits for searches that are under way."""
        self._pool.shutdown()
        return tuple(filter(None, (search.result() for search in self._searches)))

    def _search(self, step: Step, found: Evidence) -> str:
        try:
            suspect = of_evidence(Repository(step.place.environment.root), step, found)
        except Exception as error:  # a suspicion is a help; the outcome must not suffer from it
            self._journal.append("trouble", target=str(step.target), error=repr(error))
            return ""
        if suspect is None:
            return ""
        self._journal.append("suspect", target=str(step.target), change=suspect.sentence)
        self._listen(progress.Suspected(step.target, suspect.sentence))
        return suspect.sentence
