"""The same changes as markdown and as JSON."""

from __future__ import annotations

import json

from deploycharts.changes.apply import apply
from deploycharts.changes.compare import compare
from deploycharts.changes.consequences import consequences
from deploycharts.changes.fold import fold, unfold
from deploycharts.changes.model import (
    Cause,
    Certainty,
    Change,
    ChangeSet,
    Consequence,
    ConsequenceKind,
    Fold,
    Op,
    Risk,
)
from deploycharts.documents import Document, Json, ObjectKey, document
from deploycharts.report.jsonform import changes_json, folds_from_json, render_json
from deploycharts.report.markdown import render_markdown
from deploycharts.source import Source
from deploycharts.target import Target

KEY = ObjectKey("", "ConfigMap", "echo", "echo-config")
TARGET = Target("echo", "codfw", "main")


def config(service: str, text: str, **more: Json) -> tuple[Document, ...]:
    metadata: Json = {"name": f"{service}-config"}
    data: Json = {"app.yaml": text, "run.sh": text}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data, **more}
    return (document(body, namespace=service),)


def test_the_json_document_of_586_units_rebuilds_every_head() -> None:
    sides = {}
    for number in range(586):
        name = f"service-{number // 3}"
        lines = "".join(f"k{each}: 1\n" for each in range(number % 5))
        base = config(name, f"name: {name}\n{lines}a: 1\n")
        head = config(name, f"# a comment\nname: {name}\n{lines}a: {number % 2}\n", extra=["x"])
        sides[Target(name, ("staging", "codfw", "eqiad")[number % 3], "main")] = base, head
    folds = fold([compare(target, *each) for target, each in sides.items()])
    text = render_json(folds)
    again = folds_from_json(json.loads(text))
    assert again == folds
    for each in unfold(again):
        base, head = sides[each.target]
        assert apply(each, base) == (head[0].body,)


def first(value: Json) -> dict[str, Json]:
    assert isinstance(value, list)
    assert isinstance(value[0], dict)
    return value[0]


def test_the_json_document_tells_its_version_who_and_why() -> None:
    change = Change(Op.REPLACE, KEY, ("data", "a"), "1", "2")
    cause = Cause((Source("values.yaml", 4),), Certainty.ALONE)
    found = changes_json(
        [Fold(change, frozenset({TARGET}), cause=cause)],
        [Consequence(TARGET, ConsequenceKind.RESTARTS, KEY, (), Risk.LOW, "restarts {pods}", 2)],
    )
    assert found["schemaVersion"] == 1
    fold_json = first(found["folds"])
    assert fold_json["where"] == "ConfigMap/echo-config: data.a"
    sources: Json = [{"path": "values.yaml", "line": 4}]
    assert fold_json["cause"] == {"certainty": "alone", "sources": sources}
    consequence = first(found["consequences"])
    assert (consequence["sentence"], consequence["pods"]) == ("restarts 2 pods", 2)


def test_markdown_has_consequences_then_tables() -> None:
    base, head = config("echo", "a: 1\nb: 2\n"), config("echo", "a: 1\nb: 3\n")
    found = compare(TARGET, base, head)
    text = render_markdown(fold([found]), consequences(found, base, head))
    assert text.startswith("### Consequences\n\n- ")
    assert "| `ConfigMap/echo-config` | `data[app.yaml]!b` | `2 → 3` |" in text
    assert "```diff\n- b: 2\n+ b: 3\n```" in text


def test_markdown_escapes_what_values_bring() -> None:
    value = "a|b`c\n```\n# not a heading"
    change = Change(Op.ADD, KEY, ("data", "a"), new=value)
    text = render_markdown([Fold(change, frozenset({TARGET}))])
    assert "````diff\n+ a|b`c\n+ ```\n+ # not a heading\n````" in text


def test_markdown_fits_into_a_comment() -> None:
    changes = tuple(
        Change(Op.REPLACE, ObjectKey("", "ConfigMap", "echo", f"c{n}"), ("data", "a"), "1\n", "2\n")
        for n in range(5000)
    )
    text = render_markdown(fold([ChangeSet(TARGET, changes)]), longest=10_000)
    assert len(text) < 10_000
    assert "run the review locally" in text
