"""One change, all its targets; who differs; who stayed behind."""

from __future__ import annotations

from deploycharts.changes.apply import apply
from deploycharts.changes.compare import compare
from deploycharts.changes.fold import change_of, fold, unfold
from deploycharts.changes.model import ChangeSet, Fold
from deploycharts.documents import Document
from deploycharts.target import Target
from tests.changes.changes_builders import (
    CONTAINER,
    Body,
    changed,
    config_map,
    deployment,
    documents,
    network_policy,
    target,
    without,
)

ENVIRONMENTS = ("staging", "codfw", "eqiad")
SERVICES = ("echo", "search-api", "maps", "wiki")


def manifest(where: Target, *, replicas: int = 2, timeout: int = 5) -> list[Body]:
    name = f"{where.service}-{where.release}"
    upper = where.service.upper().replace("-", "_")
    config = f"# {where.service}\nname: {where.service}\n{upper}_URL: x\ntimeout: {timeout}\n"
    return [
        deployment(name, replicas=replicas),
        config_map(f"{where.service}-config", **{"app.yaml": config}),
        network_policy(name),
    ]


def side(where: Target, **values: int) -> tuple[Document, ...]:
    return documents(*manifest(where, **values), namespace=where.service)


def everywhere(**head: int) -> list[ChangeSet]:
    return [
        compare(where, side(where), side(where, **head))
        for name in SERVICES
        for where in (target(environment, name) for environment in ENVIRONMENTS)
    ]


def changes(folds: tuple[Fold, ...]) -> list[Fold]:
    return [each for each in folds if each.fact is None]


def test_names_of_services_and_releases_are_abstracted() -> None:
    (one,) = changes(fold(everywhere(replicas=4)))
    assert one.change.object.name == "⟦service⟧-⟦release⟧"
    assert len(one.targets) == 12
    assert not one.absent
    assert change_of(one, target("codfw", "maps")).object.name == "maps-main"


def test_a_text_in_which_names_stand_folds_too() -> None:
    folds = fold(everywhere(timeout=9))
    assert len(changes(folds)) == 1
    assert len(folds) == 2  # and the fact about the text around it


def test_unfolding_gives_every_head_exactly() -> None:
    for each in unfold(fold(everywhere(timeout=9, replicas=7))):
        head = manifest(each.target, timeout=9, replicas=7)
        assert list(apply(each, side(each.target))) == head


def test_the_environment_that_stays_behind_is_told() -> None:
    sets = [
        each if each.target.environment != "staging" else ChangeSet(each.target)
        for each in everywhere(replicas=4)
    ]
    (one,) = changes(fold(sets))
    assert {each.environment for each in one.absent} == {"staging"}
    assert len(one.absent) == 4


def test_services_are_expected_to_follow_only_where_most_do() -> None:
    def absent_of(number: int) -> set[str]:
        sets = everywhere(replicas=4)
        names = SERVICES[:number]
        sets = [e if e.target.service in names else ChangeSet(e.target) for e in sets]
        return {each.service for each in changes(fold(sets))[0].absent}

    assert absent_of(3) == {"wiki"}
    assert absent_of(1) == set()


def test_the_one_that_differs_is_an_outlier_and_comes_first() -> None:
    odd = target("eqiad", "maps")
    sets = [
        compare(odd, side(odd), side(odd, replicas=9)) if each.target == odd else each
        for each in everywhere(replicas=4)
    ]
    first, second = changes(fold(sets))
    assert (first.targets, first.outlier) == (frozenset({odd}), True)
    assert not second.outlier
    assert second.different == {odd}
    assert not second.absent


def test_the_same_rule_at_other_positions_is_one_change() -> None:
    peer = {"ipBlock": {"cidr": "10.9.9.9/32"}}
    sets = []
    for number, name in enumerate(SERVICES):
        others: list[Body] = [{"ports": [{"port": port}]} for port in range(number)]
        base = network_policy(name, egress=others)
        head = network_policy(name, egress=[*others, {"to": [peer]}])
        before, after = (documents(each, namespace=name) for each in (base, head))
        sets.append(compare(target(service=name), before, after))
    folds = fold(sets)
    (one,) = folds
    assert len(one.targets) == len(SERVICES)
    assert {each.target: each.changes for each in unfold(folds)} == {
        each.target: each.changes for each in sets
    }


def test_a_service_called_like_a_field_or_a_placeholder_keeps_its_changes() -> None:
    for name in ("spec", "containers", "image", "replicas", "add", "main", "staging"):
        where = Target(name, "staging", "main")
        base, head = deployment(name), deployment(f"{name}", replicas=5)
        head = changed(head, f"{CONTAINER}/image", f"{name}:2 ⟦service⟧")
        found = compare(where, documents(base), documents(head))
        (back,) = unfold(fold([found]))
        assert sorted(map(str, back.changes)) == sorted(map(str, found.changes))


def test_targets_without_changes_come_back_empty() -> None:
    nothing = ChangeSet(target())
    assert unfold(fold([nothing]), [target()]) == (nothing,)


def helper_change(units: int) -> list[tuple[Target, tuple[Document, ...], tuple[Document, ...]]]:
    """A change to a helper that reaches many services with their own names and numbers."""
    found = []
    for number in range(units):
        name = f"service-{number // 3}"
        where = target(ENVIRONMENTS[number % 3], name)
        base = manifest(where, replicas=number % 7, timeout=number % 5)
        head = [changed(base[0], f"{CONTAINER}/readinessProbe/timeoutSeconds", 5), *base[1:]]
        head[0] = without(head[0], f"{CONTAINER}/args/2")
        annotations = {"checksum/config": f"{number:08x}"}
        head[0] = changed(head[0], "spec/template/metadata/annotations", annotations)
        for body in head:
            body["metadata"] = {**body["metadata"], "labels": {"helm.sh/chart": f"{name}-2"}}
        before, after = (documents(*each, namespace=name) for each in (base, head))
        found.append((where, before, after))
    return found


def test_a_change_of_586_units_is_a_handful_of_changes() -> None:
    units = helper_change(586)
    folds = fold([compare(*unit) for unit in units])
    assert len(changes(folds)) <= 20
    back = {each.target: each for each in unfold(folds)}
    for where, base, head in units:
        result = apply(back[where], base)
        assert list(result) == [each.body for each in head]
