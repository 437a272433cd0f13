"""A review for a terminal, as markdown, and as one JSON document."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from deploycharts.changes.model import Consequence, Fold, count
from deploycharts.documents import Json
from deploycharts.report.jsonform import changes_json, source_json, target_json
from deploycharts.report.markdown import LONGEST, render_markdown
from deploycharts.report.terminal import render_changes
from deploycharts.source import Source
from deploycharts.target import Target

_STYLES = {"bold": "1", "red": "31", "yellow": "33", "dim": "2"}
_MOST_WHY = 6
_SPECIAL = str.maketrans({letter: f"\\{letter}" for letter in "\\`*_<>[]|"})


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that does not evaluate or render; `is_open` if it still does not."""

    who: str
    when: str
    what: str
    where: str
    why: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Page:
    """What a report on a review tells.

    Attributes:
        verdict: three lines.
        fixtures: the word that stands for the environment of charts with fixtures.
        claims: units that changed against our claim that they cannot.
        idle: edited lines without effect, the lines that override each, and where they do. The
            remarks tell them too.
    """

    verdict: Sequence[str]
    folds: Sequence[Fold]
    consequences: Sequence[Consequence]
    broken: Sequence[Broken]
    remarks: Sequence[str]
    environments: Sequence[str]
    fixtures: str
    claims: Sequence[str] = ()
    idle: Sequence[tuple[Source, Sequence[Source], Sequence[Target]]] = ()

    def released(self) -> tuple[Fold, ...]:
        """The changes that releases have, without the fixtures that have them too."""
        released = self._released()
        found = (_only(each, released) for each in self.folds)
        return tuple(each for each in found if each.targets)

    def tried(self) -> tuple[Fold, ...]:
        """The changes that only fixtures have."""
        released = self._released()
        others = self._targets() - released
        return tuple(
            _only(each, others) for each in self.folds if each.targets.isdisjoint(released)
        )

    def shared(self) -> str:
        """How many fixtures have changes that releases have too; empty if none."""
        released = self._released()
        targets = frozenset[Target]().union(
            *(
                each.targets - released
                for each in self.folds
                if each.fact is None and not each.targets.isdisjoint(released)
            )
        )
        charts = {target.service for target in targets}
        if not targets:
            return ""
        fixtures = count(len(targets), "chart fixture")
        return f"the same changes in {fixtures} of {count(len(charts), 'chart')}"

    def _targets(self) -> frozenset[Target]:
        return frozenset[Target]().union(
            *(each.targets | each.absent | each.different for each in self.folds)
        )

    def _released(self) -> frozenset[Target]:
        return frozenset(each for each in self._targets() if each.environment != self.fixtures)


def as_text(page: Page, *, width: int = 80, full: bool = False, coloured: bool = False) -> str:
    """The review for a terminal."""

    def paint(text: str, *styles: str) -> str:
        codes = ";".join(_STYLES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m" if coloured and text else text

    def wrapped(text: str, indent: str = "  ") -> str:
        return textwrap.fill(
            text, width, initial_indent="", subsequent_indent=indent, break_on_hyphens=False
        )

    first, *rest = page.verdict
    parts = ["\n".join([paint(wrapped(first), "bold"), *map(wrapped, rest)])]
    parts += [_broken_text(each, full=full, paint=paint) for each in page.broken]
    parts += [
        render_changes(
            folds, consequences, width=width, full=full, coloured=coloured,
            environments=page.environments,
        )
        if folds or consequences
        else ""
        for folds, consequences in ((page.released(), page.consequences),)
    ]  # fmt: skip
    if page.tried():
        title = paint("in chart fixtures only", "bold")
        changes = render_changes(page.tried(), (), width=width, full=full, coloured=coloured)
        parts.append(f"{title}\n{changes}")
    parts.append(paint(wrapped(page.shared()), "dim"))
    parts += [paint(wrapped(f"unclaimed change: {each}"), "red", "bold") for each in page.claims]
    parts += [wrapped(f"note: {each}") for each in page.remarks]
    return "\n\n".join(part for part in parts if part)


def as_markdown(page: Page, *, full: bool = False, longest: int = LONGEST) -> str:
    """The review for a comment on a change."""
    parts = [*_markdown_head(page)]
    released = page.released()
    if released or page.consequences:
        parts.append(
            render_markdown(
                released, page.consequences, full=full, environments=page.environments,
                longest=longest // 2,
            ).strip()
        )  # fmt: skip
    if page.tried():
        changes = render_markdown(page.tried(), (), full=full, longest=longest // 4).strip()
        parts.append(f"## In chart fixtures only\n\n{changes}")
    if page.shared():
        parts.append(f"<sub>{_escaped(page.shared())}</sub>")
    notes = [f"- **unclaimed change:** {_escaped(each)}" for each in page.claims]
    notes += [f"- {_escaped(each)}" for each in page.remarks]
    if notes:
        parts.append("### Notes\n\n" + "\n".join(notes))
    return "\n\n".join(parts)[:longest] + "\n"


def as_json(page: Page, facts: dict[str, Json]) -> str:
    """The review as one document: that of `deploy diff`, and what only a review knows."""
    changes = changes_json(page.folds, page.consequences, environments=page.environments)
    own: dict[str, Json] = {
        **facts,
        "verdict": [*page.verdict],
        "failures": [
            {"who": each.who, "when": each.when, "what": each.what, "where": each.where,
             "why": each.why, "open": each.is_open}
            for each in page.broken
        ],
        "remarks": [*page.remarks],
        "overridden": [
            {"line": source_json(line), "by": [source_json(each) for each in by],
             "targets": [target_json(each) for each in targets]}
            for line, by, targets in page.idle
        ],
        "brokenClaims": [*page.claims],
    }  # fmt: skip
    return json.dumps({**changes, "review": own}, indent=2, ensure_ascii=False)


def _only(each: Fold, wanted: frozenset[Target]) -> Fold:
    """The fold for some of its targets."""
    return replace(
        each,
        targets=each.targets & wanted,
        absent=each.absent & wanted,
        different=each.different & wanted,
        positions=tuple(pair for pair in each.positions if pair[0] in wanted),
    )


def _broken_text(each: Broken, *, full: bool, paint: Callable[..., str]) -> str:
    style = ("red", "bold") if each.is_open else ("yellow",)
    head = paint(f"{each.who} {each.when}:", *style)
    where = f"{each.where}: " if each.where else ""
    more = [f"  {line}" for line in _why(each, full=full)]
    return "\n".join([f"{head} {where}{each.what}", *more])


def _why(each: Broken, *, full: bool) -> list[str]:
    lines = each.why.splitlines()
    if full or len(lines) <= _MOST_WHY:
        return lines
    return [*lines[:_MOST_WHY], f"… {len(lines) - _MOST_WHY} more lines (--full shows them)"]


def _markdown_head(page: Page) -> Iterator[str]:
    first, *rest = page.verdict
    yield f"**{_escaped(first)}**" + "".join(f"\\\n{_escaped(line)}" for line in rest)
    lines = []
    for each in page.broken:
        where = f"`{each.where}`: " if each.where else ""
        lines.append(f"- **{_escaped(each.who)} {each.when}:** {where}{_escaped(each.what)}")
        lines += [f"  > {_escaped(line)}" for line in _why(each, full=False)]
    if lines:
        yield "### Failures\n\n" + "\n".join(lines)


def _escaped(text: str) -> str:
    return text.translate(_SPECIAL)
