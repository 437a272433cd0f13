"""Whether an image is in its registry, asked without credentials.

Requests and answers are those of the OCI distribution specification
(https://github.com/opencontainers/distribution-spec/blob/main/spec.md), anonymous tokens those of
https://distribution.github.io/distribution/spec/auth/token/.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from deploycharts.changes.reference import Reference

if TYPE_CHECKING:
    import httpx2

_CONNECT_S = 2.0
_ANSWER_S = 5.0
_MOST_REDIRECTS = 3
_MOST_TAGS = 1000
_DOCKER_HUB = "registry-1.docker.io"
_DOCKER_NAMES = frozenset(("", "docker.io", "index.docker.io"))
_LOCAL = frozenset(("localhost", "127.0.0.1", "::1"))
_MANIFESTS = ", ".join((
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
))  # fmt: skip
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class Presence(Enum):
    """What a registry says of an image; unknown where it says nothing."""

    THERE = "there"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of an image.

    Attributes:
        why: in words, unless it is there.
        digest: of what is there; empty if the registry does not say.
        near: tags that are there and look like the one that is missing.
    """

    presence: Presence
    why: str = ""
    digest: str = ""
    near: tuple[str, ...] = ()


class _NoAnswer(Exception):
    """The registry gives no answer that says anything."""


def look_up(image: Reference) -> Answer:
    """Ask the registry for an image; takes some seconds at most, and never raises."""
    import httpx2

    timeout = httpx2.Timeout(_ANSWER_S, connect=_CONNECT_S)
    try:
        with httpx2.Client(timeout=timeout) as client:
            return _Registry(client, image).answer()
    except _NoAnswer as error:
        return Answer(Presence.UNKNOWN, str(error))
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        reason = str(error) or type(error).__name__
        return Answer(Presence.UNKNOWN, f"{_host(image)} does not answer: {reason}")


def _host(image: Reference) -> str:
    return _DOCKER_HUB if image.registry in _DOCKER_NAMES else image.registry


class _Registry:
    """The repository of one image in its registry."""

    def __init__(self, client: httpx2.Client, image: Reference) -> None:
        self._client = client
        self._image = image
        self._host = _host(image)
        name = image.name
        if self._host == _DOCKER_HUB and "/" not in name:
            name = f"library/{name}"
        scheme = "http" if _is_local(f"//{self._host}") else "https"
        self._url = f"{scheme}://{self._host}/v2/{name}"
        self._headers: dict[str, str] = {}

    def answer(self) -> Answer:
        version = self._image.digest or self._image.tag
        url = f"{self._url}/manifests/{version}"
        found = self._ask("HEAD", url)
        if found.is_success:
            digest = found.headers.get("docker-content-digest", "")
            return Answer(Presence.THERE, digest=digest)
        if found.status_code != 404:
            raise _NoAnswer(f"{self._host} answers {found.status_code}")
        # Not only registries answer 404; what a registry says has a body, which HEAD has not.
        codes = _codes(self._ask("GET", url))
        if "NAME_UNKNOWN" in codes:
            return Answer(Presence.MISSING, f"{self._host} has no repository {self._image.name}")
        if not codes:
            raise _NoAnswer(f"what answers at {self._host} is no registry")
        return Answer(Presence.MISSING, f"{self._host} has no {version}", near=self._near(version))

    def _near(self, version: str) -> tuple[str, ...]:
        """Tags that look alike; best effort."""
        import httpx2

        try:
            body = _json(self._ask("GET", f"{self._url}/tags/list?n={_MOST_TAGS}"))
        except (_NoAnswer, httpx2.HTTPError):
            return ()
        tags = body.get("tags") if isinstance(body, dict) else None
        names = [each for each in tags if isinstance(each, str)] if isinstance(tags, list) else []
        return tuple(difflib.get_close_matches(version, names, n=3, cutoff=0.5))

    def _ask(self, method: str, url: str) -> httpx2.Response:
        """The answer, with an anonymous token where the registry wants one."""
        answer = self._follow(method, url)
        challenge = answer.headers.get("www-authenticate", "")
        if answer.status_code == 401 and challenge.lower().startswith("bearer "):
            self._headers = {"authorization": f"Bearer {self._token(challenge)}"}
            answer = self._follow(method, url)
        if answer.status_code in (401, 403):
            raise _NoAnswer(f"{self._host} tells nothing without credentials")
        return answer

    def _token(self, challenge: str) -> str:
        said = dict(_CHALLENGE.findall(challenge))
        realm = said.pop("realm", "")
        self._require_safe(realm)
        wanted = {key: value for key, value in said.items() if key in ("service", "scope")}
        body = _json(self._client.get(realm, params=wanted))
        token = (body.get("token") or body.get("access_token")) if isinstance(body, dict) else None
        if not isinstance(token, str):
            raise _NoAnswer(f"{self._host} gives no token to look with")
        return token

    def _follow(self, method: str, url: str) -> httpx2.Response:
        """The answer after redirects; the token stays with the registry."""
        own = urlsplit(url).netloc
        for _ in range(_MOST_REDIRECTS + 1):
            self._require_safe(url)
            token = self._headers if urlsplit(url).netloc == own else {}
            answer = self._client.request(method, url, headers={"accept": _MANIFESTS, **token})
            if not answer.has_redirect_location:
                return answer
            url = urljoin(url, answer.headers["location"])
        raise _NoAnswer(f"{self._host} redirects without end")

    def _require_safe(self, url: str) -> None:
        """Plain HTTP is for this machine only."""
        if urlsplit(url).scheme != "https" and not (
            _is_local(url) and _is_local(f"//{self._host}")
        ):
            raise _NoAnswer(f"{self._host} refers to an address without https")


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in _LOCAL


def _codes(answer: httpx2.Response) -> list[str]:
    """The codes of the errors that a registry answers with."""
    body = _json(answer)
    errors = body.get("errors") if isinstance(body, dict) else None
    found = errors if isinstance(errors, list) else []
    return [str(each.get("code")) for each in found if isinstance(each, dict)]


def _json(answer: httpx2.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
