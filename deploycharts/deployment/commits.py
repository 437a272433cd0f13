"""The commits that a deployment brings to each environment, or takes back from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploycharts.deployment.plan import Action, Step
from deploycharts.documents import Json
from deploycharts.tools import git
from deploycharts.tools.git import Commit

_SHARED = ("helmfile.d/environments.yaml", "helmfile.d/release.yaml.gotmpl")


@dataclass(frozen=True, slots=True)
class Brought:
    """What git says of the way from what a service runs in an environment to what it will run.

    Attributes:
        base: the commit that was deployed; empty if nobody noted it.
        known: whether this clone has that commit.
        commits: that come, newest first.
        taken_back: that go, because something older is deployed.
    """

    service: str
    environment: str
    base: str
    known: bool
    commits: tuple[Commit, ...] = ()
    taken_back: tuple[Commit, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """For programs."""
        return {
            "service": self.service,
            "environment": self.environment,
            "since": self.base,
            "known": self.known,
            "commits": [_commit_json(each) for each in self.commits],
            "takenBack": [_commit_json(each) for each in self.taken_back],
        }


def brought(root: Path, steps: Sequence[Step], head: str) -> tuple[Brought, ...]:
    """What upgrades bring, once for each service and environment.

    Args:
        root: the repository.
        steps: of a plan.
        head: the commit that is deployed; uncommitted changes come on top.
    """
    groups: dict[tuple[str, str], list[Step]] = {}
    for step in steps:
        if step.action is Action.UPGRADE:
            groups.setdefault((step.target.service, step.target.environment), []).append(step)
    return tuple(_brought(root, group, head) for group in groups.values()) if head else ()


def _brought(root: Path, group: Sequence[Step], head: str) -> Brought:
    first = group[0]
    service, environment, base = (
        first.target.service, first.target.environment, first.deployed_commit,
    )  # fmt: skip
    if not base or not git.has_commit(root, base):
        return Brought(service, environment, base, known=False)
    paths = sorted({path for step in group for path in _paths(step, root)})
    return Brought(
        service,
        environment,
        base,
        known=True,
        commits=git.log(root, base, head, paths),
        taken_back=git.log(root, head, base, paths),
    )


def _paths(step: Step, root: Path) -> Iterator[str]:
    """The files and folders of the repository that matter to a release."""
    yield from _SHARED
    folders = [step.release.state_file.parent, step.release.chart.path]
    layers = [root / layer.source.path for layer in step.release.layers]
    for path in [*folders, *layers]:
        if path is not None and path.is_relative_to(root):
            yield str(path.relative_to(root))


def _commit_json(commit: Commit) -> Json:
    return {
        "id": commit.id, "author": commit.author, "at": commit.at, "subject": commit.subject,
    }  # fmt: skip
