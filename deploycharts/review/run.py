"""A review from its range to what it found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploycharts.changes.consequences import image_differences
from deploycharts.changes.fold import fold
from deploycharts.changes.model import ChangeSet, Consequence
from deploycharts.rendering.cache import Cache, user_cache
from deploycharts.review import remarks, units
from deploycharts.review.affected import Scope
from deploycharts.review.causes import with_causes
from deploycharts.review.compared import Compared, compare_units, together
from deploycharts.review.idle import idle_lines
from deploycharts.review.model import Counts, Difference, Failure, Review, Unit
from deploycharts.review.ranges import Sides, sides


def review(root: Path, words: str | None = None, *, everything: bool = False) -> Review:
    """Compare the two sides of a range.

    Args:
        root: the repository.
        words: the range, see `ranges.sides`.
        everything: render what cannot have changed, too, without trusting what is remembered.

    Raises:
        UserError: the range or the environments cannot be read. What fails in a service or chart
            is part of the review instead.
    """
    cache = user_cache()
    with sides(root, words) as both:
        if both.are_equal and not everything:
            return Review(both.base.title, both.head.title)
        both.each(lambda tree: tree.root)
        found = _review(both, cache, everything=everything)
    cache.prune()
    return found


def _review(both: Sides, cache: Cache, *, everything: bool) -> Review:
    scope = Scope(both, cache, everything=everything)
    charts = scope.chosen_charts
    scope.lay_out(charts)
    with ThreadPoolExecutor(max_workers=1) as pool:
        evaluating = pool.submit(lambda: scope.pairs)
        tried = units.of_charts(both, charts)
        # helmfile may take its time; meanwhile charts are tried with their fixtures.
        first = () if evaluating.done() else tried
        compared = _compare(both, first, cache, everything=everything)
        released, broken = units.of_services(evaluating.result())
    rest = released if first else (*tried, *released)
    compared = together(compared, _compare(both, rest, cache, everything=everything))
    failures = (*broken, *compared.failures)
    idle = idle_lines(scope, released, compared)
    return Review(
        base=both.base.title,
        head=both.head.title,
        environments=scope.environments,
        differences=compared.differences,
        folds=with_causes(
            scope, (*released, *tried), fold(_change_sets(compared, (*released, *tried))), compared
        ),
        consequences=tuple(_consequences(compared.differences)),
        failures=_sorted(failures),
        idle=idle,
        remarks=tuple(remarks.remarks(scope, released, compared, idle)),
        counts=_counts(scope, released, tried, compared),
        broken_claims=tuple(_broken_claims(scope, compared)) if everything else (),
    )


def _compare(
    both: Sides, considered: Sequence[Unit], cache: Cache, *, everything: bool
) -> Compared:
    chosen = [each for each in considered if everything or not units.is_same(each)]
    _lay_out_charts(both, chosen)
    return compare_units(chosen, cache=cache, fresh=everything)


def _lay_out_charts(both: Sides, chosen: Iterable[Unit]) -> None:
    """Make sure that helm finds the charts of what is rendered."""
    wanted: tuple[set[Path], set[Path]] = (set(), set())
    for unit in chosen:
        for release, paths in zip((unit.base, unit.head), wanted, strict=True):
            chart = release.chart if release is not None else None
            if chart is not None and chart.path is not None and not chart.is_copy:
                paths.add(chart.path)
    for tree, paths in zip(both, wanted, strict=True):
        tree.require(tree.closure(tree.path_of(path) for path in paths))


def _change_sets(compared: Compared, considered: Iterable[Unit]) -> Sequence[ChangeSet]:
    """Those of all units that were looked at: one without changes may have been expected to."""
    found = {each.unit.target: each.changes for each in compared.differences}
    failed = {each.who for each in compared.failures}
    return [
        found.get(unit.target, ChangeSet(unit.target))
        for unit in considered
        if unit.head is not None or unit.target in found
        if str(unit.target) not in failed
    ]


def _consequences(differences: Iterable[Difference]) -> Iterable[Consequence]:
    """Of releases: what is never deployed has none."""
    heads = {}
    for each in differences:
        if not each.unit.is_fixture:
            heads[each.unit.target] = each.head
            yield from each.consequences
    yield from image_differences(heads)


def _sorted(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    return tuple(sorted(failures, key=lambda each: (not each.is_open, each.who)))


def _counts(
    scope: Scope, released: Sequence[Unit], tried: Sequence[Unit], compared: Compared
) -> Counts:
    changed = [each.unit for each in compared.differences]
    services = {each.service for each in scope.pairs}
    return Counts(
        releases=sum(unit.head is not None for unit in released),
        fixtures=sum(unit.head is not None for unit in tried),
        releases_changed=sum(not unit.is_fixture for unit in changed),
        fixtures_changed=sum(unit.is_fixture for unit in changed),
        rendered=compared.rendered,
        skipped_services=len(scope.services) - len(services),
        skipped_charts=len(scope.charts) - len(scope.chosen_charts),
    )


def _broken_claims(scope: Scope, compared: Compared) -> Iterable[str]:
    """Units that change though nothing says that they can: a defect of ours."""
    claimed = {
        (pair.service, pair.environment) for pair in scope.pairs if not scope.may_change(pair)
    }
    charts = {chart.removeprefix("charts/") for chart in scope.charts - scope.touched_charts}
    for each in compared.differences:
        target = each.unit.target
        if each.unit.is_fixture:
            if target.service in charts:
                yield str(target)
        elif (target.service, target.environment) in claimed or units.is_same(each.unit):
            yield str(target)
