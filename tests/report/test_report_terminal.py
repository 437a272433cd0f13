"""What a person sees of the changes."""

from __future__ import annotations

import re

from deploycharts.changes.compare import compare
from deploycharts.changes.fold import fold
from deploycharts.changes.model import (
    Cause,
    Certainty,
    Change,
    ChangeSet,
    Consequence,
    ConsequenceKind,
    FactKind,
    Fold,
    Op,
    Risk,
)
from deploycharts.documents import Document, Json, ObjectKey, document
from deploycharts.report.phrases import Universe, target_phrase
from deploycharts.report.terminal import render_changes
from deploycharts.report.verdict import verdict
from deploycharts.source import Source
from deploycharts.target import Target

KEY = ObjectKey("apps", "Deployment", "echo", "echo-main")
ENVIRONMENTS = ("staging", "codfw", "eqiad")


def targets(*services: str, without: str = "") -> frozenset[Target]:
    found = {Target(name, each, "main") for name in services for each in ENVIRONMENTS}
    return frozenset(each for each in found if each.environment != without)


def replicas(target: Target, new: Json, *, name: str = "") -> ChangeSet:
    key = ObjectKey("apps", "Deployment", target.service, name or f"{target.service}-main")
    return ChangeSet(target, (Change(Op.REPLACE, key, ("spec", "replicas"), 2, new),))


def render(sets: list[ChangeSet], *, full: bool = False, width: int = 80) -> str:
    return render_changes(fold(sets), (), width=width, full=full)


def test_a_change_of_all_environments_is_one_row_with_a_column_each() -> None:
    text = render([replicas(each, 4) for each in sorted(targets("echo"))])
    assert re.search(r"staging +codfw +eqiad\nDeployment/echo-main\n", text)
    assert re.findall(r"spec.replicas  2 → 4 +● +● +●", text)


def test_an_environment_that_stays_behind_has_an_empty_cell() -> None:
    sets = [replicas(each, 4) for each in targets("echo", without="staging")]
    text = render([*sets, ChangeSet(Target("echo", "staging", "main"))])
    assert re.search(r"2 → 4 +· +● +●", text)


def test_an_environment_with_another_value_has_a_row_of_its_own() -> None:
    sets = [replicas(each, 6 if each.environment == "eqiad" else 4) for each in targets("echo")]
    text = render(sets)
    assert re.search(r"2 → 4 +● +● +≠", text)
    assert re.search(r"2 → 6 +≠ +≠ +●", text)


def test_many_services_are_named_in_compressed_form() -> None:
    names = [f"service-{number}" for number in range(12)]
    changed = [replicas(each, 4) for each in targets(*names, without="staging")]
    same = [ChangeSet(Target(name, "staging", "main")) for name in names]
    text = render([*changed, *same])
    assert "all 12 services · codfw, eqiad · not staging" in text
    assert "Deployment/{service}-main" in text
    assert text.count("2 → 4") == 1


def test_the_one_that_differs_from_most_comes_first() -> None:
    names = [f"service-{number}" for number in range(12)]
    sets = [replicas(each, 9 if each.service == "service-3" else 4) for each in targets(*names)]
    first, *_ = render(sets).splitlines()
    assert first == "unlike most: service-3 · staging, codfw, eqiad"


def test_a_huge_change_is_bounded_and_says_how_to_see_the_rest() -> None:
    sets = []
    for each in targets("echo"):
        objects = (ObjectKey("", "ConfigMap", "echo", f"c{number}") for number in range(500))
        changes = tuple(Change(Op.REPLACE, key, ("data", "a"), "1", "2") for key in objects)
        sets.append(ChangeSet(each, changes))
    text = render(sets)
    assert len(text.splitlines()) < 70
    shown = text.count("1 → 2") + text.count('"1" → "2"')
    assert f"… {500 - shown} of 500 changes not shown: --full shows them" in text
    assert render(sets, full=True).count("ConfigMap/c") == 500


def test_nothing_is_wider_than_the_terminal() -> None:
    long = "a/very/long/value/" * 12
    key = ObjectKey("apps", "Deployment", "echo", "echo-" + "long-" * 30)
    path = ("spec", "template", "spec", "containers" * 4, "image" * 9)
    change = Change(Op.REPLACE, key, path, long + "1", {"list": [long] * 3})
    for width in (80, 60):
        text = render([ChangeSet(each, (change,)) for each in targets("echo")], width=width)
        assert max(map(len, text.splitlines())) <= width


