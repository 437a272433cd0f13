"""Where a release goes back to, from helm's history alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploycharts.cluster.releases import Revision
from deploycharts.deployment.wayback import (
    UNINSTALL,
    choose,
    earlier,
    last_deployment,
    rolled_back_to,
    withdrawn,
)
from deploycharts.errors import UnknownName


def _history(*lines: str) -> tuple[Revision, ...]:
    """Revisions from lines: `status content deployment [goal]`."""
    found = []
    for number, line in enumerate(lines, start=1):
        status, content, deployment, *goal = line.split()
        found.append(
            Revision(
                release="main", namespace="echo", number=number, status=status,
                deployed_at=f"2026-01-01T00:00:{number:02}Z",
                description=f"Rollback to {goal[0]}" if goal else "Upgrade complete",
                chart="echo-1.0.0", app_version="", labels={"deployment": deployment},
                manifest=content,
            )
        )  # fmt: skip
    return tuple(found)


def _goal(history: tuple[Revision, ...], to: str = "last-good", *, alone: bool = False) -> object:
    chosen = choose(history, to, last_deployment([history]), alone=alone)
    return chosen.number if isinstance(chosen, Revision) else chosen


def test_the_last_good_one_before() -> None:
    assert _goal(_history("superseded v1 A", "deployed v2 B")) == 1


def test_the_same_content_is_no_way_back() -> None:
    assert _goal(_history("superseded v1 A", "superseded v2 B", "deployed v2 C")) == 1


def test_what_was_withdrawn_together_with_others_is_not_good() -> None:
    back_together = _history("superseded v1 A", "superseded v2 B", "deployed v1 A 1")

    assert withdrawn(back_together) == {2}
    assert _goal(back_together) is None


@pytest.mark.parametrize("left", ["failed", "superseded"])
def test_after_a_rollback_the_revision_before_the_last_good_one_has_to_be_named(left: str) -> None:
    history = _history("superseded v1 A", "superseded v2 B", f"{left} v3 C", "deployed v2 B 2")

    assert _goal(history) is None
    assert _goal(history, alone=True) is None
    assert rolled_back_to(history[-1]) == 2
    before = earlier(history)
    assert before is not None
    assert before.number == 1
    assert _goal(history, "1", alone=True) == 1


def test_an_uninstall_that_did_not_finish_goes_back_to_what_was_uninstalled() -> None:
    assert _goal(_history("superseded v1 A", "uninstalling v2 B")) == 2


def test_a_failed_or_pending_one_goes_back_to_the_good_one_before() -> None:
    assert _goal(_history("deployed v1 A", "failed v2 B")) == 1
    assert _goal(_history("deployed v1 A", "pending-upgrade v2 B")) == 1


def test_what_failed_is_not_good_though_a_failed_rollback_made_it_superseded() -> None:
    first, second, third = _history("deployed v1 A", "superseded v2 B", "failed v1 A")
    failed = replace(second, description='Upgrade "main" failed: context deadline exceeded')

    assert _goal((first, failed, third)) == 1


def test_what_never_rolled_out_is_removed() -> None:
    assert _goal(_history("failed v1 A")) == UNINSTALL


def test_releases_of_older_deployments_are_left_alone_unless_named() -> None:
    older, newer = _history("superseded v1 A", "deployed v2 B"), _history("deployed w C")
    last = "C"

    assert choose(older, "last-good", last, alone=False) is None
    assert choose(older, "last-good", last, alone=True) == older[0]
    assert choose(newer, "last-good", last, alone=False) is None


def test_a_deployment_can_be_named() -> None:
    history = _history("superseded v1 A", "superseded v2 B", "deployed v3 C")

    assert _goal(history, "A") == 1
    assert _goal(history, "C") is None


def test_a_revision_can_be_named_and_an_unknown_one_is_refused() -> None:
    history = _history("superseded v1 A", "deployed v2 B")

    assert _goal(history, "1", alone=True) == 1
    with pytest.raises(UnknownName, match="no revision '7'"):
        _goal(history, "7", alone=True)
