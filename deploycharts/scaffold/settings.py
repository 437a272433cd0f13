"""What the services of one repository share: chart-templates/repository.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploycharts import documents
from deploycharts.errors import UserError
from deploycharts.source import Source

FILE = "repository.yaml"


@dataclass(frozen=True, slots=True)
class Settings:
    """The repository's own choices; all may be missing.

    Attributes:
        image: where the pipeline publishes a service's image; {name} is filled in.
        tag: the first tag that it publishes.
        tags: a pattern of the tags to offer.
        languages: the versions of each language that there are base images of, best first.
        gateways: as NAMESPACE/NAME.
        issuers: ClusterIssuers of cert-manager.
        domain: what new host names end in.
        deployers: groups that deploy services.
        quotas: sizes of a namespace, by name.
        sidecars: containers that a service can have, by name.
        raw: everything, for the templates.
    """

    image: str = ""
    tag: str = ""
    tags: str = ""
    languages: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    gateways: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    domain: str = "example.org"
    deployers: tuple[str, ...] = ()
    quotas: Mapping[str, Mapping[str, str | int]] = field(default_factory=dict)
    sidecars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)


def read(templates: Path) -> Settings:
    """The settings beside the templates; none in templates that are older than the file.

    Raises:
        UserError: the file is not as it should be.
    """
    path = templates / FILE
    if not path.is_file():
        return Settings()
    source = Source(f"{templates.name}/{FILE}")
    body = documents.load(path.read_bytes(), source)
    if not isinstance(body, dict):
        raise UserError("the repository's settings are not a mapping", where=source)
    try:
        return _settings(body)
    except (AttributeError, TypeError, ValueError) as error:
        raise UserError(
            "the repository's settings cannot be read", where=source, why=str(error)
        ) from None


def _settings(body: Mapping[str, Any]) -> Settings:
    images = body.get("images") or {}
    return Settings(
        image=str(images.get("repository") or ""),
        tag=str(images.get("tag") or ""),
        tags=str(images.get("tags") or ""),
        languages={name: dict(versions) for name, versions in _mapping(body, "languages").items()},
        gateways=_texts(body, "gateways"),
        issuers=_texts(body, "issuers"),
        domain=str(body.get("domain") or "example.org"),
        deployers=_texts(body, "deployers"),
        quotas={name: dict(size) for name, size in _mapping(body, "quotas").items()},
        sidecars={name: dict(one) for name, one in _mapping(body, "sidecars").items()},
        raw=body,
    )


def _mapping(body: Mapping[str, Any], key: str) -> dict[str, Any]:
    return dict(body.get(key) or {})


def _texts(body: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = body.get(key) or []
    if not isinstance(found, list):
        raise TypeError(f"{key} is not a list")
    return tuple(str(item) for item in found)
