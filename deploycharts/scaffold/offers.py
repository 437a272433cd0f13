"""What the repository knows and a person can choose: each value with a remark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deploycharts.scaffold import imagetags
from deploycharts.scaffold.limits import SWITCHES
from deploycharts.scaffold.question import Answers, Value

if TYPE_CHECKING:
    from deploycharts.scaffold.facts import Facts

Offer = Sequence[tuple[str, str]]


def charts(_answers: Answers, facts: Facts) -> Offer:
    """The charts of the repository, and none."""
    return [("", "a new chart"), *((name, str(where)) for name, where in facts.charts.items())]


def versions(answers: Answers, facts: Facts) -> Offer:
    """The versions of the language that there are base images of."""
    known = facts.settings.languages.get(str(answers.get("runtime")), {})
    return [(version, images.get("run", "")) for version, images in known.items()]


def newest_version(answers: Answers, facts: Facts) -> Value | None:
    """The first of these versions; empty if the repository names none."""
    return next((version for version, _ in versions(answers, facts)), "")


def image(answers: Answers, facts: Facts) -> Value | None:
    """The newest existing image of the service, else the one that its pipeline makes first."""
    repository = facts.image.replace("{name}", str(answers["name"]))
    tags = _tags(repository, facts)
    tag = tags[0] if tags else facts.settings.tag
    return f"{repository}:{tag}" if repository and tag else None


def images(answers: Answers, facts: Facts) -> Offer:
    """The image of the service's own pipeline, and those of other services, by existing tags."""
    own = facts.image.replace("{name}", str(answers["name"]))
    found = [(f"{own}:{tag}", "in the registry") for tag in _tags(own, facts)]
    first = image(answers, facts)
    if first is not None and not found:
        found.append((str(first), "not in the registry yet: its pipeline publishes it first"))
    for service, repository in facts.repositories.items():
        if repository != own:
            found += [
                (f"{repository}:{tag}", f"{service}'s") for tag in _tags(repository, facts)[:1]
            ]
    return found


def _tags(repository: str, facts: Facts) -> Sequence[str]:
    if not repository or not facts.asks_registry:
        return ()
    return imagetags.offered(repository, facts.settings.tags)


def groups(_answers: Answers, facts: Facts) -> Offer:
    """Who deploys services already."""
    return [(name, "") for name in facts.groups]


def callers(answers: Answers, facts: Facts) -> Offer:
    """The services of the repository."""
    return [(name, str(where)) for name, where in facts.services.items() if name != answers["name"]]


def peers(answers: Answers, facts: Facts) -> Offer:
    """The services of the repository with their ports."""
    return [
        (f"{claim.owner}:{port}", str(claim.source))
        for port, claim in sorted(facts.ports.items())
        if claim.owner != answers["name"]
    ]


def gateways(_answers: Answers, facts: Facts) -> Offer:
    """Gateways that the repository declares or uses."""
    return [(name, "") for name in facts.gateways]


def first_gateway(_answers: Answers, facts: Facts) -> Value | None:
    """The first of them."""
    return next(iter(facts.gateways), None)


def issuers(_answers: Answers, facts: Facts) -> Offer:
    """Issuers that the repository declares or uses."""
    return [(name, "") for name in facts.issuers]


def first_issuer(_answers: Answers, facts: Facts) -> Value | None:
    """The first of them."""
    return next(iter(facts.issuers), None)


def sidecars(_answers: Answers, facts: Facts) -> Offer:
    """The containers that the repository declares."""
    return [(name, str(one.get("image", ""))) for name, one in facts.settings.sidecars.items()]


def quotas(_answers: Answers, facts: Facts) -> Offer:
    """The sizes that the repository declares."""
    sizes = facts.settings.quotas.items()
    shown = [(name, ", ".join(f"{key} {of}" for key, of in size.items())) for name, size in sizes]
    return [("computed", "from replicas, CPU and memory"), *shown]


def reasons(answers: Answers, _facts: Facts) -> Value | None:
    """What is switched off, without a reason yet."""
    if answers.get("chart"):
        return {}
    return {name: "" for name in SWITCHES if answers.get(name) is False}
