"""What `deploy hold`, `deploy unhold`, `deploy status` and `deploy rollback` say of holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from deploycharts.console import console

if TYPE_CHECKING:
    from pathlib import Path

    from deploycharts.deployment.aftermath import Aftermath
    from deploycharts.deployment.holds import Held
    from deploycharts.documents import Json
    from deploycharts.errors import UserError
    from deploycharts.registry.environments import Environment
    from deploycharts.registry.repository import Repository, Service

    _Act: TypeAlias = Callable[
        [Repository, Sequence[Environment], Sequence[Service], str], tuple[Held | UserError, ...]
    ]


def carry_out(
    act: _Act, word: str, names: Sequence[str], reason: str, *, output: str, verb: str,
    nothing: str,
) -> int:  # fmt: skip
    """Hold or lift, and say what was done.

    Args:
        act: what is done.
        word: an environment, the group, or the word for all.
        names: services.
        reason: why.
        output: text or json.
        verb: hold or unhold.
        nothing: what to say if there was nothing to do.

    Returns:
        The exit code; that of the first error where something could not be done.
    """
    from deploycharts.deployment.select import select
    from deploycharts.errors import Exit, UserError, WrongUsage
    from deploycharts.registry.repository import discover

    repository = discover()
    if not reason.strip():
        raise WrongUsage("the reason is empty", next_step="--reason TEXT")
    if not names:
        raise WrongUsage(
            "no service is named",
            why=f"there are: {', '.join(repository.service_names) or 'none yet'}",
            next_step=f"deploy {verb} {word} SERVICE --reason TEXT",
        )
    environments, services = select(repository, word, names, looking=True)
    found = act(repository, environments, services, reason.strip())
    done = [each for each in found if not isinstance(each, UserError)]
    errors = [each for each in found if isinstance(each, UserError)]
    if output == "json":
        _json(verb, done, errors)
    else:
        _text(verb, done, errors, nothing)
    return errors[0].exit if errors else Exit.DONE


def status_lines(found: Sequence[Held], environments: Sequence[Environment]) -> list[str]:
    """A line for each service that has holds, with the command that lifts them all.

    Args:
        found: the holds.
        environments: all of the repository.
    """
    from deploycharts.deployment import holds

    held: dict[str, list[Held]] = {}
    for each in found:
        if each.holds:
            held.setdefault(each.service, []).append(each)
    return [
        f"{holds.summary(those)}; to lift: {holds.unhold(_word(those, environments), service)}"
        for service, those in held.items()
    ]


def _word(held: Sequence[Held], environments: Sequence[Environment]) -> str:
    """The word of the command line for the environments of holds, which may say more than them."""
    from deploycharts.registry.environments import GROUP

    names = {each.environment for each in held}
    if len(names) == 1:
        return names.pop()
    production = {each.name for each in environments if each.is_production}
    return GROUP if names <= production else "all"


def say_left(after: Aftermath, word: str, service: str) -> None:
    """Say what a way back has left: the holds and how to lift them."""
    from deploycharts.deployment.holds import unhold

    if after.held:
        names = ", ".join(map(str, after.held))
        console.say(f"blocked, so that it does not come back by accident: what {names} had")
        console.say(f"  to lift this: {unhold(word, service)}")
    for remark in after.remarks:
        console.say(console.style(f"! {remark}", "yellow"))


def offer_revert(root: Path, after: Aftermath) -> None:
    """Ask the person at the terminal, if there is one and the tree is clean, whether to revert."""
    from deploycharts.cli.deploy import talk
    from deploycharts.errors import UserError
    from deploycharts.tools import git, reverting

    if not after.commits or git.tree(root).dirty:
        return
    number = f"{len(after.commits)} commits" if len(after.commits) > 1 else "the commit"
    if not talk.operator().agrees(f"Revert {number} here, in your checkout?"):
        return
    try:
        reverting.revert(root, after.commits)
    except UserError as error:
        console.say(console.style(f"{error.what}\n{error.why}", "red"))
    else:
        console.say("reverted; it is not pushed yet")


def _text(verb: str, done: Sequence[Held], errors: Sequence[UserError], nothing: str) -> None:
    from deploycharts.deployment.holds import unhold

    for each in done:
        for line in each.lines():
            console.out(f"lifted: {line}" if verb == "unhold" else line)
        if verb == "hold":
            console.say(f"  to lift this: {unhold(each.environment, each.service)}")
    if not errors and not any(each.holds for each in done):
        console.say(nothing)
    for error in errors:
        where = f" ({error.where})" if error.where else ""
        console.say(f"{console.style('✗', 'red')} {error.what}{where}")
        if error.next_step:
            console.say(f"  next: {error.next_step}")


def _json(verb: str, done: Sequence[Held], errors: Sequence[UserError]) -> None:
    import json

    holds: list[Json] = [each for held in done for each in held.as_json()]
    problems = [{"what": e.what, "where": str(e.where or ""), "why": e.why} for e in errors]
    key = "lifted" if verb == "unhold" else "held"
    console.out(json.dumps({"schemaVersion": 1, key: holds, "errors": problems}))
