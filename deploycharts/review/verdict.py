"""A review in three lines: how much changes, what that does, and what to trust."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deploycharts.changes.model import Consequence, ConsequenceKind, Risk, count
from deploycharts.changes.summary import FoldedConsequence, fold_consequences
from deploycharts.review.model import Review

_MOST_KINDS = 5
_QUIET = frozenset((ConsequenceKind.NO_EFFECT, ConsequenceKind.OTHER))


def verdict(review: Review) -> tuple[str, str, str]:
    """The three lines."""
    return _extent(review), _effect(review.consequences), _trust(review)


def _extent(review: Review) -> str:
    counts = review.counts
    if not review.has_changes:
        return f"nothing changes from {review.base} to {review.head}"
    services = {each.unit.target.service for each in review.differences if not each.unit.is_fixture}
    parts = []
    if counts.releases_changed:
        of = count(len(services), "service")
        parts.append(f"{count(counts.releases_changed, 'release')} of {of}")
    if counts.fixtures_changed:
        parts.append(count(counts.fixtures_changed, "chart fixture"))
    verb = "changes" if counts.releases_changed + counts.fixtures_changed == 1 else "change"
    return f"{' and '.join(parts)} {verb} from {review.base} to {review.head}"


def _effect(consequences: Iterable[Consequence]) -> str:
    folded = fold_consequences(consequences)
    if not folded:
        return "nothing that is deployed is affected"
    loud = [each for each in folded if each.kind not in _QUIET]
    if not loud:
        return (
            "updates objects in place; no pod restarts"
            if any(each.kind is ConsequenceKind.OTHER for each in folded)
            else "no effect on what runs"
        )
    high = sum(each.risk is Risk.HIGH for each in folded)
    medium = sum(each.risk is Risk.MEDIUM for each in folded)
    alarm = f"{count(high, 'high risk')}: " if high else ""
    alarm = alarm or (f"{medium} to look at: " if medium else "")
    return alarm + ", ".join(_kinds(loud))


def _kinds(folded: Iterable[FoldedConsequence]) -> Iterator[str]:
    groups: dict[ConsequenceKind, list[FoldedConsequence]] = {}
    for each in folded:
        groups.setdefault(each.kind, []).append(each)
    kinds = [*groups]
    for kind in kinds[:_MOST_KINDS]:
        yield _kind(kind, groups[kind])
    if len(kinds) > _MOST_KINDS:
        yield f"{len(kinds) - _MOST_KINDS} more kinds of consequences"


def _kind(kind: ConsequenceKind, members: list[FoldedConsequence]) -> str:
    targets = frozenset().union(*(each.targets for each in members))
    pods = sum(each.total_pods for each in members)
    if kind is ConsequenceKind.RESTARTS and pods:
        return f"restarts {count(pods, 'pod')} of {count(len(targets), 'release')}"
    name = _WORDS.get(kind, kind.value)
    return f"{name} in {count(len(targets), 'release')}"


_WORDS = {
    ConsequenceKind.UNNOTICED: "configuration that no pod notices",
    ConsequenceKind.IMMUTABLE: "an immutable field",
    ConsequenceKind.AUTOSCALER: "fights an autoscaler",
    ConsequenceKind.OPENS: "opens network",
    ConsequenceKind.CLOSES: "closes network",
    ConsequenceKind.REQUESTS: "other requests",
    ConsequenceKind.IMAGE: "another image",
    ConsequenceKind.REMOVES: "removes objects",
    ConsequenceKind.STAYS: "another namespace",
    ConsequenceKind.CREATES: "creates objects",
    ConsequenceKind.RUNS: "runs jobs",
    ConsequenceKind.DUPLICATE: "renders an object twice",
}


def _trust(review: Review) -> str:
    counts = review.counts
    open_failures = sum(each.is_open for each in review.failures)
    skipped = [
        count(number, noun)
        for number, noun in (
            (counts.skipped_services, "service"),
            (counts.skipped_charts, "chart"),
        )
        if number
    ]
    if open_failures:
        first = f"{open_failures} FAIL to render"
    else:
        first = (
            f"all {count(counts.rendered, 'render')} succeed" if counts.rendered else "no render"
        )
    if review.broken_claims:
        return f"{first}; {count(len(review.broken_claims), 'unit')} changed against our claim"
    rest = f"{' and '.join(skipped)} skipped: no input of theirs changed" if skipped else ""
    return "; ".join(part for part in (first, rest) if part)
