"""Which tags an image has: asked of its registry, quickly, and never needed.

Only what everybody may read is asked for. A registry that does not answer has no tags to offer.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from functools import cache
from typing import Any

_SECONDS = 3.0
_MOST = 12
_silent: set[str] = set()
"""Registries that did not answer; they are not asked again."""


@cache
def offered(repository: str, pattern: str) -> tuple[str, ...]:
    """The newest tags of an image that match the pattern, newest first; none if nobody answers."""
    found = [tag for tag in _tags(repository) if tag != "latest" and re.search(pattern, tag)]
    return tuple(sorted(found, key=_age, reverse=True)[:_MOST])


def _age(tag: str) -> tuple[tuple[int, str], ...]:
    """Sorts versions and dates by their numbers: 1.10 after 1.9, a release after its candidates."""
    parts = re.findall(r"\d+|[A-Za-z]+", tag.removeprefix("v"))
    return (*((int(part), "") if part.isdecimal() else (-2, part) for part in parts), (-1, ""))


def _tags(repository: str) -> list[str]:
    host, _, path = repository.partition("/")
    is_local = host.partition(":")[0] in {"localhost", "127.0.0.1"}
    if host in _silent:
        return []
    url = f"http{'' if is_local else 's'}://{host}/v2/{path}/tags/list?n=1000"
    try:
        body = _get(url)
        return [str(tag) for tag in body.get("tags") or []]
    except urllib.error.HTTPError:
        return []
    except (OSError, ValueError, AttributeError):
        _silent.add(host)
        return []


def _get(url: str) -> Any:
    try:
        return _read(urllib.request.Request(url))  # noqa: S310 (the scheme is set above)
    except urllib.error.HTTPError as error:
        if error.code != 401:
            raise
        token = _public_token(error.headers.get("WWW-Authenticate", ""))
        headers = {"Authorization": f"Bearer {token}"}
        return _read(urllib.request.Request(url, headers=headers))  # noqa: S310


def _public_token(challenge: str) -> str:
    """The token that registries give to everybody."""
    parts = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = parts.pop("realm", "")
    if not realm.startswith("https://"):
        raise ValueError("this registry gives no public token")
    answer = _read(urllib.request.Request(f"{realm}?{urllib.parse.urlencode(parts)}"))  # noqa: S310
    return str(answer.get("token") or answer.get("access_token") or "")


def _read(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
        return json.loads(answer.read())
