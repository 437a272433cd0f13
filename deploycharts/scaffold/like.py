"""`--like SERVICE`: the answers of a service that exists, without what is its alone."""

from __future__ import annotations

from deploycharts.errors import UserError
from deploycharts.registry.repository import Repository
from deploycharts.scaffold import record
from deploycharts.scaffold.answers import Given
from deploycharts.scaffold.questions import BY_NAME
from deploycharts.scaffold.record import Record
from deploycharts.scaffold.tree import chart_folder, service_folder
from deploycharts.source import Source

_ITS_OWN = frozenset({"name", "description", "image", "port", "host", "node_port"})


def answers_like(repo: Repository, service: str) -> dict[str, Given]:
    """The answers that `service` was made from, for another service.

    Raises:
        UnknownName: there is no such service.
        UserError: it was not made by create-new-service.
    """
    repo.service(service)
    found, shown = record_of(repo, service)
    return {
        key: Given(value, Source(shown), weak=key not in BY_NAME)
        for key, value in found.answers.items()
        if key not in _ITS_OWN and key in BY_NAME
    }


def record_of(repo: Repository, service: str) -> tuple[Record, str]:
    """The record of a service, and its path.

    Raises:
        UserError: there is none.
    """
    for folder in (service_folder(service), chart_folder(service)):
        shown = f"{folder}/{record.FILE}"
        if (repo.root / shown).is_file():
            return record.read(repo.root / shown, shown), shown
    raise UserError(
        f"{service} was not made by create-new-service",
        why=f"neither its chart nor its folder has a {record.FILE}",
    )
