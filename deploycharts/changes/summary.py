"""Consequences of many targets: the same one once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deploycharts.changes.model import Consequence, ConsequenceKind, Risk
from deploycharts.changes.names import hide_in_text
from deploycharts.target import Target


@dataclass(frozen=True, slots=True)
class FoldedConsequence:
    """A consequence with all the targets that it happens to.

    Attributes:
        sentence: with placeholders for names, and `{pods}` where pods are counted.
        pods: how many pods in which target.
    """

    kind: ConsequenceKind
    risk: Risk
    sentence: str
    targets: frozenset[Target]
    pods: tuple[tuple[Target, int], ...] = ()

    @property
    def total_pods(self) -> int:
        """The pods of all targets together."""
        return sum(number for _, number in self.pods)


def fold_consequences(consequences: Iterable[Consequence]) -> tuple[FoldedConsequence, ...]:
    """Each consequence once, the riskiest first."""
    groups: dict[tuple[ConsequenceKind, Risk, str], list[Consequence]] = {}
    for each in consequences:
        sentence = hide_in_text(each.sentence, each.target)
        groups.setdefault((each.kind, each.risk, sentence), []).append(each)
    folded = [
        FoldedConsequence(
            kind,
            risk,
            sentence,
            frozenset(each.target for each in members),
            tuple((each.target, each.pods) for each in members if each.pods is not None),
        )
        for (kind, risk, sentence), members in groups.items()
    ]
    order = list(ConsequenceKind)
    return tuple(sorted(folded, key=lambda each: (-each.risk, order.index(each.kind))))
