"""Commits that come to environments and go from them, equal ones once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from deploycharts.tools.git import Commit

Style = Callable[..., str]

_MOST = 8
_ID_LENGTH = 10


class Brought(Protocol):
    """The commits of one service in one environment."""

    @property
    def service(self) -> str:
        """The service."""

    @property
    def environment(self) -> str:
        """The environment."""

    @property
    def base(self) -> str:
        """The commit that was deployed."""

    @property
    def known(self) -> bool:
        """Whether this clone has it."""

    @property
    def commits(self) -> Sequence[Commit]:
        """What comes."""

    @property
    def taken_back(self) -> Sequence[Commit]:
        """What goes."""


def lines(found: Sequence[Brought], *, dirty: bool, style: Style) -> list[str]:
    """What each service gets, environments with the same commits together.

    Args:
        found: of a plan.
        dirty: uncommitted changes come on top.
        style: colours words.
    """
    shown: dict[tuple[str, ...], list[str]] = {}
    for each in found:
        shown.setdefault((each.service, *_said(each, dirty=dirty, style=style)), []).append(
            each.environment
        )
    result = []
    for (service, first, *rest), environments in shown.items():
        result += [f"  {', '.join(environments)} {service}: {first}", *rest]
    return result


def _said(each: Brought, *, dirty: bool, style: Style) -> list[str]:
    more = ", and uncommitted changes" if dirty else ""
    if not each.base:
        return [style("it is not known which commit is deployed", "dim")]
    base = each.base[:_ID_LENGTH]
    if not each.known:
        return [style(f"commit {base} is deployed, which this clone does not have", "yellow")]
    found = []
    if each.taken_back:
        found = [
            style(f"takes back {_count(each.taken_back)} that {base} has", "red", "bold"),
            *_listed(each.taken_back, "-", style),
        ]
    if each.commits or not found:
        said = f"{_count(each.commits)} since {base}{more}" if each.commits else ""
        found += [said or f"no commit since {base}{more}", *_listed(each.commits, "+", style)]
    return found


def _listed(commits: Sequence[Commit], sign: str, style: Style) -> list[str]:
    listed = [
        f"    {sign} {style(each.id[:_ID_LENGTH], 'cyan')} {each.subject} ({each.author})"
        for each in commits[:_MOST]
    ]
    left = len(commits) - _MOST
    return [*listed, f"      and {left} more"] if left > 0 else listed


def _count(commits: Sequence[Commit]) -> str:
    return f"{len(commits)} commit{'' if len(commits) == 1 else 's'}"
