"""Laws that hold for every pair of manifests."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from deploycharts.changes.apply import apply
from deploycharts.changes.compare import compare
from deploycharts.changes.consequences import consequences
from deploycharts.changes.fold import fold, unfold
from deploycharts.changes.model import Op
from deploycharts.changes.names import hide_in_text
from deploycharts.target import Target
from tests.changes.changes_builders import TARGET, Body, documents, target

pytestmark = pytest.mark.slow

NAMES = st.sampled_from(["main", "echo", "a", "tls", "x.y/z"])
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "1", "1000m", "on", "a\nb"])
)


def _nested(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fields = st.sampled_from(["name", "value", "port", "protocol", "args", "env", "egress", "to"])
    return st.one_of(st.lists(children, max_size=4), st.dictionaries(fields, children, max_size=4))


ANYTHING = st.recursive(SCALARS, _nested, max_leaves=12)
PORTS = st.lists(
    st.fixed_dictionaries(
        {"port": st.sampled_from([80, 443])}, optional={"protocol": st.just("TCP"), "name": NAMES}
    ),
    max_size=3,
)
CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES},
        optional={
            "env": st.lists(
                st.fixed_dictionaries({"name": NAMES, "value": SCALARS}),
                max_size=4,
                unique_by=lambda item: item["name"],
            ),
            "args": st.lists(st.sampled_from(["-a", "-b", "-c"]), max_size=5),
            "ports": PORTS,
            "resources": st.dictionaries(NAMES, SCALARS, max_size=2),
            "volumeMounts": st.lists(SCALARS, max_size=3),
        },
    ),
    max_size=3,
    unique_by=lambda item: item["name"],
)
RULES = st.lists(
    st.fixed_dictionaries({"ports": PORTS}, optional={"to": st.lists(ANYTHING, max_size=2)}),
    max_size=4,
)
TEXTS = st.one_of(
    ANYTHING.map(lambda value: yaml.safe_dump(value)),
    ANYTHING.map(json.dumps),
    st.text("ab: -{}[]\n'", max_size=30),
)


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    kind = draw(st.sampled_from(["Deployment", "ConfigMap", "NetworkPolicy", "Thing", "List"]))
    metadata = {"name": draw(NAMES), "labels": draw(st.dictionaries(NAMES, NAMES, max_size=2))}
    body: Body = {"apiVersion": "v1", "kind": kind, "metadata": metadata}
    if kind == "Deployment":
        body |= {"apiVersion": "apps/v1", "spec": {"template": {"spec": {}}}}
        body["spec"]["replicas"] = draw(SCALARS)
        body["spec"]["template"]["spec"]["containers"] = draw(CONTAINERS)
    elif kind == "ConfigMap":
        body["data"] = draw(st.dictionaries(st.sampled_from(["a.yaml", "b"]), TEXTS, max_size=2))
    elif kind == "NetworkPolicy":
        body |= {"apiVersion": "networking.k8s.io/v1", "spec": {"egress": draw(RULES)}}
    else:
        body["spec"] = draw(ANYTHING)
    return body


MANIFESTS = st.lists(bodies(), max_size=4)


def exact(bodies: Any) -> list[str]:
    """Bodies as texts that tell True from 1."""
    return sorted(json.dumps(body, sort_keys=True) for body in bodies)


def last_of_each(manifest: list[Body]) -> list[Any]:
    return [*{each.key: each.body for each in documents(*manifest)}.values()]


@settings(deadline=None)
@given(MANIFESTS)
def test_nothing_differs_from_itself(manifest: list[Body]) -> None:
    once = documents(*last_of_each(manifest))
    assert compare(TARGET, once, documents(*last_of_each(manifest))).is_empty


@settings(max_examples=500, deadline=None)
@given(MANIFESTS, MANIFESTS)
def test_applying_the_change_set_to_the_base_gives_the_head(
    base: list[Body], head: list[Body]
) -> None:
    before, after = documents(*base), documents(*head)
    found = compare(TARGET, before, after)
    assert exact(apply(found, before)) == exact(last_of_each(head))


@settings(deadline=None)
@given(MANIFESTS, MANIFESTS, st.randoms(use_true_random=False))
def test_the_order_of_documents_does_not_matter(
    base: list[Body], head: list[Body], chance: random.Random
) -> None:
    before, after = documents(*last_of_each(base)), documents(*last_of_each(head))
    shuffled = chance.sample(after, len(after))

    def shown(head: Any) -> list[str]:
        changes = compare(TARGET, before, head).changes
        return sorted(map(str, changes))

    assert shown(after) == shown(shuffled)


def shuffled(containers: list[Body], chance: random.Random) -> list[Body]:
    """Another order of the lists whose items Kubernetes finds by name: containers, env."""
    found = [
        {**each, "env": chance.sample(each["env"], len(each["env"]))} if "env" in each else each
        for each in containers
    ]
    return chance.sample(found, len(found))


@settings(deadline=None)
@given(CONTAINERS, CONTAINERS, st.randoms(use_true_random=False))
def test_the_order_of_keyed_lists_does_not_matter(
    base: list[Body], head: list[Body], chance: random.Random
) -> None:
    def manifest(containers: list[Body]) -> Any:
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}
        return documents({**body, "spec": {"template": {"spec": {"containers": containers}}}})

    def shown(head: list[Body]) -> list[str]:
        changes = compare(TARGET, manifest(base), manifest(head)).changes
        return sorted(f"{each.op} {each.path}" for each in changes)

    assert shown(head) == shown(shuffled(head, chance))


@settings(deadline=None)
@given(MANIFESTS)
def test_everything_is_added_to_nothing(manifest: list[Body]) -> None:
    found = compare(TARGET, (), documents(*manifest))
    assert {change.op for change in found.changes} <= {Op.ADD}


@settings(max_examples=300, deadline=None)
@given(MANIFESTS, MANIFESTS)
def test_every_change_has_a_consequence_and_nothing_has_none(
    base: list[Body], head: list[Body]
) -> None:
    before, after = documents(*base), documents(*head)
    found = compare(TARGET, before, after)
    effects = consequences(found, before, after)
    told = [change for each in effects for change in each.because]
    assert effects
    assert all(change in told for change in found.changes)


TARGETS = [target(each, name) for name in ("main", "echo") for each in ("staging", "codfw")]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(MANIFESTS, MANIFESTS), min_size=1, max_size=4), st.booleans())
def test_unfolding_gives_the_changes_that_were_folded(
    sides: list[tuple[list[Body], list[Body]]], same: bool
) -> None:
    sides = sides[:1] * len(TARGETS) if same else sides
    sets = [
        compare(each, documents(*base), documents(*head))
        for each, (base, head) in zip(TARGETS, sides, strict=False)
    ]
    unfolded = {each.target: each for each in unfold(fold(sets), TARGETS)}
    for each, (base, head) in zip(sets, sides, strict=False):
        found = unfolded[each.target]
        assert sorted(map(str, found.changes)) == sorted(map(str, each.changes))
        result = apply(found, documents(*base))
        assert exact(result) == exact(last_of_each(head))


@given(
    st.lists(st.sampled_from(["web", "web-app", "WEB_APP", "prod", "-", ".", "x", "é", "⟦", " "])),
    st.sampled_from([Target("web", "prod", "web-app"), Target("web-app", "prod", "web")]),
)
def test_names_are_hidden_wherever_they_are_whole_words(parts: list[str], where: Target) -> None:
    """A regular expression says the same, slowly."""
    text = "".join(parts)
    words = {
        where.release: "⟦release⟧",
        where.environment: "⟦environment⟧",
        where.service.upper().replace("-", "_"): "⟦SERVICE⟧",
        where.service: "⟦service⟧",
    }
    names = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    expected = re.sub(
        f"(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9])", lambda found: words[found[0]], text
    )

    assert hide_in_text(text, where) == (text if "⟦" in text else expected)
