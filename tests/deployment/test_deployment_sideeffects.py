"""What a way back does besides its changes."""

from __future__ import annotations

import pytest

from deploycharts.changes.compare import compare
from deploycharts.deployment.drift import Drift, DriftKind
from deploycharts.deployment.plan import Difference
from deploycharts.deployment.sideeffects import Fate, SideEffects, side_effects
from deploycharts.documents import Document, Json
from deploycharts.target import Target
from tests.deployment.live_builders import parsed

TARGET = Target("echo", "staging", "main")


def _map(**data: str) -> Document:
    return parsed(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: echo}}, data: {data}}}")


def _effects(
    base: Document, head: list[Document], *drifts: Drift, server_side: bool = True
) -> SideEffects:
    difference = Difference(compare(TARGET, [base], head), (base,), tuple(head))
    return side_effects(difference, drifts, server_side=server_side)


def _edit(released: Json, live: Json, kind: DriftKind = DriftKind.MANUAL) -> Drift:
    return Drift(_map().key, ("data", "a"), released, live, "kubectl-edit", "Update", "", kind)


@pytest.mark.parametrize(
    ("goal", "edit", "server_side", "fate"),
    [
        (_map(a="1"), _edit("2", "hand"), True, Fate.OVERWRITTEN),
        (_map(a="1"), _edit("2", "1"), True, Fate.KEPT),
        (_map(a="1"), _edit("2", None), True, Fate.RESTORED),
        (_map(), _edit(None, "hand"), True, Fate.KEPT),
        (_map(), _edit(None, "hand"), False, Fate.KEPT),
        (_map(), _edit("2", "hand"), True, Fate.KEPT),
        (_map(), _edit("2", "hand"), False, Fate.OVERWRITTEN),
    ],
)
def test_what_becomes_of_an_edit(
    goal: Document, edit: Drift, fate: Fate, *, server_side: bool
) -> None:
    found = _effects(_map(a="2"), [goal], edit, server_side=server_side)

    assert [each for _, each in found.drifts] == [fate]


def test_an_object_that_somebody_deleted_comes_back_if_the_goal_has_it() -> None:
    gone = Drift(_map().key, (), None, None, "", "", "", DriftKind.GONE)

    assert _effects(_map(), [_map()], gone).drifts == ((gone, Fate.RESTORED),)
    assert _effects(_map(), [], gone).drifts == ((gone, Fate.KEPT),)


def test_earlier_secret_values_are_named_by_their_keys() -> None:
    def secret(**data: str) -> Document:
        return parsed(f"{{apiVersion: v1, kind: Secret, metadata: {{name: echo}}, data: {data}}}")

    found = _effects(secret(a="<1>", b="<2>"), [secret(a="<0>", b="<2>")])

    assert found.secrets == ("Secret/echo a",)
    assert [*found.sentences()] == ["an earlier secret value comes back: Secret/echo a"]


def test_what_hooks_did_stays_done() -> None:
    def job(event: str) -> Document:
        return parsed(f"""
apiVersion: batch/v1
kind: Job
metadata: {{name: migrate, annotations: {{helm.sh/hook: "{event}"}}}}
""")

    assert [*_effects(job("pre-install,pre-upgrade"), []).sentences()] == [
        "not undone: what the hooks did, Job/migrate"
    ]
    assert _effects(job("test"), []).hooks == ()
