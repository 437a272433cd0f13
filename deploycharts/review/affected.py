"""Which services and charts can have changed: those of which a declared input did."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from deploycharts.errors import UserError
from deploycharts.rendering.cache import Cache
from deploycharts.rendering.evaluations import Answer, Question, evaluate_many
from deploycharts.rendering.inputs import Inputs, chart_inputs, declared
from deploycharts.rendering.release import Release
from deploycharts.rendering.trees import Tree
from deploycharts.review import fixtures
from deploycharts.review.ranges import Sides


@dataclass(frozen=True, slots=True)
class Pair:
    """A service in an environment, as it evaluates on both sides."""

    service: str
    environment: str
    base: Answer
    head: Answer


class Scope:
    """Decides what is looked at, and evaluates it."""

    def __init__(self, sides: Sides, cache: Cache, *, everything: bool = False) -> None:
        """Look at what may have changed, or at `everything`."""
        self.sides = sides
        self._cache = cache
        self._everything = everything
        self._inputs: dict[tuple[Tree, str], Inputs] = {}

    @cached_property
    def services(self) -> tuple[str, ...]:
        """All services of both sides."""
        found = {
            name
            for tree in self.sides
            if tree.is_repository
            for name in tree.repository.service_names
        }
        return tuple(sorted(found))

    @cached_property
    def environments(self) -> tuple[str, ...]:
        """All environments of both sides, those of the head first."""
        names = [
            each.name
            for tree in (self.sides.head, self.sides.base)
            if tree.is_repository
            for each in tree.repository.environments
        ]
        return tuple(dict.fromkeys(names))

    @cached_property
    def touched_services(self) -> frozenset[str]:
        """Services whose own inputs changed, and those that must always be evaluated."""
        return frozenset(name for name in self.services if self._is_touched(name))

    @cached_property
    def charts(self) -> frozenset[str]:
        """All charts of both sides."""
        return frozenset(chart for tree in self.sides for chart in fixtures.charts(tree))

    @cached_property
    def touched_charts(self) -> frozenset[str]:
        """Charts of which a file, a subchart or something that a link leads to changed."""
        base, head = self.sides
        return frozenset(
            chart
            for chart in self.charts
            if not self.changed.isdisjoint(chart_inputs(base, chart) | chart_inputs(head, chart))
        )

    @cached_property
    def changed(self) -> frozenset[str]:
        """Every file that is not the same on both sides."""
        base, head = (tree.entries for tree in self.sides)
        return frozenset(
            path for path in base.keys() | head.keys() if base.get(path) != head.get(path)
        )

    @cached_property
    def chosen_charts(self) -> frozenset[str]:
        """The charts whose fixtures are rendered."""
        return self.charts if self._everything else self.touched_charts

    @cached_property
    def evaluated(self) -> tuple[Pair, ...]:
        """The services that are evaluated: all where a chart changes, to know whose it is."""
        every = self._everything or bool(self.touched_charts)
        return self._evaluate(self.services if every else tuple(sorted(self.touched_services)))

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The services that are looked at, in each environment, evaluated on both sides."""
        return tuple(pair for pair in self.evaluated if self._everything or self.may_change(pair))

    def why_always(self) -> Mapping[str, str]:
        """The services that are always evaluated, and the first reason."""
        reasons = {
            service: inputs.always[0]
            for (_, service), inputs in self._inputs.items()
            if inputs.always
        }
        return dict(sorted(reasons.items()))

    def may_change(self, pair: Pair) -> bool:
        """Whether an input of a service or of one of its charts changed."""
        if pair.service in self.touched_services:
            return True
        answers = (pair.base, pair.head)
        if any(isinstance(each, UserError) for each in answers):
            return True
        sides = zip(self.sides, answers, strict=True)
        return any(
            _chart_of(release, tree) in self.touched_charts
            for tree, answer in sides
            if not isinstance(answer, UserError)
            for release in answer
        )

    def inputs(self, tree: Tree, service: str) -> Inputs:
        """The declared inputs of a service on one side."""
        if (tree, service) not in self._inputs:
            self._inputs[tree, service] = declared(tree, service)
        return self._inputs[tree, service]

    def lay_out(self, charts: Iterable[str]) -> None:
        """Lay out charts on both sides, all in one go."""
        wanted = [*charts]
        self.sides.each(
            lambda tree: tree.require(
                path for chart in wanted for path in chart_inputs(tree, chart)
            )
        )

    def _is_touched(self, service: str) -> bool:
        found = [self.inputs(tree, service) for tree in self.sides]
        if any(each.always for each in found):
            return True
        return any(not self.changed.isdisjoint(each.paths) for each in found)

    def _evaluate(self, services: tuple[str, ...]) -> tuple[Pair, ...]:
        base, head = self.sides
        wanted = [
            (service, environment) for service in services for environment in self.environments
        ]
        questions = [
            Question(tree, service, environment)
            for service, environment in wanted
            for tree in self.sides
            if tree.is_repository
            and service in tree.repository.service_names
            and environment in {each.name for each in tree.repository.environments}
        ]
        answers = evaluate_many(questions, self.inputs, cache=self._cache, fresh=self._everything)
        return tuple(
            Pair(
                service,
                environment,
                answers.get(Question(base, service, environment), ()),
                answers.get(Question(head, service, environment), ()),
            )
            for service, environment in wanted
        )


def _chart_of(release: Release, tree: Tree) -> str:
    """The chart's folder in the repository; "" for one from elsewhere."""
    path = release.chart.path
    return "" if path is None or release.chart.is_copy else os.path.relpath(path, tree.root)
