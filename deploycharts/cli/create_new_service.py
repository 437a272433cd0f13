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
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Give one answer.")
@click.option("--defaults", is_flag=True, help="Ask nothing; use the defaults for the rest.")
@click.option("--chart", metavar="CHART", help="Use an existing chart.")
@click.option("--like", metavar="SERVICE", help="Start from the answers of another service.")
@click.option("--dry-run", is_flag=True, help="Show the files and their contents; write nothing.")
@click.option("--print-answers", is_flag=True, help="Write the answers file of this run to stdout.")
@click.option("--branch", is_flag=True, help="Commit the files to a git branch of their own.")
@click.option(
    "--source-dir",
    type=click.Path(path_type=Path),
    help="Write pipeline files into the service's own source repository.",
)
@click.option("--check", is_flag=True, help="List the services that are behind their template.")
@click.option("--update", is_flag=True, help="Merge the templates' changes into NAME.")
@click.option("--all", "everything", is_flag=True, help="With --update: update all services.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="Output format.",
)
@click.option("--no-color", is_flag=True, help="Plain text.")
def command(
    name: str | None,
    answers: Path | None,
    settings: tuple[str, ...],
    defaults: bool,
    chart: str | None,
    like: str | None,
    dry_run: bool,
    print_answers: bool,
    branch: bool,
    source_dir: Path | None,
    check: bool,
    update: bool,
    everything: bool,
    output: str,
    no_color: bool,
) -> int:
    """Create a service: its chart, helmfile directory and registry entry, all or nothing.

    An answer comes from --set, else from the answers file, else from you, else it is the default.
    """
    if check or update:
        if (check and update) or answers or chart or like or branch or source_dir:
            raise click.UsageError(
                "--check, --update and options for a new service exclude each other."
            )
        return _catch_up(name, settings, check=check, everything=everything, dry_run=dry_run,
                         is_quiet=defaults)  # fmt: skip
    if everything:
        raise click.UsageError("--all goes with --update.")
    from deploycharts.scaffold import create

    wanted = create.Wanted(
        name=name, answers_file=answers, settings=settings, defaults=defaults, chart=chart,
        like=like, dry_run=dry_run, print_answers=print_answers, branch=branch,
        source_dir=source_dir, as_json=output == "json",
    )  # fmt: skip
    return create.run(Path.cwd(), wanted, create.prompter_of_terminal())


def _catch_up(
    name: str | None, settings: tuple[str, ...], *, check: bool, everything: bool, dry_run: bool,
    is_quiet: bool,
) -> int:  # fmt: skip
    from deploycharts.scaffold import create
    from deploycharts.scaffold import update as updating

    if check:
        return updating.check(Path.cwd())
    if (name is None) != everything:
        raise click.UsageError("--update needs NAME, or --all.")
    prompter = None if is_quiet else create.prompter_of_terminal()

    def confirm(text: str) -> bool:
        assert prompter is not None
        return prompter.choose(text, {"yes": "yes", "no": "no"}) == "yes"

    return updating.update(
        Path.cwd(), name, settings, dry_run=dry_run, confirm=confirm if prompter else None
    )
