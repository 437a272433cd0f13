"""Changes and consequences as one JSON document, complete enough to rebuild the head."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from deploycharts.changes.codec import change_from_json, change_to_json
from deploycharts.changes.model import (
    Cause,
    Certainty,
    Consequence,
    FactKind,
    Fold,
    show_path,
)
from deploycharts.changes.summary import FoldedConsequence, fold_consequences
from deploycharts.documents import Json
from deploycharts.report.phrases import Universe, target_phrase, universe_of
from deploycharts.report.terminal import consequence_text
from deploycharts.source import Source
from deploycharts.target import Target

SCHEMA_VERSION = 1


def changes_json(
    folds: Sequence[Fold],
    consequences: Sequence[Consequence] = (),
    *,
    environments: Sequence[str] = (),
) -> dict[str, Json]:
    """The document: targets, consequences, and folds that name their targets by position."""
    known = universe_of(folds).targets | {each.target for each in consequences}
    universe = Universe.of(known, environments)
    targets = sorted(universe.targets)
    numbers = {target: number for number, target in enumerate(targets)}
    return {
        "schemaVersion": SCHEMA_VERSION,
        "targets": [target_json(target) for target in targets],
        "consequences": [
            _consequence_json(each, universe, numbers) for each in fold_consequences(consequences)
        ],
        "folds": [_fold_json(each, universe, numbers) for each in folds],
    }


def render_json(
    folds: Sequence[Fold],
    consequences: Sequence[Consequence] = (),
    *,
    environments: Sequence[str] = (),
) -> str:
    """The text of `changes_json`."""
    document = changes_json(folds, consequences, environments=environments)
    return json.dumps(document, indent=2, ensure_ascii=False)


def target_json(target: Target) -> dict[str, Json]:
    """A target as JSON."""
    return {
        "service": target.service,
        "environment": target.environment,
        "release": target.release,
    }


def _consequence_json(
    each: FoldedConsequence, universe: Universe, numbers: Mapping[Target, int]
) -> dict[str, Json]:
    return {
        "kind": each.kind.value,
        "risk": each.risk.name.lower(),
        "sentence": consequence_text(each, universe),
        "targets": _numbers(each.targets, numbers),
        "pods": each.total_pods if each.pods else None,
    }


def _numbers(targets: frozenset[Target], numbers: Mapping[Target, int]) -> list[Json]:
    return [*sorted(numbers[target] for target in targets)]


def _fold_json(each: Fold, universe: Universe, numbers: Mapping[Target, int]) -> dict[str, Json]:
    found: dict[str, Json] = {
        "where": f"{each.change.object}: {show_path(each.change.path)}",
        "who": target_phrase(each.targets, universe, each.absent),
        "change": change_to_json(each.change),
        "targets": _numbers(each.targets, numbers),
        "absent": _numbers(each.absent, numbers),
        "different": _numbers(each.different, numbers),
        "outlier": each.outlier,
        "fact": None if each.fact is None else each.fact.name.lower(),
        "literal": each.literal,
        "cause": None if each.cause is None else _cause_json(each.cause),
    }
    if each.positions:
        found["positions"] = [[numbers[target], list(at)] for target, at in each.positions]
    return found


def source_json(source: Source) -> dict[str, Json]:
    """A place in a file as JSON."""
    return {"path": source.path, "line": source.line}


def _cause_json(cause: Cause) -> dict[str, Json]:
    return {
        "certainty": cause.certainty.name.lower(),
        "sources": [source_json(each) for each in cause.sources],
    }


def folds_from_json(document: Mapping[str, Json]) -> tuple[Fold, ...]:
    """The folds of a document that `changes_json` made.

    Raises:
        ValueError: it is of another schema version, or no such document.
    """
    if document.get("schemaVersion") != SCHEMA_VERSION:
        raise ValueError(f"schemaVersion {document.get('schemaVersion')} is not {SCHEMA_VERSION}")
    targets = [_target(each) for each in _list(document.get("targets"))]
    return tuple(_fold(each, targets) for each in _list(document.get("folds")))


def _fold(value: Json, targets: Sequence[Target]) -> Fold:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is no fold")

    def some(name: str) -> frozenset[Target]:
        return frozenset(targets[each] for each in _ints(value.get(name)))

    fact = value.get("fact")
    pairs = [_list(each) for each in _list(value.get("positions"))]
    positions = ((_ints(pair[:1])[0], tuple(_ints(pair[1]))) for pair in pairs)
    return Fold(
        change_from_json(value.get("change")),
        some("targets"),
        absent=some("absent"),
        different=some("different"),
        cause=_cause(value.get("cause")),
        fact=None if fact is None else FactKind[str(fact).upper()],
        literal=value.get("literal") is True,
        positions=tuple((targets[number], at) for number, at in positions),
        outlier=value.get("outlier") is True,
    )


def _cause(value: Json) -> Cause | None:
    if not isinstance(value, dict):
        return None
    sources = [each for each in _list(value.get("sources")) if isinstance(each, dict)]
    return Cause(
        tuple(Source(str(each.get("path")), _line(each.get("line"))) for each in sources),
        Certainty[str(value.get("certainty")).upper()],
    )


def _line(value: Json) -> int | None:
    return value if isinstance(value, int) else None


def _target(value: Json) -> Target:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is no target")
    return Target(
        str(value.get("service")), str(value.get("environment")), str(value.get("release"))
    )


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _ints(value: Json) -> list[int]:
    return [each for each in _list(value) if isinstance(each, int)]
