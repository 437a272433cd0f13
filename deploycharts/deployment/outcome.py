"""How a deployment ended, and what is owed after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploycharts.deployment.plan import Plan, Step
from deploycharts.documents import Json
from deploycharts.errors import Exit, OutcomeUnknown, UserError
from deploycharts.target import Target


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a deployment ended.

    Attributes:
        exit: the exit code that tells it.
        deployment: the ID under which journal and helm's history know it.
        journal: where it is told line by line.
        failed: the targets that failed.
        undone: the targets that went back, in that order.
        broken: the targets that could not go back.
        held: the targets that were changed and stay so, though the deployment did not finish.
        behind: the targets that the plan would have changed and nobody touched.
        owed: commands that finish what could not be done.
        why: what ended it, where no target failed.
        not_removed: the targets that were to be uninstalled and are not, or not altogether.
        suspects: the changes that most likely made it fail, with their lines.
    """

    exit: Exit
    deployment: str
    journal: Path
    failed: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    owed: tuple[str, ...] = ()
    why: str = ""
    not_removed: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """The outcome for a journal."""
        return {
            "exit": int(self.exit),
            "failed": [*self.failed],
            "undone": [*self.undone],
            "broken": [*self.broken],
            "held": [*self.held],
            "behind": [*self.behind],
            "owed": [*self.owed],
            "why": self.why,
            "not_removed": [*self.not_removed],
            "suspects": [*self.suspects],
        }


def commands(verb: str, targets: Iterable[Target]) -> tuple[str, ...]:
    """A command for each environment and service, in order: `deploy rollback codfw NAME`."""
    words = f"deploy {verb}".strip()
    pairs = dict.fromkeys((target.environment, target.service) for target in targets)
    return tuple(f"{words} {environment} {service}" for environment, service in pairs)


def behind(plan: Plan, touched: Sequence[Step]) -> tuple[str, ...]:
    """What the plan would have changed and nobody touched."""
    seen = {step.target for step in touched}
    return tuple(str(step.target) for step in plan.acting if step.target not in seen)


def reason(failed: Sequence[str], errors: Iterable[Exception]) -> Exit:
    """The exit code of a deployment that went back altogether; failed targets count first."""
    if failed:
        return Exit.ROLLED_BACK
    for error in errors:
        code = error.exit if isinstance(error, UserError) else Exit.BUG
        return Exit.ROLLED_BACK if code is Exit.USER_ERROR else code
    return Exit.INTERRUPTED


def why(errors: Iterable[Exception]) -> str:
    """What ended a deployment, where it was no failed target."""
    return "; ".join(error.what for error in errors if isinstance(error, UserError))


def unknown(errors: Iterable[Exception]) -> tuple[str, ...]:
    """The commands that find out how acts ended whose API server was lost."""
    return tuple(error.next_step for error in errors if isinstance(error, OutcomeUnknown))
