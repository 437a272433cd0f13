"""Holding services and contents, lifting that, and the gate that asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TypeAlias

from deploycharts.changes.model import count
from deploycharts.cluster import holds
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.holds import Hold
from deploycharts.deployment import failures, formerly, gates, journal
from deploycharts.deployment.content import content_id, content_of
from deploycharts.deployment.gates import Gate
from deploycharts.deployment.plan import Action, Step
from deploycharts.documents import Document, Json
from deploycharts.errors import UserError
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository, Service
from deploycharts.target import Target

_Act: TypeAlias = Callable[[Cluster, str, str], Sequence[Hold]]


@dataclass(frozen=True, slots=True)
class Held:
    """The holds of one service in one environment."""

    environment: str
    service: str
    holds: tuple[Hold, ...]

    def lines(self) -> Iterator[str]:
        """A line for each, without a next step."""
        for hold in self.holds:
            yield f"{self.environment} {self.service}: {sentence(hold)}"

    def as_json(self) -> list[Json]:
        """For programs."""
        return [{"environment": self.environment, **asdict(hold)} for hold in self.holds]


def gates_before(steps: Sequence[Step], *, emergency: bool) -> dict[Target, tuple[Gate, ...]]:
    """The gates before acting steps that a hold is in the way of.

    A hold on a service stands before its first step in the environment, one on a content before the
    step that brings it. Asks each environment once for each service.

    Args:
        steps: of a plan.
        emergency: somebody took the responsibility: holds become remarks.
    """
    groups: dict[tuple[str, str], list[Step]] = {}
    for step in steps:
        if step.action is not Action.NOTHING:
            groups.setdefault((step.target.environment, step.target.service), []).append(step)
    with ThreadPoolExecutor(max_workers=max(1, min(8, len(groups)))) as pool:
        answers = pool.map(lambda group: _before(group, emergency), groups.values())
        return {target: found for answer in answers for target, found in answer.items()}


def read(
    repository: Repository, environments: Sequence[Environment], services: Sequence[Service]
) -> tuple[Held | UserError, ...]:
    """The holds of services in environments; what cannot be read is there as its error."""

    def look(cluster: Cluster, namespace: str, service: str) -> Sequence[Hold]:
        return holds.read(cluster, namespace).of(service)

    return _everywhere(repository, environments, services, look)


def hold(
    repository: Repository, environments: Sequence[Environment], services: Sequence[Service],
    reason: str,
) -> tuple[Held | UserError, ...]:  # fmt: skip
    """Hold whole services; what cannot be held is there as its error."""
    owner, at = journal.whoami(), _now()

    def place(cluster: Cluster, namespace: str, service: str) -> Sequence[Hold]:
        new = Hold(service, reason, owner, at)
        holds.change(cluster, namespace, lambda found: found.adding(new))
        return [new]

    return _everywhere(repository, environments, services, place)


def lift(
    repository: Repository, environments: Sequence[Environment], services: Sequence[Service],
    reason: str,
) -> tuple[Held | UserError, ...]:  # fmt: skip
    """Lift all holds on services and their contents; the answer says which these were."""
    owner, at = journal.whoami(), _now()

    def free(cluster: Cluster, namespace: str, service: str) -> Sequence[Hold]:
        before, after = holds.change(
            cluster,
            namespace,
            lambda found: found.lifting(lambda each: each.service == service, owner, at, reason),
        )
        return [each for each in before.of(service) if each not in after.active]

    return _everywhere(repository, environments, services, free)


def keep_from_returning(
    cluster: Cluster, namespace: str, target: Target, left: Sequence[Document],
    now: Sequence[Document], *, reason: str, deployment: str,
) -> bool:  # fmt: skip
    """Hold the content that a release left, and lift holds on the content that it has now.

    Args:
        cluster: where.
        namespace: the release's.
        target: the release.
        left: the objects that it had.
        now: the objects that it has now.
        reason: why it left them.
        deployment: the one that had brought them.

    Returns:
        Whether the content is held; it is not if the release has the same one again.

    Raises:
        UserError: holds cannot be written.
    """
    key = holds.content_key(cluster, namespace)
    old, new = content_id(left, key), content_id(now, key)
    owner, at = journal.whoami(), _now()
    made = Hold(target.service, reason, owner, at, target.release, old, deployment)

    def moved(found: holds.Holds) -> holds.Holds:
        found = found.lifting(lambda each: each.content == new, owner, at, "gone back to it")
        return found if old == new else found.adding(made)

    holds.change(cluster, namespace, moved)
    return old != new


def sentence(hold: Hold) -> str:
    """What is held, by whom, since when and why."""
    what = f"a version of {hold.release}, of deployment {hold.deployment or 'unknown'}, is blocked"
    return f"{what if hold.content else 'on hold,'} by {_who_and_why(hold)}"


def summary(found: Sequence[Held]) -> str:
    """All holds of one service in a line, whichever environments and releases they are of."""
    service = found[0].service
    held = [(each.environment, hold) for each in found for hold in each.holds]
    whole = [pair for pair in held if not pair[1].content]
    versions = [pair for pair in held if pair[1].content]
    said = []
    if whole:
        said.append(f"{service} is on hold in {_places(whole)}, by {_who_and_why(whole[0][1])}")
    if versions:
        releases = ", ".join(dict.fromkeys(hold.release for _, hold in versions))
        newest = max((hold for _, hold in versions), key=lambda hold: hold.at)
        said.append(
            f"{count(len(versions), 'version')} of {service} ({releases}) blocked in "
            f"{_places(versions)}, by {_who_and_why(newest)}"
        )
    return "; ".join(said)


def _places(held: Sequence[tuple[str, Hold]]) -> str:
    return " and ".join(dict.fromkeys(environment for environment, _ in held))


def unhold(environment: str, service: str) -> str:
    """The command that lifts the holds of a service."""
    return f"deploy unhold {environment} {service} --reason TEXT"


def _before(steps: Sequence[Step], emergency: bool) -> Mapping[Target, tuple[Gate, ...]]:
    place = steps[0].place
    environment, service = place.environment.name, place.target.service
    cluster = Cluster(place.kubeconfig, name=environment)
    try:
        known = holds.read(cluster, place.namespace)
        found = known.of(service)
        contents = [each for each in found if each.content]
        needs_key = contents or known.failed
        key = holds.find_key(cluster, place.namespace) if needs_key else None
    except UserError as error:
        unread = f"{environment} cannot be asked for holds: {error.what}"
        look = error.next_step or f"deploy status {environment} {service}"
        return {steps[0].target: (gates.held(unread, look, emergency=emergency),)}
    finally:
        cluster.close()
    whole = [f"on hold, by {_who_and_why(each)}" for each in found if not each.content]
    answer = {}
    for step in steps:
        said = [*whole, *(_said(each, key) for each in contents if _brings(step, each, key))]
        whole = []
        lifted = unhold(environment, service)
        refusing = (gates.held(sentence, lifted, emergency=emergency) for sentence in said)
        answer[step.target] = (*refusing, *failures.noted(step, known, key))
    return answer


def _brings(step: Step, hold: Hold, key: bytes | None) -> bool:
    """Whether a step brings a held content; without the key nobody knows, so it may."""
    if hold.release != step.target.release or step.action is Action.UNINSTALL:
        return False
    return key is None or content_of(step, key) == hold.content


def _said(hold: Hold, key: bytes | None) -> str:
    how = "is blocked" if key else "may be blocked (the key to tell is lost)"
    return f"this version of {hold.release} {how}, by {_who_and_why(hold)}"


def _who_and_why(hold: Hold) -> str:
    return f"{hold.owner} since {hold.at[:16].replace('T', ' ')}: {hold.reason}"


def _everywhere(
    repository: Repository, environments: Sequence[Environment], services: Sequence[Service],
    act: _Act,
) -> tuple[Held | UserError, ...]:  # fmt: skip
    """Act on each service in each environment, one as far as possible beside the other."""

    def one(pair: tuple[Environment, Service]) -> Held | UserError:
        environment, service = pair
        try:
            namespace = repository.registration(service.name).namespace
            kubeconfig = environment.kubeconfig_of(service.name)
            cluster = Cluster(kubeconfig, name=environment.name)
            try:
                cluster.require_environment(environment.name)
                with formerly.grants_explained(repository, cluster, service.name, namespace):
                    found = act(cluster, namespace, service.name)
            finally:
                cluster.close()
            return Held(environment.name, service.name, tuple(found))
        except UserError as error:
            return error

    pairs = [
        (environment, service)
        for service in services
        for environment in environments
        if environment.is_production or not service.without_staging
    ]
    with ThreadPoolExecutor(max_workers=8) as pool:
        return tuple(pool.map(one, pairs))


def _now() -> str:
    return journal.now().isoformat(timespec="seconds")
