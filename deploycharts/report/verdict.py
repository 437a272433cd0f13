"""Three lines that tell a reviewer how far a change reaches and where to look first."""

from __future__ import annotations

from collections.abc import Sequence

from deploycharts.changes.model import Certainty, Consequence, ConsequenceKind, Fold, Risk, count
from deploycharts.changes.summary import fold_consequences
from deploycharts.report.phrases import Universe, named, universe_of

_WORDS = {
    Risk.HIGH: "high risk", Risk.MEDIUM: "needs attention", Risk.LOW: "routine",
    Risk.NONE: "no effect",
}  # fmt: skip


def verdict(
    folds: Sequence[Fold],
    consequences: Sequence[Consequence],
    *,
    environments: Sequence[str] = (),
) -> tuple[str, str, str]:
    """How risky, how far, and how much there is to read."""
    known = universe_of(folds).targets | {each.target for each in consequences}
    universe = Universe.of(known, environments)
    return _risk(consequences, universe), _reach(folds, consequences), _reading(folds)


def _risk(consequences: Sequence[Consequence], universe: Universe) -> str:
    found = fold_consequences(consequences)
    if not found:
        return "no effect"
    worst = found[0]
    if worst.risk < Risk.MEDIUM:
        return _WORDS[worst.risk]
    sentence = named(worst.sentence, worst.targets).replace(
        "{pods}", count(worst.total_pods, "pod")
    )
    same = sum(1 for each in found if each.risk is worst.risk) - 1
    more = f" and {count(same, 'more')}".removesuffix("s") if same else ""
    return f"{_WORDS[worst.risk]}: {sentence}{more}"


def _reach(folds: Sequence[Fold], consequences: Sequence[Consequence]) -> str:
    changed = frozenset().union(*(each.targets for each in folds if each.fact is None))
    if not changed:
        return "nothing changes in what runs"
    services = {target.service for target in changed}
    places = {target.environment for target in changed}
    pods = sum(each.pods or 0 for each in consequences if each.kind is ConsequenceKind.RESTARTS)
    restarts = f"{count(pods, 'pod')} restart" if pods != 1 else "1 pod restarts"
    reach = f"{count(len(services), 'service')} in {count(len(places), 'environment')}"
    return f"reaches {reach}; {restarts if pods else 'no pod restarts'}"


def _reading(folds: Sequence[Fold]) -> str:
    changes = [each for each in folds if each.fact is None]
    outliers = sum(1 for each in changes if each.outlier)
    unknown = sum(1 for each in changes if each.cause and each.cause.certainty is Certainty.UNKNOWN)
    single = sum(len(each.targets) for each in changes)
    text = f"{count(len(changes), 'change')} to read, {single} one by one"
    if outliers:
        text += f"; {count(outliers, 'target group')} unlike most"
    return f"{text}; {unknown} of unknown cause" if unknown else text
