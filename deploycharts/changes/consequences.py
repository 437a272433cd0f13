"""What a change set does to what runs, a sentence each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from deploycharts.changes.images import image_changes, image_differences
from deploycharts.changes.immutable import immutable, renames
from deploycharts.changes.lifecycle import creates, next_runs, removes, rights, runs, stays
from deploycharts.changes.model import (
    Change,
    ChangeSet,
    Consequence,
    ConsequenceKind,
    FactKind,
    Risk,
    show_path,
)
from deploycharts.changes.network import network
from deploycharts.changes.restarts import restarts, unnoticed
from deploycharts.changes.scaling import asks, autoscales, disruption, privileged, scales
from deploycharts.changes.situation import Quota, Situation
from deploycharts.documents import Document, ObjectKey

_RULES: tuple[Callable[[Situation], Iterator[Consequence]], ...] = (
    immutable, renames, removes, stays, restarts, unnoticed, scales, autoscales, disruption,
    network, asks, image_changes, creates, runs, next_runs, rights, privileged,
)  # fmt: skip
_MOST_FIELDS = 3


def consequences(
    change_set: ChangeSet,
    base: Sequence[Document],
    head: Sequence[Document],
    *,
    running: Mapping[ObjectKey, int] | None = None,
    quota: Quota | None = None,
    left: Sequence[Document] = (),
) -> tuple[Consequence, ...]:
    """What `change_set` does, the riskiest first; exactly one "no effect" if it does nothing.

    Args:
        change_set: what `compare` found between the two sides.
        base: the documents of the base, as they were compared.
        head: the documents of the head, as they were compared.
        running: how many pods of a workload run now, where the cluster was asked.
        quota: of the namespace, where the cluster was asked.
        left: what the release has in the namespace that it moves away from, if it does.
    """
    now = Situation.of(change_set, base, head, running=running, quota=quota, left=left)
    found = [each for rule in _RULES for each in rule(now)]
    found += _duplicates(now)
    found += _others(now, found)
    if not found:
        found.append(_no_effect(now))
    order = list(ConsequenceKind)
    return tuple(sorted(found, key=lambda each: (-each.risk, order.index(each.kind))))


def _duplicates(now: Situation) -> Iterator[Consequence]:
    for key, facts in now.facts.items():
        if any(fact.kind is FactKind.DUPLICATE for fact in facts):
            sentence = f"{key} is rendered more than once; the last one counts"
            yield now.say(ConsequenceKind.DUPLICATE, key, Risk.MEDIUM, sentence)


def _others(now: Situation, told: Sequence[Consequence]) -> Iterator[Consequence]:
    """What no rule knows: every change has its sentence."""
    because = {id(change) for each in told for change in each.because}
    for key, changes in now.changes.items():
        rest = [change for change in changes if id(change) not in because]
        if rest:
            sentence = f"updates {key} in place: {_fields(rest)}"
            yield now.say(ConsequenceKind.OTHER, key, Risk.LOW, sentence, rest)


def _fields(changes: Sequence[Change]) -> str:
    found = list(dict.fromkeys(show_path(change.path[:3]).rstrip("!") for change in changes))
    more = f" and {len(found) - _MOST_FIELDS} more" if len(found) > _MOST_FIELDS else ""
    return ", ".join(found[:_MOST_FIELDS]) + more


def _no_effect(now: Situation) -> Consequence:
    kinds = {fact.kind for facts in now.facts.values() for fact in facts}
    why = ", ".join(sorted(kind.value for kind in kinds))
    sentence = f"no effect: only {why}" if kinds else "no effect: nothing changes"
    return now.say(ConsequenceKind.NO_EFFECT, None, Risk.NONE, sentence)


__all__ = ["Quota", "consequences", "image_differences"]
