"""What runs otherwise than it was released, equal edits of several releases once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Style = Callable[..., str]

_MOST = 10


def lines(found: Iterable[tuple[str, str, bool]], *, style: Style) -> list[str]:
    """A line for each difference.

    Args:
        found: target, what differs in words, and whether a person did it.
        style: colours words.
    """
    targets: dict[tuple[str, bool], list[str]] = {}
    for target, text, is_by_hand in found:
        targets.setdefault((text, is_by_hand), []).append(target)
    ordered = sorted(targets.items(), key=lambda item: not item[0][1])
    shown = [
        f"  {style('!', 'yellow', 'bold') if by_hand else style('·', 'dim')} "
        f"{', '.join(names)}: {text}"
        for (text, by_hand), names in ordered[:_MOST]
    ]
    left = len(ordered) - _MOST
    return [*shown, f"    and {left} more"] if left > 0 else shown
