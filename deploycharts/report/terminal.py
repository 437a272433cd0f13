"""Changes and consequences for a terminal: bounded, readable on 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deploycharts.changes.model import Consequence, Fold, Risk, count
from deploycharts.changes.summary import FoldedConsequence, fold_consequences
from deploycharts.report.phrases import Universe, named, target_phrase, universe_of
from deploycharts.report.rows import Group, Row, blocks, cause_text, facts_phrase, groups, rows
from deploycharts.report.values import Line
from deploycharts.target import Target

_MOST_LINES = 60
_MOST_CONSEQUENCES = 14
_NARROWEST = 40
_MOST_COLUMNS = 5
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_SIGNS = {"+": "green", "-": "red"}
_MARKS = {Risk.HIGH: "‼", Risk.MEDIUM: "!", Risk.LOW: "·", Risk.NONE: " "}
_COLOURS = {Risk.HIGH: "red", Risk.MEDIUM: "yellow", Risk.LOW: "", Risk.NONE: "dim"}


@dataclass(frozen=True, slots=True)
class _Page:
    """How wide and colourful the page is, and whose changes it shows."""

    width: int
    full: bool
    coloured: bool
    universe: Universe

    def paint(self, text: str, *styles: str) -> str:
        codes = ";".join(_STYLES[style] for style in styles if style)
        return f"\x1b[{codes}m{text}\x1b[0m" if codes and text and self.coloured else text

    def cut(self, text: str, indent: int = 0) -> str:
        """The text on one line of the page; the full report cuts nothing."""
        text = text.expandtabs(4)
        room = max(self.width - indent, 20)
        return text if self.full or len(text) <= room else f"{text[: room - 1]}…"


@dataclass(frozen=True, slots=True)
class _Part:
    """Lines that stay together."""

    lines: list[str]
    changes: int = 0


def render_changes(
    folds: Sequence[Fold],
    consequences: Sequence[Consequence],
    *,
    width: int = 80,
    full: bool = False,
    coloured: bool = False,
    environments: Sequence[str] = (),
) -> str:
    """The consequences, then rows of objects and fields with who has the change.

    Args:
        folds: all changes and facts, see `changes.fold.fold`.
        consequences: of all targets.
        width: of the terminal, in columns.
        full: everything and nothing cut; else at most about 80 lines.
        coloured: with ANSI colours.
        environments: their order; unknown ones last.
    """
    universe = _universe(folds, consequences, environments)
    page = _Page(max(width, _NARROWEST), full, coloured, universe)
    parts = [_consequences(consequences, page), _changes(folds, page), _facts(folds, page)]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _universe(
    folds: Sequence[Fold], consequences: Sequence[Consequence], environments: Sequence[str]
) -> Universe:
    targets = universe_of(folds).targets | {each.target for each in consequences}
    return Universe.of(targets, environments)


def _consequences(consequences: Sequence[Consequence], page: _Page) -> list[str]:
    found = fold_consequences(consequences)
    shown = found if page.full else found[:_MOST_CONSEQUENCES]
    lines = [line for each in shown for line in _consequence(each, page)]
    if len(shown) < len(found):
        hidden = count(len(found) - len(shown), "more consequence")
        lines.append(page.paint(f"    … {hidden} (--full shows them)", "dim"))
    return lines


def _consequence(each: FoldedConsequence, page: _Page) -> list[str]:
    text = consequence_text(each, page.universe)
    lines = textwrap.wrap(text, page.width - 4, break_long_words=False, break_on_hyphens=False) or [
        ""
    ]
    mark = page.paint(_MARKS[each.risk], _COLOURS[each.risk], "bold")
    first = page.paint(lines[0], _COLOURS[each.risk])
    return [f"  {mark} {first}", *(f"    {page.paint(e, _COLOURS[each.risk])}" for e in lines[1:])]


def consequence_text(each: FoldedConsequence, universe: Universe) -> str:
    """The sentence in the names of its targets, with who has it where that is not everyone."""
    text = named(each.sentence, each.targets)
    text = text.replace("{pods}", _pods(each, universe))
    return text if each.targets == universe.targets else f"{text} ({_who(each, universe)})"


def _who(each: FoldedConsequence, universe: Universe) -> str:
    return target_phrase(each.targets, universe)


def _pods(each: FoldedConsequence, universe: Universe) -> str:
    """`9 pods`, and where environments differ `9 pods (staging 1, codfw 4, eqiad 4)`."""
    by_environment: dict[str, int] = {}
    for target, number in each.pods:
        by_environment[target.environment] = by_environment.get(target.environment, 0) + number
    total = count(each.total_pods, "pod")
    if len(by_environment) < 2:
        return total
    named_counts = (
        f"{name} {by_environment[name]}" for name in universe.environments if name in by_environment
    )
    return f"{total} ({', '.join(named_counts)})"


def _changes(folds: Sequence[Fold], page: _Page) -> list[str]:
    found = rows(folds, full=page.full)
    if not found:
        return []
    return _bounded(_matrix(found, page) if _has_columns(page) else _list(found, page), page)


def _has_columns(page: _Page) -> bool:
    return (
        len(page.universe.services) == 1
        and 1 < len(page.universe.environments) <= _MOST_COLUMNS
        and sum(map(_column_width, page.universe.environments)) <= page.width // 2
    )


def _column_width(environment: str) -> int:
    return len(environment) + 2


def _matrix(found: list[Row], page: _Page) -> list[_Part]:
    """Rows of objects and fields, columns of environments."""
    names = "".join(name.rjust(_column_width(name)) for name in page.universe.environments)
    left = page.width - len(names)
    rendered = [_Part([page.paint(f"{'':{left}}{names}", "dim")])]
    for block in blocks(found):
        rendered.append(_Part([page.paint(page.cut(block.object), "bold")]))
        rendered += [_Part(_matrix_row(row, page, left), changes=1) for row in block.rows]
    return rendered


def _matrix_row(row: Row, page: _Page, left: int) -> list[str]:
    label, rest = _label(row, left - 3, page)
    padding = " " * max(left - 2 - len(label), 1)
    painted = page.paint(label, "bold", "yellow") if row.fold.outlier else label
    return [f"  {painted}{padding}{_cells(row.fold, page)}", *rest, *_cause(row, page)]


def _label(row: Row, room: int, page: _Page) -> tuple[str, list[str]]:
    """The first line of a row and the lines below it: as much on the first as fits."""
    if not row.path and row.lines:
        first, *more = row.lines
        return f"{first.sign} {first.text}".strip(), _value_lines(more, page)
    if row.text is None:
        return page.cut(row.path, page.width - room), _value_lines(row.lines, page)
    together = f"{row.path}  {row.text}"
    if len(together) <= room:
        return together, []
    path = page.cut(row.path, page.width - room)
    if len(row.text) + 6 <= page.width:
        return path, [f"      {row.text}"]
    return path, _value_lines(row.lines, page)


def _value_lines(lines: Iterable[Line], page: _Page) -> list[str]:
    return [
        "      "
        + page.paint(page.cut(f"{line.sign} {line.text}", 6).rstrip(), _SIGNS.get(line.sign, ""))
        for line in lines
    ]


def _cells(each: Fold, page: _Page) -> str:
    cells = []
    for name in page.universe.environments:
        mark, style = _cell(each, name)
        cells.append(" " * (_column_width(name) - 1) + page.paint(mark, style))
    return "".join(cells)


def _cell(each: Fold, environment: str) -> tuple[str, str]:
    def here(targets: frozenset[Target]) -> bool:
        return any(target.environment == environment for target in targets)

    if here(each.targets):
        return "●", "cyan"
    return ("≠", "yellow") if here(each.different) else ("·", "dim")


def _list(found: list[Row], page: _Page) -> list[_Part]:
    """Groups of targets, below them objects and fields."""
    rendered: list[_Part] = []
    for group in groups(found, page.universe):
        rendered.append(_Part([_group_title(group, page)]))
        for block in group.blocks:
            rendered.append(_Part([f"  {page.paint(page.cut(block.object, 2), 'bold')}"]))
            rendered += [_Part(_list_row(row, page), changes=1) for row in block.rows]
    return rendered


def _group_title(group: Group, page: _Page) -> str:
    if group.outlier:
        return page.paint(page.cut(f"unlike most: {group.phrase}"), "yellow", "bold")
    return page.paint(page.cut(group.phrase), "cyan")


def _list_row(row: Row, page: _Page) -> list[str]:
    label, rest = _label(row, page.width - 4, page)
    return [f"    {label}", *rest, *_cause(row, page)]


def _cause(row: Row, page: _Page) -> list[str]:
    text = cause_text(row.fold)
    return [f"      {page.paint(page.cut(f'← {text}', 6), 'dim')}"] if text else []


def _bounded(rendered: list[_Part], page: _Page) -> list[str]:
    """The first rows up to the bound, and how many are hidden."""
    lines: list[str] = []
    for number, part in enumerate(rendered):
        if not page.full and len(lines) + len(part.lines) > _MOST_LINES:
            hidden = sum(each.changes for each in rendered[number:])
            total = count(sum(each.changes for each in rendered), "change")
            text = f"… {hidden} of {total} not shown: --full shows them"
            return [*lines, page.paint(text, "dim")]
        lines += part.lines
    return lines


def _facts(folds: Sequence[Fold], page: _Page) -> list[str]:
    phrase = facts_phrase(folds)
    if not phrase:
        return []
    lines = textwrap.wrap(f"without a meaning of their own: {phrase}", page.width)
    return [page.paint(line, "dim") for line in lines]
