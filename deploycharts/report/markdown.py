"""Changes and consequences in markdown, for a comment on a change under review."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from deploycharts.changes.model import Consequence, Fold, Risk, count
from deploycharts.changes.summary import FoldedConsequence, fold_consequences
from deploycharts.report.phrases import Universe, universe_of
from deploycharts.report.rows import Group, Row, cause_text, facts_phrase, groups, rows
from deploycharts.report.terminal import consequence_text

LONGEST = 65_000
_ROWS = 50
_MARKS = {Risk.HIGH: "🔴 ", Risk.MEDIUM: "🟠 ", Risk.LOW: "", Risk.NONE: ""}


def render_markdown(
    folds: Sequence[Fold],
    consequences: Sequence[Consequence] = (),
    *,
    full: bool = False,
    longest: int = LONGEST,
    environments: Sequence[str] = (),
) -> str:
    """Consequences as a list, then tables of changes by who has them.

    Args:
        folds: all changes and facts.
        consequences: of all targets.
        full: with everything that is cut elsewhere, still within `longest`.
        longest: in characters; forges refuse comments above 65,536.
        environments: their order; unknown ones last.
    """
    known = universe_of(folds).targets | {each.target for each in consequences}
    universe = Universe.of(known, environments)
    parts = [
        *_consequences(fold_consequences(consequences), universe),
        *_changes(groups(rows(folds, full=full), universe)),
        *_facts(folds),
    ]
    return _within(parts, longest)


def _consequences(found: Iterable[FoldedConsequence], universe: Universe) -> Iterator[str]:
    lines = [f"- {_MARKS[each.risk]}{_escaped(consequence_text(each, universe))}" for each in found]
    if lines:
        yield "### Consequences\n\n" + "\n".join(lines)


def _changes(found: Sequence[Group]) -> Iterator[str]:
    for number, group in enumerate(found):
        unlike = "Unlike most: " if group.outlier else ""
        heading = "" if number else "### Changes\n\n"
        title = f"{heading}**{unlike}{_escaped(group.phrase)}**"
        for table in _tables(group):
            yield f"{title}\n\n{table}"
            title = "_continued_"
        yield from _details(group)


def _tables(group: Group) -> Iterator[str]:
    """A table in pieces, since a comment has room for so many."""
    lines = [
        f"| {'' if number else _code(block.object)} | {_code(row.path)} | {_cell(row)} |"
        for block in group.blocks
        for number, row in enumerate(block.rows)
    ]
    for start in range(0, len(lines), _ROWS):
        yield "\n".join(["| object | field | change |", "|---|---|---|", *lines[start:][:_ROWS]])


def _cell(row: Row) -> str:
    cause = cause_text(row.fold)
    return f"{_value(row)} ← {_code(cause)}" if cause else _value(row)


def _value(row: Row) -> str:
    if row.text is not None:
        return _code(row.text)
    if not row.path and row.lines:
        return _escaped(row.lines[0].text)
    return "see below"


def _details(group: Group) -> Iterator[str]:
    for block in group.blocks:
        for row in block.rows:
            lines = row.lines if row.path else row.lines[1:]
            if row.text is None and lines:
                text = "\n".join(f"{line.sign} {line.text}".rstrip() for line in lines)
                fence = "`" * max(3, _longest_run(text) + 1)
                title = f"{_code(block.object)} {_code(row.path)}"
                yield f"{title}\n\n{fence}diff\n{text}\n{fence}"


def _facts(folds: Sequence[Fold]) -> Iterator[str]:
    phrase = facts_phrase(folds)
    if phrase:
        yield f"<sub>Without a meaning of their own: {_escaped(phrase)}</sub>"


def _within(parts: Sequence[str], longest: int) -> str:
    """The first parts that fit, and how many do not."""
    found: list[str] = []
    left = longest - 100
    for number, part in enumerate(parts):
        left -= len(part) + 2
        if left < 0:
            hidden = count(len(parts) - number, "more part")
            return (
                "\n\n".join([*found, f"_… {hidden}: run the review locally to see them._"]) + "\n"
            )
        found.append(part)
    return "\n\n".join(found) + "\n"


def _code(text: str) -> str:
    if not text:
        return ""
    fence = "`" * (_longest_run(text) + 1)
    padding = " " if "`" in text else ""
    escaped = text.replace("|", "\\|").replace("\n", " ")
    return f"{fence}{padding}{escaped}{padding}{fence}"


def _longest_run(text: str) -> int:
    """The longest run of backticks."""
    longest = run = 0
    for letter in text:
        run = run + 1 if letter == "`" else 0
        longest = max(longest, run)
    return longest


def _escaped(text: str) -> str:
    for letter in "\\`*_<>[]|":
        text = text.replace(letter, f"\\{letter}")
    return text
