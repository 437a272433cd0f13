"""Everything that a deployment would do: the frozen steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from deploycharts.changes.masking import Masker
from deploycharts.changes.model import ChangeSet
from deploycharts.changes.situation import Quota
from deploycharts.deployment.drift import Drift
from deploycharts.deployment.formerly import FormerRelease
from deploycharts.deployment.gates import Gate
from deploycharts.deployment.objections import Refusal
from deploycharts.deployment.symptoms import Trouble
from deploycharts.documents import Document, Json, ObjectKey
from deploycharts.registry.checks import Check
from deploycharts.registry.environments import Environment
from deploycharts.registry.policy import OnFailure
from deploycharts.rendering.release import Release
from deploycharts.target import Target
from deploycharts.tools.git import Tree


class Action(Enum):
    """What a step does to its release."""

    INSTALL = "install"
    UPGRADE = "upgrade"
    UNINSTALL = "uninstall"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step acts, and what to follow there.

    Attributes:
        workloads: the objects whose pods are followed.
        mask: knows the release's secrets.
    """

    target: Target
    namespace: str
    environment: Environment
    kubeconfig: Path
    workloads: tuple[ObjectKey, ...]
    mask: Masker = field(repr=False)


@dataclass(frozen=True, slots=True)
class Difference:
    """From the objects of one revision to those of another, secrets masked.

    Attributes:
        running: pods that the workloads have now.
        quota: the namespace's limits, None where there are none.
    """

    changes: ChangeSet
    base: tuple[Document, ...] = field(repr=False)
    head: tuple[Document, ...] = field(repr=False)
    running: Mapping[ObjectKey, int] = field(default_factory=dict)
    quota: Quota | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One release's part of a plan.

    Attributes:
        expected_revision: helm's newest revision now; the act expects to make the next one.
        return_to: the revision to go back to; None means uninstalling.
        difference: from what was applied last, object by object, see `deployment.leftovers`.
        remark: why nothing is done, or what is unusual.
        artifact: the ID of what it runs, see `deployment.artifact`.
        deployed_commit: the commit that the last good revision was made from, empty if unknown.
        current: what helm says of the newest revision: which deployment, by whom.
        drifts: what runs otherwise than it was applied.
        problems: what is wrong with its pods now, before anything is done.
        left: what only failed revisions brought, and what becomes of it.
        refusals: what the API server says that it would refuse.
        gates: what must hold before it begins.
        checks: what is asked of it after it rolled out.
        on_failure: what happens if it fails.
    """

    place: Place
    action: Action
    release: Release
    expected_revision: int
    return_to: int | None
    difference: Difference
    remark: str = ""
    artifact: str = ""
    deployed_commit: str = ""
    current: str = ""
    drifts: tuple[Drift, ...] = ()
    problems: tuple[Trouble, ...] = ()
    left: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    gates: tuple[Gate, ...] = ()
    checks: tuple[Check, ...] = ()
    on_failure: OnFailure = OnFailure.ROLL_BACK

    @property
    def target(self) -> Target:
        """What is deployed where."""
        return self.place.target


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for, besides services and environments.

    Attributes:
        release: only this release of each service.
        skip: environments that are left out.
        pause_before: environments that are begun on another word only.
        reason: why this is deployed, or why something is left out.
        emergency: why gates are passed over; empty if they are not.
        take_over: overwrite fields that somebody edited by hand.
    """

    release: str | None = None
    skip: tuple[str, ...] = ()
    pause_before: tuple[str, ...] = ()
    reason: str = ""
    emergency: str = ""
    take_over: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The frozen steps of a deployment, in the order in which they are carried out.

    Attributes:
        id: the same for the same steps on the same revisions; what `--yes=ID` names.
        skipped: environments that are left out and will be behind.
        undeclared: releases that are installed though their helmfile lacks them; they stay.
        former: releases that run on in a namespace where their service was before.
    """

    id: str
    steps: tuple[Step, ...]
    tree: Tree
    author: str
    wish: Wish = Wish()
    skipped: tuple[Environment, ...] = ()
    undeclared: tuple[Target, ...] = ()
    former: tuple[FormerRelease, ...] = ()

    @property
    def acting(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.action is not Action.NOTHING)

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Those that are changed, in order, each once."""
        return tuple(dict.fromkeys(step.place.environment for step in self.acting))

    @property
    def services(self) -> tuple[str, ...]:
        """Those that have steps, each once."""
        return tuple(dict.fromkeys(step.target.service for step in self.steps))

    def lane(self, service: str) -> tuple[Step, ...]:
        """The steps of one service: one after the other, beside those of other services."""
        return tuple(step for step in self.steps if step.target.service == service)

    def as_json(self) -> dict[str, Json]:
        """The plan for a journal or a file; no values are in it."""
        return {
            "plan": self.id,
            "author": self.author,
            "reason": self.wish.reason,
            "emergency": self.wish.emergency,
            "commit": self.tree.commit,
            "dirty": self.tree.dirty,
            "skipped": [environment.name for environment in self.skipped],
            "undeclared": [str(target) for target in self.undeclared],
            "former": [f"{each}; {each.removal}" for each in self.former],
            "steps": [_step_json(step) for step in self.steps],
        }


def _step_json(step: Step) -> Json:
    return {
        "target": str(step.target),
        "action": step.action.value,
        "fingerprint": step.release.fingerprint,
        "artifact": step.artifact,
        "expected_revision": step.expected_revision,
        "return_to": step.return_to,
        "live": [str(drift) for drift in step.drifts],
        "problems": [str(problem) for problem in step.problems],
        "left": list(step.left),
        "refusals": [str(refusal) for refusal in step.refusals],
        "gates": [f"{gate.kind.value} {gate.state.value}: {gate.sentence}" for gate in step.gates],
        "checks": [check.name for check in step.checks],
        "on_failure": step.on_failure.value,
    }
