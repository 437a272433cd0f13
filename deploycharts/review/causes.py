"""The line that made each change."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from deploycharts.changes.model import Fold
from deploycharts.documents import Document
from deploycharts.registry.repository import Repository
from deploycharts.rendering.ablation import causes
from deploycharts.rendering.batch import render_many
from deploycharts.rendering.evaluations import evaluate_afresh
from deploycharts.rendering.inputs import chart_inputs
from deploycharts.rendering.release import Release
from deploycharts.rendering.remembered import unpack
from deploycharts.rendering.retried import Retried
from deploycharts.rendering.trees import Tree
from deploycharts.rendering.trials import BothSides
from deploycharts.review.affected import Scope
from deploycharts.review.compared import Compared
from deploycharts.review.model import FIXTURES, Difference, Unit
from deploycharts.target import Target


def with_causes(
    scope: Scope, units: Sequence[Unit], folds: Sequence[Fold], compared: Compared
) -> tuple[Fold, ...]:
    """The folds, each with the lines that caused it.

    What a new or removed release brings or takes needs no other cause: those folds stay without.
    """
    base, head = scope.sides
    lasting = {unit.target: unit for unit in units if unit.base is not None and unit.head}
    sought = [each for each in folds if each.fact is None and not each.targets.isdisjoint(lasting)]
    if not sought:
        return tuple(folds)
    different = {each.unit.target: each for each in compared.differences}
    known = {target: unit.base for target, unit in lasting.items() if unit.base is not None}
    retried = Retried(base.root, scope.changed, known, _evaluate)

    def render(folder: Path, target: Target) -> tuple[Document, ...]:
        unit = lasting[target]
        release = unit.head if folder == head.root else retried.release(folder, target)
        return () if release is None else _render(release, different[target])

    def sides_of(target: Target) -> BothSides:
        return different[target].base, different[target].head

    @cache
    def inputs(target: Target) -> frozenset[str]:
        unit = lasting.get(target)
        return frozenset() if unit is None else _inputs(scope, unit)

    edited = {target.service for each in sought for target in each.targets} & scope.touched_services
    for tree in (base, head):
        tree.require({*scope.changed, *(p for s in edited for p in scope.inputs(tree, s).paths)})
    found = causes(
        base.root, head.root, sorted(scope.changed), render, sought,
        concerns=lambda target, path: path in inputs(target), known=sides_of,
    )  # fmt: skip
    named = {id(one): other for one, other in zip(sought, found, strict=True)}
    return tuple(named.get(id(each), each) for each in folds)


def _render(release: Release, difference: Difference) -> tuple[Document, ...]:
    """The documents of a trial, masked as those that were compared."""
    output = render_many([release], cache=None)[0]
    if output.error is not None:
        raise output.error
    documents = unpack(output.content, namespace=release.namespace)
    return difference.mask.knowing(documents).documents(documents)


def _evaluate(folder: Path, target: Target) -> Release | None:
    if target.environment == FIXTURES:
        return None
    found = evaluate_afresh(Repository(folder), target.service, target.environment)
    return next((each for each in found if each.target == target), None)


def _inputs(scope: Scope, unit: Unit) -> frozenset[str]:
    """All files that can matter to a unit."""
    found: set[str] = set()
    for tree, release in zip(scope.sides, (unit.base, unit.head), strict=True):
        if not unit.is_fixture:
            found |= scope.inputs(tree, unit.target.service).paths
        chart = release.chart if release is not None else None
        if chart is not None and chart.path is not None and not chart.is_copy:
            found |= _chart(tree, tree.path_of(chart.path))
    return frozenset(found)


@lru_cache(maxsize=1024)
def _chart(tree: Tree, chart: str) -> frozenset[str]:
    return chart_inputs(tree, chart)
