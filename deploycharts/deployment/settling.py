"""After helm has applied a revision: leftovers of failed ones go, and live is as planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploycharts.cluster import releases
from deploycharts.cluster.connection import ApiError, Cluster, Unreachable
from deploycharts.cluster.releases import Revision, baseline
from deploycharts.deployment import leftovers, progress, verification
from deploycharts.deployment.journal import Journal
from deploycharts.deployment.plan import Place
from deploycharts.deployment.progress import Listener
from deploycharts.deployment.verification import Finding
from deploycharts.documents import Document
from deploycharts.tools import helm

_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Settling:
    """Makes live what the newest revision of a release says; the journal knows of each act."""

    cluster: Cluster
    place: Place
    journal: Journal
    listen: Listener

    def run(self) -> str:
        """Remove leftovers, compare, put right; says what is missing all the same.

        Nothing is done where the newest revision is not deployed, or cannot be read now: whoever
        judges the act says that.
        """
        place = self.place
        try:
            history = releases.revisions(self.cluster, place.namespace, place.target.release)
            if not history or history[-1].status != "deployed":
                return ""
            self._remove(history, history[-1].documents())
            return self._verify(history)
        except Unreachable:
            return ""
        except ApiError as error:
            self._say(f"what is live could not be compared with the plan: {error.what}")
            return ""

    def after_uninstall(self) -> None:
        """Remove what only failed revisions brought: helm removes what the newest one has."""
        place = self.place
        try:
            history = releases.revisions(self.cluster, place.namespace, place.target.release)
            if history and history[-1].status == "uninstalled":
                self._remove(history, ())
        except (Unreachable, ApiError) as error:
            self._say(f"what failed revisions left could not be removed: {error.what}")

    def _remove(self, history: tuple[Revision, ...], wanted: Sequence[Document]) -> None:
        for each in leftovers.brought_by_failed(self.cluster, history, wanted):
            if each.kept:
                self._say(str(each))
                continue
            self.journal.append(
                "intent", target=str(self.place.target), action=f"remove {each.key}",
                expecting=history[-1].number,
            )  # fmt: skip
            try:
                if leftovers.remove(self.cluster, each):
                    self._say(f"removed {each.key}, left by revision {each.revision}, which failed")
            except ApiError as error:
                if error.status != _FORBIDDEN:
                    raise
                self._say(f"{each.key} stays: these credentials may not remove it")

    def before_upgrade(self, planned: Sequence[Document]) -> None:
        """Take away the fields that a client-side merge would leave of failed revisions.

        It has to be before helm waits for pods: what is left may be why they failed.

        Args:
            planned: what helm is about to apply; secrets may be masked in it.
        """
        place = self.place
        try:
            history = releases.revisions(self.cluster, place.namespace, place.target.release)
            server_side = helm.applies_server_side(recorded=baseline(history).server_side)
            failed = [] if server_side else _since_good(history)
            if failed:
                self._tell(verification.verify(self.cluster, planned, failed, is_ahead=True))
        except (Unreachable, ApiError) as error:
            self._say(f"what failed revisions left could not be removed: {error.what}")

    def _verify(self, history: tuple[Revision, ...]) -> str:
        planned, failed = history[-1].documents(), _since_good(history[:-1])
        found = verification.verify(self.cluster, planned, failed)
        self._tell(found)
        return "; ".join(str(each) for each in found if each.wanted and not each.repaired)

    def _tell(self, found: Sequence[Finding]) -> None:
        for each in found:
            if each.repaired or not each.wanted:
                self._say(str(each))

    def _say(self, words: str) -> None:
        self.journal.append("settled", target=str(self.place.target), words=words)
        self.listen(progress.Said(f"{self.place.target}: {self.place.mask.text(words)}"))


def _since_good(history: Sequence[Revision]) -> list[Document]:
    """The objects of the revisions since the last good one."""
    found: list[Document] = []
    for each in reversed(history):
        if each.is_good:
            break
        found += each.documents()
    return found
