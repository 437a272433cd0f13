"""Lazy verbs: a verb's module is imported when the verb runs, not when help is printed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Verbs(click.Group):
    """A group of verbs, each `PACKAGE.VERB:command`; other first words go to the `default` verb."""

    def __init__(
        self, name: str, *, verbs: dict[str, str], package: str, default: str | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        settings = {
            "ignore_unknown_options": True, "allow_interspersed_args": False,
            "help_option_names": ["-h", "--help"],
        }  # fmt: skip
        super().__init__(name, context_settings=settings, **options)
        self._verbs = verbs
        self._package = package
        self._default = default

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of their declaration."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb, imported now."""
        if cmd_name not in self._verbs:
            return None
        command = import_module(f"{self._package}.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        command.context_settings.setdefault("help_option_names", ["-h", "--help"])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, from the declaration alone."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._verbs.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that the first word names, or the default verb with all words."""
        if self._default and args[0] not in self._verbs:
            args = [self._default, *args]
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Verbs, and what the default verb takes as its first word."""
        from click.shell_completion import CompletionItem

        items = [
            CompletionItem(verb, help=text)
            for verb, text in self._verbs.items()
            if verb.startswith(incomplete)
        ]
        if self._default:
            command = self.get_command(ctx, self._default)
            assert command is not None
            arguments = [p for p in command.params if isinstance(p, click.Argument)]
            items = arguments[0].shell_complete(ctx, incomplete) + items
        return items
