"""Arguments and options that several commands share, with their completion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from deploycharts.errors import UserError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from deploycharts.registry.repository import Repository

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _complete(incomplete: str, names: Callable[[Repository], Iterable[str]]) -> list[Any]:
    from click.shell_completion import CompletionItem

    from deploycharts.registry.repository import discover

    try:
        return [CompletionItem(n) for n in names(discover()) if n.startswith(incomplete)]
    except UserError:
        return []


class EnvironmentWord(click.ParamType[str]):
    """An environment, or the group of all production environments."""

    name = "environment"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The declared environments and the group."""
        from deploycharts.registry.environments import GROUP

        return _complete(incomplete, lambda r: [*(e.name for e in r.environments), GROUP])


class ServiceName(click.ParamType[str]):
    """A service of the repository."""

    name = "service"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The services of the repository."""
        return _complete(incomplete, lambda r: r.service_names)


environment_argument = click.argument("environment", type=EnvironmentWord(), metavar="ENVIRONMENT")
services_argument = click.argument("services", type=ServiceName(), nargs=-1, metavar="SERVICE...")


def common_options(command: _Command) -> _Command:
    """The options that every command has; `entry` reads --no-color and -o itself too."""
    command = click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        help="Form of the answer.",
    )(command)
    return click.option("--no-color", is_flag=True, expose_value=False, help="Plain text.")(command)


class YesCommand(click.Command):
    """A command with `--yes[=PLAN]`: the value needs the sign, so that no word is taken for it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse with a bare --yes spelled out."""
        return super().parse_args(ctx, ["--yes=" if word == "--yes" else word for word in args])


yes_option = click.option(
    "--yes",
    metavar="[=PLAN]",
    help="Do not ask; without a terminal production wants the ID of a plan that you saw.",
)


def plan_options(command: _Command) -> _Command:
    """What a person may wish of a plan; the command gets it as one `wish`."""
    import functools

    @functools.wraps(command)
    def gathered(
        *args: Any, release: str | None, skip: tuple[str, ...], pause_before: tuple[str, ...],
        reason: str, emergency: str, take_over: bool, **others: Any,
    ) -> Any:  # fmt: skip
        from deploycharts.deployment.plan import Wish

        wish = Wish(
            release, skip, pause_before, reason.strip(), emergency.strip(), take_over=take_over
        )
        return command(*args, wish=wish, **others)

    decorators = [
        click.option("--release", help="Only this release of each service."),
        click.option(
            "--skip", multiple=True, metavar="ENV",
            help="Leave out an environment of the group; say why with --reason.",
        ),
        click.option(
            "--pause-before", multiple=True, metavar="ENV",
            help="Ask once more before this environment is begun.",
        ),
        click.option("--reason", default="", metavar="TEXT", help="Why; helm's history keeps it."),
        click.option(
            "--emergency", default="", metavar="WHY",
            help="Pass over the gates staging, merged and bake, and over holds.",
        ),
        click.option(
            "--take-over", is_flag=True,
            help="Overwrite fields that somebody edited by hand; the plan shows them.",
        ),
    ]  # fmt: skip
    decorated: Any = gathered
    for decorate in reversed(decorators):
        decorated = decorate(decorated)
    return cast(_Command, decorated)
