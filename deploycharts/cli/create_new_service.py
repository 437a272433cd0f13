"""`create-new-service`: from a name to a chart, a service and its registry entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

_OPTIONS: dict[str, Any] = {
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100}
}


class _Command(click.Command):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The questions, from their specification."""
        from deploycharts.scaffold.questions import QUESTIONS

        rows = []
        for question in QUESTIONS:
            choices = " | ".join(name for name, _ in question.choices)
            text = question.help + (f" ({choices})" if choices else "")
            rows.append((question.name, text))
        with formatter.section("Answers, for --set KEY=VALUE and the answers file"):
            formatter.write_dl(rows)


@click.command("create-new-service", cls=_Command, **_OPTIONS)
@click.argument("name", required=False)
@click.option("--answers", type=click.Path(path_type=Path), help="YAML file with answers.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="One answer.")
@click.option("--defaults", is_flag=True, help="Ask nothing: take the defaults for the rest.")
@click.option("--no-color", is_flag=True, help="Plain text.")
def command(
    name: str | None,
    answers: Path | None,
    settings: tuple[str, ...],
    defaults: bool,
    no_color: bool,
) -> int:
    """Make a new service: chart, helmfile directory and registry entry, together or not at all.

    Answers come from --set, then the answers file, then you, then the defaults.
    """
    from deploycharts.scaffold import create

    wanted = create.Wanted(name=name, answers_file=answers, settings=settings, defaults=defaults)
    return create.run(Path.cwd(), wanted)
