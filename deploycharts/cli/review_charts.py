"""Program `review-charts`: what a change of the repository does to every release."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from deploycharts.report.review import Page
    from deploycharts.review.model import Review


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("revisions", metavar="[BASE[..HEAD]]", required=False)
@click.option("--all", "everything", is_flag=True,
              help="Render everything, and check that what is skipped cannot change.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text",
              show_default=True, help="Form of the report.")  # fmt: skip
@click.option("--full", is_flag=True, help="Show all changes, however many.")
@click.option("--exit-code", is_flag=True, help="Exit 2 if there are changes.")
@click.option("--no-color", is_flag=True, expose_value=False, help="Plain text.")
def command(revisions: str | None, everything: bool, form: str, full: bool, exit_code: bool) -> int:
    """Show what a change does to all releases and charts, each change once.

    Without a range: from where HEAD and the main branch parted to the files as they are now, new
    ones included. A range means what it means to git diff: BASE, BASE..HEAD or BASE...HEAD.

    Exits with 8 if something does not render.
    """
    import gc
    import sys

    from deploycharts.console import console
    from deploycharts.errors import Exit
    from deploycharts.registry.repository import discover
    from deploycharts.review.run import review

    # Everything lives until the end: looking for garbage would only take time. One thread waits for
    # programs while another computes: it must not wait for its turn as well.
    gc.disable()
    sys.setswitchinterval(0.0005)
    found = review(discover().root, revisions, everything=everything)
    console.out(_report(found, form, full=full))
    if found.broken_claims or any(each.is_open for each in found.failures):
        return Exit.CHECK_FAILED
    return Exit.CHANGES if exit_code and found.has_changes else Exit.DONE


def _report(found: Review, form: str, *, full: bool) -> str:
    import shutil
    import sys

    from deploycharts.console import console
    from deploycharts.report import review as report

    page = _page(found)
    if form == "markdown":
        return report.as_markdown(page, full=full).rstrip("\n")
    if form == "json":
        return report.as_json(page, {"base": found.base, "head": found.head, **_counts(found)})
    width = shutil.get_terminal_size((80, 24)).columns
    coloured = console.is_coloured(sys.stdout)
    return report.as_text(page, width=width, full=full, coloured=coloured)


def _page(found: Review) -> Page:
    from deploycharts.report.review import Broken, Page
    from deploycharts.review.model import FIXTURES
    from deploycharts.review.verdict import verdict

    broken = [
        Broken(
            each.who,
            each.when.value,
            each.error.what,
            "" if each.error.where is None else str(each.error.where),
            each.error.why,
            each.is_open,
        )
        for each in found.failures
    ]
    return Page(
        verdict=verdict(found),
        folds=found.folds,
        consequences=found.consequences,
        broken=broken,
        remarks=found.remarks,
        environments=found.environments,
        fixtures=FIXTURES,
        claims=found.broken_claims,
        idle=[(each.line, each.by, each.targets) for each in found.idle],
    )


def _counts(found: Review) -> dict[str, int]:
    counts = found.counts
    return {
        "releases": counts.releases,
        "releasesChanged": counts.releases_changed,
        "fixtures": counts.fixtures,
        "fixturesChanged": counts.fixtures_changed,
        "renders": counts.rendered,
        "skippedServices": counts.skipped_services,
        "skippedCharts": counts.skipped_charts,
    }
