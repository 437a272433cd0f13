"""From the words of a command line to environments and services."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from deploycharts.errors import Refused, UserError, WrongUsage, unknown
from deploycharts.registry.environments import GROUP, Environment
from deploycharts.registry.repository import Repository, Service

EVERYWHERE = "all"
"""The word for all environments, for what only looks and for the cluster step."""


def select(
    repository: Repository,
    word: str,
    names: Sequence[str],
    *,
    verbs: Collection[str] = (),
    looking: bool = False,
) -> tuple[tuple[Environment, ...], tuple[Service, ...]]:
    """The environments in roll-out order, and the services as they were named.

    Args:
        repository: where they are declared.
        word: an environment, or the group.
        names: services.
        verbs: what else the first word may have been meant to be.
        looking: accept the word for all environments too; no name means every service.

    Raises:
        WrongUsage: no service is named, and something would be done.
        UnknownName: one of them does not exist; near matches are named.
        Refused: a service has no staging and staging is asked for.
    """
    known = [environment.name for environment in repository.environments]
    groups = [GROUP, EVERYWHERE] if looking else [GROUP]
    if word not in groups and word not in known:
        raise unknown("environment", word, [*known, *groups, *verbs])
    environments = repository.environments if word == EVERYWHERE else repository.select(word)
    if not names and not looking:
        raise WrongUsage(
            "no service is named",
            why=f"there are: {', '.join(repository.service_names) or 'none yet'}",
            next_step=f"deploy {word} SERVICE",
        )
    chosen = names or repository.service_names
    services = tuple(repository.service(name) for name in dict.fromkeys(chosen))
    if not environments:
        raise UserError(f"no environment is of kind {GROUP}", where="helmfile.d/environments.yaml")
    for service in services:
        if service.without_staging and not any(each.is_production for each in environments):
            raise Refused(
                f"service {service.name} has no staging",
                where=service.source,
                why=service.without_staging,
                next_step=f"deploy {GROUP} {service.name}",
            )
    return environments, services


def require_skippable(
    repository: Repository, chosen: Sequence[Environment], skip: Sequence[str], reason: str
) -> None:
    """Make sure that environments can be left out of a roll-out.

    Raises:
        UnknownName: there is no such environment.
        WrongUsage: it would not be part of it, nothing would be left, or nobody says why.
    """
    names = [environment.name for environment in chosen]
    for name in skip:
        repository.environment(name)
        if name not in names:
            raise WrongUsage(
                f"{name} is no part of this roll-out, it cannot be left out",
                why=f"it goes to {', '.join(names)}",
            )
    if skip and not reason:
        raise WrongUsage(
            f"why is {', '.join(skip)} left out?", next_step="say so with --reason TEXT"
        )
    if skip and set(skip) >= set(names):
        raise WrongUsage("nothing is left when all environments are left out")