def test_colours_only_where_they_are_wanted() -> None:
    folds = fold([replicas(each, 4) for each in targets("echo")])
    assert "\x1b[" not in render_changes(folds, (), coloured=False)
    assert "\x1b[" in render_changes(folds, (), coloured=True)


def test_a_text_is_shown_by_its_lines() -> None:
    def side(text: str) -> tuple[Document, ...]:
        metadata: Json = {"name": "c"}
        data: Json = {"run.sh": text}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        return (document(body),)

    target = Target("echo", "codfw", "main")
    found = compare(target, side("one\ntwo\nthree\n"), side("one\n2\nthree\n"))
    lines = [line.strip() for line in render([found]).splitlines()]
    assert "- two" in lines
    assert "+ 2" in lines
    assert "one" not in " ".join(lines)


def test_a_whole_object_is_one_line_and_its_body_with_full() -> None:
    body: Json = {"spec": {"ports": [80]}}
    sets = [ChangeSet(each, (Change(Op.ADD, KEY, (), new=body),)) for each in targets("echo")]
    assert "+ created" in render(sets)
    assert "ports" not in render(sets)
    assert "ports" in render(sets, full=True)


def phrase(some: frozenset[Target], every: frozenset[Target]) -> str:
    return target_phrase(some, Universe.of(every))


def test_phrases_leave_out_what_is_the_same_for_all() -> None:
    assert phrase(targets("echo"), targets("echo")) == "staging, codfw, eqiad"
    one = frozenset({Target("echo", "codfw", "main")})
    assert phrase(one, one) == "everywhere"


def test_phrases_name_single_exceptions() -> None:
    every = targets("a", "b", "c", "d")
    some = every - {Target("b", "eqiad", "main")}
    assert phrase(some, every) == "all 4 services · staging, codfw, eqiad · not b in eqiad"


def test_phrases_name_a_release_only_where_it_has_siblings() -> None:
    canaries = frozenset(Target("echo", each, "canary") for each in ENVIRONMENTS)
    every = targets("echo") | canaries
    assert phrase(canaries, every) == "staging, codfw, eqiad · canary"
    assert phrase(every, every) == "staging, codfw, eqiad"


def test_facts_are_counted() -> None:
    label = Change(Op.REPLACE, KEY, ("metadata", "labels", "chart"), "a-1", "a-2")

    folds = [Fold(label, targets("echo"), fact=FactKind.VERSION_LABEL)]
    assert "3 × the chart's version in a label" in render_changes(folds, ())


def test_the_cause_stands_below_the_change() -> None:
    change = Change(Op.REPLACE, KEY, ("spec", "replicas"), 2, 4)
    sources = (Source("values.yaml", 4), Source("_helpers.tpl", 9))

    def rendered(cause: Cause) -> str:
        return render_changes([Fold(change, targets("echo"), cause=cause)], ())

    assert "\n      ← values.yaml:4\n" in rendered(Cause(sources[:1], Certainty.ALONE)) + "\n"
    assert "values.yaml:4, _helpers.tpl:9 together" in rendered(Cause(sources, Certainty.TOGETHER))
    assert "cause unknown" in rendered(Cause((), Certainty.UNKNOWN))


def test_the_verdict_tells_risk_reach_and_reading() -> None:
    every = targets("echo", "foo")
    stop = "stops all pods of Deployment/⟦service⟧-main"
    found = [
        Consequence(each, ConsequenceKind.SCALES, KEY, (), Risk.HIGH, stop) for each in every
    ] + [
        Consequence(each, ConsequenceKind.RESTARTS, KEY, (), Risk.LOW, "restarts {pods}", 2)
        for each in every
    ]
    folds = fold([replicas(each, 4) for each in every])
    assert verdict(folds, found) == (
        "high risk: stops all pods of Deployment/{echo,foo}-main",
        "reaches 2 services in 3 environments; 12 pods restart",
        "1 change to read, 6 one by one",
    )
    assert verdict((), ())[0] == "no effect"
