"""Everything that a deployment would do: the frozen steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from deploycharts.changes.masking import Masker
from deploycharts.changes.model import ChangeSet
from deploycharts.changes.situation import Quota
from deploycharts.documents import Document, Json, ObjectKey
from deploycharts.registry.environments import Environment
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
        difference: from the last good revision.
    """

    place: Place
    action: Action
    release: Release
    expected_revision: int
    return_to: int | None
    difference: Difference
    remark: str = ""

    @property
    def target(self) -> Target:
        """What is deployed where."""
        return self.place.target


@dataclass(frozen=True, slots=True)
class Plan:
    """The frozen steps of a deployment, in the order in which they are carried out.

    Attributes:
        id: the same for the same steps on the same revisions; what `--yes=ID` names.
    """

    id: str
    steps: tuple[Step, ...]
    tree: Tree
    author: str

    @property
    def acting(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.action is not Action.NOTHING)

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Those that are changed, in order, each once."""
        return tuple(dict.fromkeys(step.place.environment for step in self.acting))

    def as_json(self) -> Json:
        """The plan for a journal."""
        return {
            "plan": self.id,
            "commit": self.tree.commit,
            "dirty": self.tree.dirty,
            "steps": [
                {
                    "target": str(step.target),
                    "action": step.action.value,
                    "fingerprint": step.release.fingerprint,
                    "expected_revision": step.expected_revision,
                    "return_to": step.return_to,
                }
                for step in self.steps
            ],
        }
