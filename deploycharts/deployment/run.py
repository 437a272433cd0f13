"""Carrying out a plan: step by step, and back again together if one fails."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploycharts.deployment import journal, progress
from deploycharts.deployment.act import Actor, StepFailed
from deploycharts.deployment.journal import Journal
from deploycharts.deployment.plan import Action, Plan, Step
from deploycharts.deployment.progress import Listener
from deploycharts.documents import Json
from deploycharts.errors import Exit, OutcomeUnknown, StalePlan, UserError


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a deployment ended.

    Attributes:
        exit: the exit code that tells it.
        deployment: the ID under which journal and helm's history know it.
        journal: where it is told line by line.
        failed: the target that failed, None if none did.
        undone: the targets that went back, in that order.
        broken: the targets that could not go back.
    """

    exit: Exit
    deployment: str
    journal: Path
    failed: str | None = None
    undone: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


def deployment_id(plan: Plan) -> str:
    """A sortable ID: UTC time to the second, then the plan's."""
    return f"{journal.now():%Y%m%d-%H%M%S}-{plan.id}"


def run(
    plan: Plan, *, listen: Listener, folder: Path | None = None,
    make_actor: Callable[[Journal, Listener, str], Actor] = Actor,
) -> Outcome:  # fmt: skip
    """Carry out `plan`; on trouble everything that it touched goes back.

    Args:
        plan: what to do, already confirmed.
        listen: gets the events.
        folder: where journals are kept.
        make_actor: makes the one who acts.

    Raises:
        StalePlan: before anything was changed, the world turned out to have moved.
        OutcomeUnknown: an act was begun and the cluster cannot be asked how it ended.
    """
    with signals_as_interrupts():
        return _run(plan, listen, folder or journal.default_folder(), make_actor)


def _run(
    plan: Plan,
    listen: Listener,
    folder: Path,
    make_actor: Callable[[Journal, Listener, str], Actor],
) -> Outcome:
    book = Journal(folder, deployment_id(plan))
    facts = plan.as_json()
    assert isinstance(facts, dict)
    book.append("begun", author=plan.author, host=socket.gethostname(), pid=os.getpid(), **facts)
    actor = make_actor(book, listen, plan.author)
    touched: list[Step] = []
    try:
        return _forward(plan, actor, book, listen, touched)
    except StepFailed as failure:
        listen(progress.Failed(failure.target, failure.revision, failure.evidence, 0.0))
        return _back(actor, book, listen, touched, str(failure.target), Exit.ROLLED_BACK)
    except KeyboardInterrupt:
        listen(progress.Said("interrupted; what this deployment touched goes back"))
        return _back(actor, book, listen, touched, "", Exit.INTERRUPTED)
    except UserError as error:
        # What was not begun needs no undoing, and what is unknown is not touched further.
        left = isinstance(error, StalePlan | OutcomeUnknown)
        undoable = touched[:-1] if left else touched
        book.append("trouble", error=error.what, why=error.why)
        if undoable:
            listen(progress.Said(f"{error.what}; what this deployment touched goes back"))
            return _back(actor, book, listen, undoable, "", error.exit)
        book.append("outcome", exit=int(error.exit), error=error.what)
        raise
    except Exception as error:
        book.append("trouble", error=repr(error))
        _back(actor, book, listen, touched, "", Exit.BUG)
        raise
    finally:
        book.close()


@contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """SIGTERM and SIGHUP (a lost terminal) end the body as Ctrl-C does: it can clean up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    chosen = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, interrupt) for number in chosen]
    try:
        yield
    finally:
        for number, handler in zip(chosen, before, strict=True):
            signal.signal(number, handler)


def _forward(
    plan: Plan, actor: Actor, book: Journal, listen: Listener, touched: list[Step]
) -> Outcome:
    for step in plan.steps:
        if step.action is Action.NOTHING:
            listen(progress.Skipped(step.target, step.remark))
            continue
        touched.append(step)
        actor.do(step)
    book.append("outcome", exit=int(Exit.DONE))
    return Outcome(Exit.DONE, book.deployment, book.path)


def _back(
    actor: Actor, book: Journal, listen: Listener, touched: list[Step], failed: str, code: Exit
) -> Outcome:
    """Undo in reverse order, the primary datacenter first: it serves most users."""
    undone: list[Json] = []
    broken: list[Json] = []
    ways = [*reversed(touched)]
    for number, step in enumerate(ways):
        try:
            actor.undo(step)
            undone.append(str(step.target))
        except KeyboardInterrupt:
            listen(progress.Said("interrupted on the way back"))
            broken += [str(left.target) for left in ways[number:]]
            break
        except StepFailed as failure:
            listen(progress.Failed(step.target, failure.revision, failure.evidence, 0.0))
            broken.append(str(step.target))
        except UserError as error:
            listen(progress.Said(f"{step.target}: {error.what}"))
            broken.append(str(step.target))
    exit_code = Exit.BROKEN if broken else code
    book.append("outcome", exit=int(exit_code), failed=failed, undone=undone, broken=broken)
    return Outcome(
        exit_code,
        book.deployment,
        book.path,
        failed or None,
        tuple(map(str, undone)),
        tuple(map(str, broken)),
    )
