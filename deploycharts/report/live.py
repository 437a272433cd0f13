"""A deployment as it happens, in lines for a terminal or a log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from deploycharts.target import Target

Style = Callable[..., str]
Row: TypeAlias = tuple[Target, str]
"""A release and the workload of it that a row is about, empty where it needs no name."""


def began(target: Target, action: str, *, style: Style) -> str:
    """A step begins."""
    return f"{style('▸', 'blue')} {target}: {action}"


def skipped(target: Target, why: str, *, style: Style) -> str:
    """A step has nothing to do."""
    return style(f"· {target}: nothing to do, {why}", "dim")


def gate(state: str, sentence: str, *, style: Style) -> str:
    """A gate before a step, as a plan shows it."""
    signs = {"passed": ("✓", "green"), "refused": ("✗", "red"), "noted": ("!", "yellow")}
    sign = style(*signs[state]) if state in signs else "⏸"
    return f"  {sign} {sentence}"


def moved(ready: int, wanted: int, old: int, restarts: int, draining: int, seconds: float) -> str:
    """How far a workload is; short, since it is rewritten in place."""
    bar = "█" * ready + "░" * max(0, wanted - ready) if 0 < wanted <= 20 else ""
    more = f", {old} old" if old else ""
    more += f", {draining} draining" if draining else ""
    more += f", {restarts} {'restart' if restarts == 1 else 'restarts'}" if restarts else ""
    return f"{ready} of {wanted} ready{more} {bar} {seconds:.0f} s"


def baking(sentence: str, left_s: float) -> str:
    """A step waits for a bake."""
    return f"{sentence}, {left_s:.0f} s left"


def rows(at: Mapping[Row, str]) -> list[str]:
    """What each release or workload is at, one below the other."""
    names = [f"{target} {workload}".strip() for target, workload in at]
    width = max(map(len, names), default=0)
    return [f"  {name:{width}}  {text}" for name, text in zip(names, at.values(), strict=True)]


def noted(target: Target, text: str, *, style: Style) -> str:
    """The cluster warns of something."""
    return f"  {style('!', 'yellow')} {target}: {text}"


def appeared(text: str, fails_in_s: float | None, *, style: Style) -> str:
    """A trouble appeared."""
    if fails_in_s is None or fails_in_s <= 0:
        return f"  {style('✗', 'red')} {text}"
    patience = style(f"(fails if it lasts {fails_in_s:.0f} s)", "dim")
    return f"  {style('!', 'yellow')} {text} {patience}"


def finished(target: Target, action: str, revision: int, seconds: float, *, style: Style) -> str:
    """A step is done."""
    return f"{style('✓', 'green')} {target}: {action} done, revision {revision}, {seconds:.1f} s"


def suspected(sentence: str, *, style: Style) -> str:
    """The change that most likely made a step fail."""
    return f"  {style('most likely', 'bold')}  {sentence}"


def made(revision: int) -> str:
    """Which revision a step made, 0 for none."""
    return f"revision {revision}" if revision else "before helm made a revision"


def failed(
    target: Target, revision: int, reasons: tuple[str, ...], log: tuple[str, ...],
    events: tuple[str, ...], helm: str, checks: tuple[str, ...] = (), *, style: Style,
) -> str:  # fmt: skip
    """A step failed: the reason, the last log lines, the cluster's warnings."""
    lines = [f"{style('✗', 'red', 'bold')} {target}: failed, {made(revision)}"]
    lines += [f"  {style('reason', 'bold')}  {reason}" for reason in reasons]
    lines += [f"  {style('check', 'bold')}  {_indented(check)}" for check in checks]
    if log:
        lines += [f"  {style('last log lines', 'bold')}", *(f"    {line}" for line in log)]
    if events:
        lines += [f"  {style('events', 'bold')}", *(f"    {line}" for line in events)]
    if helm:
        lines += [f"  {style('helm said', 'bold')}", *(f"    {x}" for x in helm.splitlines())]
    return "\n".join(lines)


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")
