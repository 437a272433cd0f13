"""Looking at a roll-out again and again until it ends, and telling what is new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deploycharts.cluster.connection import Unreachable
from deploycharts.deployment import evidence, progress
from deploycharts.deployment.follow import Follower, Look
from deploycharts.deployment.plan import Place
from deploycharts.deployment.progress import Listener
from deploycharts.deployment.readiness import TIMED_OUT
from deploycharts.deployment.symptoms import NOT_READY, Trouble
from deploycharts.deployment.waits import NO_ADDRESS, UNBOUND
from deploycharts.errors import UserError
from deploycharts.tools.process import Running

LOOK_EVERY_S = 0.4
_NOTICE_EVERY_S = 0.05
_WORTH_A_WORD_S = 3.0
# What every pod, claim and load balancer goes through.
_AT_FIRST = frozenset({NOT_READY, UNBOUND, NO_ADDRESS})


@dataclass
class Watcher:
    """Watches one release's roll-out.

    Attributes:
        sleep: waits between looks; what it raises ends the watch.
        shown: the troubles that were told already.
        is_lost: whether the API server did not answer when it was asked last.
    """

    follower: Follower
    place: Place
    listen: Listener
    sleep: Callable[[float], None]
    clock: Callable[[], float]
    shown: set[tuple[str, str, str]]
    is_lost: bool = False

    def until_ended(self, running: Running) -> tuple[Trouble, ...]:
        """Look until a program ends or troubles end the wait; then the program is stopped.

        Returns:
            those troubles, the gravest first.
        """
        started = self.clock()
        try:
            while running.is_alive():
                look = self.look(started)
                if look is not None and look.failing is not None:
                    running.interrupt()
                    return look.reasons
                self._sleep_beside(running)
        except BaseException:
            running.interrupt()
            running.wait()
            raise
        return ()

    def beside(
        self, running: Running, first: Callable[[tuple[Trouble, ...]], None]
    ) -> tuple[Trouble, ...]:
        """Look until a program ends; it is not stopped, whatever the troubles.

        Args:
            running: the program.
            first: called at once with the first troubles of containers that ended: what they are
                of may be deleted soon.

        Returns:
            the last of those troubles, the gravest first.
        """
        started = self.clock()
        found: tuple[Trouble, ...] = ()
        told = False
        try:
            while running.is_alive():
                look = self.look(started)
                ended = _ended(look)
                if ended and not told:
                    first(ended)
                    told = True
                if look is not None and look.failing is not None:
                    found = look.reasons
                self.sleep(_NOTICE_EVERY_S)
        except BaseException:
            running.interrupt()
            running.wait()
            raise
        return found

    def until_complete(self) -> tuple[Trouble, ...]:
        """Look until all pods are there; the troubles where that fails or takes too long."""
        timeout_s = self.place.environment.timeout_s
        started = self.clock()
        while self.clock() - started < timeout_s:
            look = self.look(started)
            if look is not None and look.failing is not None:
                return look.reasons
            if look is not None and look.complete:
                return ()
            self.sleep(LOOK_EVERY_S)
        return self.explain() or (self._late(timeout_s),)

    def explain(self, named: str = "") -> tuple[Trouble, ...]:
        """What stood in the way; empty where the objects do not tell or cannot be asked."""
        try:
            return self.follower.explain(self.place.environment.timeout_s, named=named)
        except UserError:
            return ()

    def _sleep_beside(self, running: Running) -> None:
        """Sleep until the next look, or until the program has ended."""
        until = self.clock() + LOOK_EVERY_S
        while self.clock() < until and running.is_alive():
            self.sleep(_NOTICE_EVERY_S)

    def _late(self, timeout_s: float) -> Trouble:
        key = self.place.workloads[0]
        message = f"its pods were not all ready after {timeout_s:g} s"
        return Trouble(self.place.target, key, key, "", TIMED_OUT, message, final=True)

    def look(self, started: float) -> Look | None:
        """Look once and tell what is new; None while the API server does not answer."""
        place = self.place
        try:
            look = self.follower.look()
        except UserError as error:  # an API server that restarts also refuses for a moment
            self.is_lost = isinstance(error, Unreachable)
            key = (str(place.target), "api", error.what)
            if key not in self.shown:
                self.shown.add(key)
                self.listen(progress.Said(f"{place.target}: {error.what}; still following"))
            return None
        self.is_lost = False
        seconds = self.clock() - started
        self.listen(progress.Moved(place.target, look.parts, seconds))
        for note in look.notes:
            self.listen(progress.Noted(place.target, place.mask.text(note)))
        for trouble, left_s in look.troubles:
            if (
                trouble.reason in _AT_FIRST
                and left_s is not None
                and left_s > _quiet_s(place, trouble)
            ):
                continue
            workload, container, reason = trouble.identity
            key = (f"{place.target} {workload}", container, reason)
            if key not in self.shown:
                self.shown.add(key)
                self.listen(progress.Appeared(evidence.masked(trouble, place.mask.text), left_s))
        return look


def _ended(look: Look | None) -> tuple[Trouble, ...]:
    """The troubles of containers that ended, whether or not anybody waits for them."""
    troubles = look.troubles if look is not None else ()
    return tuple(trouble for trouble, _ in troubles if trouble.exit_code is not None)


def _quiet_s(place: Place, trouble: Trouble) -> float:
    """The patience that is left when such a trouble becomes worth a word."""
    return place.environment.tolerate_s + trouble.patience_s - _WORTH_A_WORD_S
