"""How an act on a release ended: what helm said, what its history says, what the pods came to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from deploycharts.deployment import evidence, progress
from deploycharts.deployment.evidence import Evidence
from deploycharts.deployment.journal import Journal
from deploycharts.deployment.ledger import Ledger, cut_off
from deploycharts.deployment.progress import Listener
from deploycharts.deployment.symptoms import Trouble
from deploycharts.deployment.watch import Watcher
from deploycharts.target import Target
from deploycharts.tools.process import Result


class StepFailed(Exception):
    """An act did not succeed; helm recorded it as `revision`, 0 if it made none.

    Attributes:
        is_gone: the release is uninstalled, and only a hook after that failed.
    """

    def __init__(
        self, target: Target, found: Evidence, revision: int, *, is_gone: bool = False
    ) -> None:
        super().__init__(str(target))
        self.target = target
        self.evidence = found
        self.revision = revision
        self.is_gone = is_gone


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges acts on the release of a ledger; the journal knows of each failure."""

    ledger: Ledger
    journal: Journal
    listen: Listener

    def stands(
        self, watcher: Watcher, result: Result, failing: tuple[Trouble, ...], *, before: int
    ) -> int:
        """The new revision, once all of its pods are there; helm returns before that.

        Args:
            watcher: of what the act leads to.
            result: of the helm or helmfile that has ended.
            failing: the troubles that it was stopped for.
            before: the newest revision when the act began.

        Raises:
            StepFailed: it did not come to a good end.
            OutcomeUnknown: the cluster cannot be asked how it ended.
        """
        killed = not failing and result.code < 0
        words = "" if failing or killed else self._words(result)
        lost = bool(words) and self._lost(words, is_lost=watcher.is_lost)
        told = "" if evidence.only_waited(words) else words
        now = self.ledger.newest(f"it was at revision {before} before\n{told}".strip())
        revision = now.number if now.number > before else 0
        if killed:
            self._say_killed(result, now.number - before)
        is_open = lost or killed or not result.code
        if revision and now.status == "deployed" and not failing and is_open:
            failing, words, lost = watcher.until_complete(), "", False
            if not failing:
                return now.number
        if lost:
            told = cut_off(watcher.place.environment.name, before, now)
            raise self.failed((), revision, lost=told)
        if killed:
            words = _killed(result)
        words = words or ("" if failing else evidence.helm_words(result))
        if evidence.only_waited(words):
            failing = watcher.explain(words)
        raise self.failed(failing, revision, words=words)

    def _say_killed(self, result: Result, revisions: int) -> None:
        went_on = "; the helm that it started has ended by itself" if revisions else ""
        self.listen(progress.Said(f"{self.ledger.place.target}: {_killed(result)}{went_on}"))

    def gone(
        self, watcher: Watcher, result: Result, failing: tuple[Trouble, ...], *, before: int,
        early: Evidence | None = None,
    ) -> int:  # fmt: skip
        """The revision that an uninstalled release stands as.

        Args:
            watcher: of the hooks that belong to an uninstall.
            result: of the helm that has ended.
            failing: what was wrong with those hooks.
            before: the newest revision when the act began.
            early: what was collected of the hooks while they were there.

        Raises:
            StepFailed: it is not uninstalled.
            OutcomeUnknown: the cluster cannot be asked how it ended.
        """
        if result.code == 0:
            return before
        words = self._words(result)
        if not self._lost(words):
            is_gone = self.ledger.newest(words).status == "uninstalled"
            failing = failing or watcher.explain(words)
            raise self.failed(failing, before, words=words, early=early, is_gone=is_gone)
        now = self.ledger.newest(words)
        if now.status in {"uninstalled", ""}:
            return before
        told = cut_off(self.ledger.place.environment.name, before, now)
        raise self.failed((), before, lost=told)

    def failed(
        self, troubles: tuple[Trouble, ...], revision: int, *, words: str = "", lost: str = "",
        early: Evidence | None = None, is_gone: bool = False,
    ) -> StepFailed:  # fmt: skip
        """The failure, with the evidence that is there before a way back destroys it."""
        place = self.ledger.place
        found = evidence.collect(
            self.ledger.cluster,
            place.namespace,
            tuple(evidence.masked(trouble, place.mask.text) for trouble in troubles),
            helm="" if troubles else words,
            mask=place.mask.text,
        )
        found = replace(found, lost=lost)
        if early is not None and not found.log_tail:
            found = replace(found, log_tail=early.log_tail, events=found.events or early.events)
        self.journal.append(
            "result", target=str(place.target), ok=False, revision=revision,
            evidence=found.as_json(),
        )  # fmt: skip
        return StepFailed(place.target, found, revision, is_gone=is_gone)

    def _words(self, result: Result) -> str:
        """Why helm failed, in its words without secrets; empty where it did not."""
        words = "" if result.code == 0 else evidence.helm_words(result)
        return self.ledger.place.mask.text(words)

    def _lost(self, words: str, *, is_lost: bool = False) -> bool:
        """Whether helm failed because it lost the API server; then it is said."""
        if not (is_lost or self.ledger.is_loss(words)):
            return False
        target = self.ledger.place.target
        self.listen(
            progress.Said(
                f"{target}: the API server of {target.environment} was lost while helm worked; "
                f"it is asked for {self.ledger.asked_s:g} s how that ended"
            )
        )
        return True


def _killed(result: Result) -> str:
    """That somebody else ended the program, by which signal."""
    return f"{Path(result.argv[0]).name} was killed by signal {-result.code}"
