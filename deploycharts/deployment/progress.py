"""What happens during a deployment, as facts. Whoever listens decides how to show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from deploycharts.deployment.evidence import Evidence
from deploycharts.deployment.readiness import Part
from deploycharts.deployment.symptoms import Trouble
from deploycharts.target import Target


@dataclass(frozen=True, slots=True)
class Began:
    """A step begins: `action` is upgrade, install, uninstall or rollback."""

    target: Target
    action: str
    expected_revision: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A step has nothing to do."""

    target: Target
    why: str


@dataclass(frozen=True, slots=True)
class Moved:
    """How far the workloads of a release are that its roll-out has reached."""

    target: Target
    parts: tuple[Part, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Noted:
    """The cluster warns of something that is no trouble of a pod."""

    target: Target
    text: str


@dataclass(frozen=True, slots=True)
class Baking:
    """What was changed is watched for some time before the next step."""

    target: Target
    sentence: str
    left_s: float


@dataclass(frozen=True, slots=True)
class Appeared:
    """A trouble was seen; `fails_in_s` is how long it may last, None if it is final."""

    trouble: Trouble
    fails_in_s: float | None


@dataclass(frozen=True, slots=True)
class Finished:
    """A step is done and stands as `revision`."""

    target: Target
    action: str
    revision: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """A step failed, for the reason in the evidence."""

    target: Target
    revision: int
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Suspected:
    """The change that most likely made a step fail, and its lines."""

    target: Target
    sentence: str


@dataclass(frozen=True, slots=True)
class Said:
    """A remark that needs no form of its own."""

    text: str


Event: TypeAlias = (
    Began | Skipped | Moved | Noted | Baking | Appeared | Finished | Failed | Suspected | Said
)
Listener: TypeAlias = Callable[[Event], None]
