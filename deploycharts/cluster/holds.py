"""The holds of a namespace: what is not deployed there until somebody lifts it.

They lie in one ConfigMap, which everybody who may read the namespace can read with kubectl. The key
that contents are hashed with lies in a Secret beside it, as a hash alone would let a short secret
value be guessed.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.cluster.objects import path
from deploycharts.errors import UserError

CONFIG_MAP = "deploycharts-holds"
KEY_SECRET = "deploycharts-content-key"  # noqa: S105 (the name of an object)
MOST_LIFTED = 20
MOST_FAILED = 20
_ENTRY = "holds.json"
_SCHEMA = 1
_KEY_BYTES = 32
_ATTEMPTS = 10
_NOT_FOUND, _CONFLICT = 404, 409
_LABELS = {"app.kubernetes.io/managed-by": "deploycharts"}


@dataclass(frozen=True, slots=True)
class Hold:
    """One "do not deploy this here".

    Attributes:
        service: whose releases.
        reason: why, as somebody wrote it.
        owner: who holds it.
        at: since when, RFC 3339 in UTC.
        release: whose content; empty if the whole service is held.
        content: the ID of the content that is held; empty if all contents are.
        deployment: the deployment that had brought the content, empty if unknown.
    """

    service: str
    reason: str
    owner: str
    at: str
    release: str = ""
    content: str = ""
    deployment: str = ""


@dataclass(frozen=True, slots=True)
class Lifted:
    """A hold that is no more, and who lifted it, when and why."""

    hold: Hold
    owner: str
    at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Failure:
    """One content of a release that did not roll out. It is no hold: it may be tried again.

    Attributes:
        service: whose release.
        release: the release.
        content: the ID of the content that failed.
        reason: why, as the deployment found out; secrets are masked.
        deployment: the one that tried it.
        at: when, RFC 3339 in UTC.
    """

    service: str
    release: str
    content: str
    reason: str
    deployment: str
    at: str


@dataclass(frozen=True, slots=True)
class Holds:
    """The holds of a namespace, oldest first.

    Attributes:
        active: those that hold.
        lifted: the latest that were lifted.
        failed: the latest contents that failed.
    """

    active: tuple[Hold, ...] = ()
    lifted: tuple[Lifted, ...] = ()
    failed: tuple[Failure, ...] = ()

    def of(self, service: str) -> tuple[Hold, ...]:
        """Those that hold a service or a content of it."""
        return tuple(hold for hold in self.active if hold.service == service)

    def adding(self, hold: Hold) -> Holds:
        """These and another; it takes the place of an older one on the same content."""
        left = (each for each in self.active if not hold.content or each.content != hold.content)
        return replace(self, active=(*left, hold))

    def lifting(self, gone: Callable[[Hold], bool], owner: str, at: str, reason: str) -> Holds:
        """These without some, which are remembered with who lifted them and why."""
        lifted = [Lifted(hold, owner, at, reason) for hold in self.active if gone(hold)]
        return replace(
            self,
            active=tuple(hold for hold in self.active if not gone(hold)),
            lifted=(*self.lifted, *lifted)[-MOST_LIFTED:],
        )

    def failing(self, failure: Failure) -> Holds:
        """These and a content that failed; only its latest failure is remembered."""
        left = self.succeeding(failure.release, failure.content).failed
        return replace(self, failed=(*left, failure)[-MOST_FAILED:])

    def succeeding(self, release: str, content: str) -> Holds:
        """These, without the failure of a content that rolled out by now."""
        failed = (f for f in self.failed if (f.release, f.content) != (release, content))
        return replace(self, failed=tuple(failed))


def read(cluster: Cluster, namespace: str) -> Holds:
    """The holds of a namespace; none where it does not exist.

    Raises:
        UserError: they cannot be read, or somebody wrote something else there.
    """
    return _parse(cluster.find(_path(namespace, CONFIG_MAP)), namespace)


def change(cluster: Cluster, namespace: str, how: Callable[[Holds], Holds]) -> tuple[Holds, Holds]:
    """Change the holds of a namespace; returns them as they were and as they are.

    Whoever else changes them at the same time is not overwritten: the object's resourceVersion goes
    with the write, and the change is made again on what the other one left.

    Raises:
        UserError: the namespace does not exist, or holds cannot be written there.
    """
    for _ in range(_ATTEMPTS):
        found = cluster.find(_path(namespace, CONFIG_MAP))
        before = _parse(found, namespace)
        after = how(before)
        if after == before:
            return before, after
        try:
            _write(cluster, namespace, found, after)
        except ApiError as error:
            if error.status == _CONFLICT:
                continue
            raise _explained(error, namespace) from None
        return before, after
    raise UserError(
        f"{_where(namespace)} is changed all the time by others",
        where=cluster.name,
        next_step="try again",
    )


def find_key(cluster: Cluster, namespace: str) -> bytes | None:
    """The key that contents of a namespace are hashed with, None if none was made yet."""
    found = cluster.find(_path(namespace, KEY_SECRET, "secrets"))
    data = ((found or {}).get("data") or {}).get("key")
    return base64.b64decode(data) if data else None


def content_key(cluster: Cluster, namespace: str) -> bytes:
    """The key that contents of a namespace are hashed with, made on first use.

    Raises:
        UserError: the namespace does not exist, or nothing can be written there.
    """
    key = find_key(cluster, namespace)
    if key is not None:
        return key
    made = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
    body = {"data": {"key": made}, "type": "Opaque", **_named("Secret", namespace, KEY_SECRET)}
    try:
        cluster.send("POST", _path(namespace, "", "secrets"), body)
    except ApiError as error:
        if error.status != _CONFLICT:
            raise _explained(error, namespace) from None
    key = find_key(cluster, namespace)
    if key is None:
        raise UserError(
            f"the Secret {namespace}/{KEY_SECRET} has no key",
            where=cluster.name,
            next_step=f"kubectl -n {namespace} delete secret {KEY_SECRET}; a new one is made, and "
            "contents that are held are not recognised any more",
        )
    return key


def _write(cluster: Cluster, namespace: str, found: Mapping[str, Any] | None, holds: Holds) -> None:
    text = json.dumps({"schemaVersion": _SCHEMA, **asdict(holds)}, ensure_ascii=False, indent=1)
    if found is None:
        body = {**_named("ConfigMap", namespace, CONFIG_MAP), "data": {_ENTRY: text}}
        cluster.send("POST", _path(namespace, ""), body)
        return
    body = {**found, "data": {**(found.get("data") or {}), _ENTRY: text}}
    cluster.send("PUT", _path(namespace, CONFIG_MAP), body)


def _parse(found: Mapping[str, Any] | None, namespace: str) -> Holds:
    text = ((found or {}).get("data") or {}).get(_ENTRY)
    if text is None:
        return Holds()
    try:
        body = json.loads(text)
        if body["schemaVersion"] != _SCHEMA:
            raise ValueError(f"its schemaVersion is {body['schemaVersion']}")
        return Holds(
            tuple(Hold(**each) for each in body["active"]),
            tuple(Lifted(**{**each, "hold": Hold(**each["hold"])}) for each in body["lifted"]),
            tuple(Failure(**each) for each in body.get("failed", ())),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{_where(namespace)} does not hold what deploycharts writes",
            why=f"{type(error).__name__}: {error}",
            next_step=f"kubectl -n {namespace} edit configmap {CONFIG_MAP}",
        ) from None


def _explained(error: ApiError, namespace: str) -> UserError:
    if error.status == _NOT_FOUND:
        return UserError(
            f"there is no namespace {namespace}",
            where=error.where,
            next_step=f"deploy cluster {error.where}, as an administrator",
        )
    return error


def _named(kind: str, namespace: str, name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": _LABELS}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def _path(namespace: str, name: str, plural: str = "configmaps") -> str:
    return path("v1", plural, namespace, name or None)


def _where(namespace: str) -> str:
    return f"the ConfigMap {namespace}/{CONFIG_MAP}"
