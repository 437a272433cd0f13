"""What can go wrong, in the words and exit codes that users meet."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command. Scripts rely on them: a code never changes its meaning."""

    DONE = 0
    USER_ERROR = 1
    CHANGES = 2
    UNKNOWN_NAME = 3
    REFUSED = 4
    STALE_PLAN = 5
    ROLLED_BACK = 6
    BROKEN = 7
    CHECK_FAILED = 8
    OUTCOME_UNKNOWN = 9
    USAGE = 64
    BUG = 70
    INTERRUPTED = 130


class UserError(Exception):
    """Something that the user can mend. Anything else that escapes is a bug of ours.

    Attributes:
        what: what is wrong, one sentence without a full stop.
        where: the place, normally a `Source`, printed as path:line.
        why: details, possibly several lines.
        next_step: the next command to type, or what to change.
    """

    exit = Exit.USER_ERROR

    def __init__(
        self, what: str, *, where: object = None, why: str = "", next_step: str = ""
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.next_step = next_step


class UnknownName(UserError):
    """An environment, service, release or revision that does not exist."""

    exit = Exit.UNKNOWN_NAME


class Refused(UserError):
    """A lock, hold or gate stands in the way, or a person's word is missing."""

    exit = Exit.REFUSED


class StalePlan(UserError):
    """The world moved between planning and acting."""

    exit = Exit.STALE_PLAN


class OutcomeUnknown(UserError):
    """An act was begun and its result could not be read."""

    exit = Exit.OUTCOME_UNKNOWN


class WrongUsage(UserError):
    """The command line itself is wrong."""

    exit = Exit.USAGE


class Problems(UserError):
    """Several user's errors that are reported together."""

    def __init__(self, what: str, errors: Iterable[UserError], *, next_step: str = "") -> None:
        super().__init__(what, next_step=next_step)
        self.errors = tuple(errors)


def unknown(kind: str, name: str, known: Iterable[str], *, next_step: str = "") -> UnknownName:
    """The error for a `name` that is none of the `known` ones, with near matches first."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        why = f"did you mean {' or '.join(near)}?"
    elif names:
        why = f"there are: {', '.join(names[:20])}{', …' if len(names) > 20 else ''}"
    else:
        why = f"there is no {kind} yet"
    return UnknownName(f"no {kind} {name!r}", why=why, next_step=next_step)
