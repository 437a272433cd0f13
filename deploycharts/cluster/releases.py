"""Helm's releases, read from the secrets that hold their history.

Format: a Secret for each revision, labelled owner=helm, name, status and version; its key `release`
is base64 of gzip of JSON (https://helm.sh/docs/topics/advanced/#storage-backends).
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from deploycharts.cluster.connection import Cluster
from deploycharts.documents import Document, parse_manifest

_GOOD = frozenset({"deployed", "superseded"})
# Helm's own text: of upgrades, rollbacks and waits that failed.
_FAILED = re.compile(r'(?:Release|Upgrade|Rollback) ".*" failed: ')
GONE = frozenset({"uninstalled"})
UNINSTALLING = "uninstalling"
"""An uninstall is at work, or did not finish: all objects may still be there, or some of them."""
SERVER_SIDE = "ssa"
PENDING = frozenset({"pending-install", "pending-upgrade", "pending-rollback"})


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a release, as helm recorded it.

    Attributes:
        number: from 1.
        status: helm's word: deployed, superseded, failed, pending-upgrade, …
        deployed_at: helm's time of its end, RFC 3339.
        description: what was said of it.
        labels: labels given with it; the deployment's ID is among them.
        manifest: its objects as text, hooks and tests included; secrets are in it.
        apply_method: SERVER_SIDE where helm applied it so, else "csa" or empty (helm 3).
        deleted_at: when its uninstall began, RFC 3339; empty where none did.
    """

    release: str
    namespace: str
    number: int
    status: str
    deployed_at: str
    description: str
    chart: str
    app_version: str
    labels: Mapping[str, str]
    manifest: str = field(repr=False)
    apply_method: str = ""
    deleted_at: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it rolled out.

        Helm calls a failed revision superseded when a rollback from it fails, too
        (pkg/action/rollback.go); what it said of the failure stays.
        """
        return self.status in _GOOD and _FAILED.match(self.description) is None

    def documents(self) -> tuple[Document, ...]:
        """Its objects, parsed."""
        return parse_manifest(self.manifest, namespace=self.namespace)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a change is measured against: the last revision that rolled out, and the newest."""

    good: Revision | None
    newest: Revision | None

    @property
    def number(self) -> int:
        """The newest revision's number, 0 where there is none."""
        return self.newest.number if self.newest else 0

    @property
    def server_side(self) -> bool:
        """Whether helm 4 applies the next revision server-side.

        A release keeps the way of its last revision; helm 4 installs new ones server-side
        (`--server-side=auto`, https://helm.sh/docs/helm/helm_upgrade/).
        """
        return self.newest is None or self.newest.apply_method == SERVER_SIDE


def revisions(cluster: Cluster, namespace: str, release: str) -> tuple[Revision, ...]:
    """The whole history of a release, oldest first; empty if it was never installed."""
    secrets = cluster.items(
        f"/api/v1/namespaces/{namespace}/secrets", labelSelector=f"owner=helm,name={release}"
    )
    found = [_decode(secret) for secret in secrets]
    return tuple(sorted(found, key=lambda revision: revision.number))


def revision(cluster: Cluster, namespace: str, release: str, number: int) -> Revision | None:
    """One revision of a release, None where helm's history does not have it (any more)."""
    selector = f"owner=helm,name={release},version={number}"
    secrets = cluster.items(f"/api/v1/namespaces/{namespace}/secrets", labelSelector=selector)
    return next((_decode(secret) for secret in secrets), None)


def names(cluster: Cluster, namespace: str) -> tuple[str, ...]:
    """The releases that have a history in a namespace."""
    secrets = cluster.items(f"/api/v1/namespaces/{namespace}/secrets", labelSelector="owner=helm")
    return tuple(sorted({str(secret["metadata"]["labels"]["name"]) for secret in secrets}))


def names_apart_from(cluster: Cluster, namespace: str, known: Collection[str]) -> tuple[str, ...]:
    """The releases that are installed in a namespace, but for those that are known; cheap."""
    selector = "owner=helm" + (f",name notin ({','.join(sorted(known))})" if known else "")
    newest: dict[str, tuple[int, str]] = {}
    for secret in cluster.items(f"/api/v1/namespaces/{namespace}/secrets", labelSelector=selector):
        labels = secret["metadata"]["labels"]
        name, found = str(labels["name"]), (int(labels["version"]), str(labels["status"]))
        newest[name] = max(newest.get(name, found), found)
    return tuple(sorted(name for name, (_, status) in newest.items() if status not in GONE))


def newest_number(cluster: Cluster, namespace: str, release: str) -> tuple[int, str]:
    """Number and status of the newest revision, (0, "") where there is none; cheap."""
    listed = cluster.get(
        f"/api/v1/namespaces/{namespace}/secrets", labelSelector=f"owner=helm,name={release}"
    )
    found = [(int(s["metadata"]["labels"]["version"]), str(s["metadata"]["labels"]["status"]))
             for s in listed.get("items") or ()]  # fmt: skip
    return max(found, default=(0, ""))


def baseline(history: tuple[Revision, ...]) -> Baseline:
    """The last good revision and the newest one.

    A revision is good if it rolled out and was not followed by an uninstall. A failed one that was
    rolled back does not hide the one before it. Of an uninstall that did not finish the revision
    itself is what is left, in whole or in part.
    """
    newest = history[-1] if history else None
    if newest is None or newest.status in GONE:
        return Baseline(None, newest)
    if newest.status == UNINSTALLING:
        return Baseline(newest, newest)
    good = [revision for revision in history if revision.is_good]
    return Baseline(good[-1] if good else None, newest)


def _decode(secret: Mapping[str, Any]) -> Revision:
    payload = gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"])))
    body = json.loads(payload)
    info = body.get("info") or {}
    metadata = (body.get("chart") or {}).get("metadata") or {}
    namespace = str(body.get("namespace") or secret["metadata"]["namespace"])
    hooks = "".join(
        f"\n---\n# Source: {hook.get('path', '')}\n{hook.get('manifest', '')}"
        for hook in body.get("hooks") or ()
    )
    internal = {"owner", "name", "status", "version", "createdAt", "modifiedAt"}
    labels = secret["metadata"].get("labels") or {}
    return Revision(
        release=str(body["name"]),
        namespace=namespace,
        number=int(body["version"]),
        status=str(info.get("status", "unknown")),
        deployed_at=str(info.get("last_deployed", "")),
        description=str(info.get("description", "")),
        chart=f"{metadata.get('name', '?')}-{metadata.get('version', '?')}",
        app_version=str(metadata.get("appVersion", "")),
        labels={key: value for key, value in labels.items() if key not in internal},
        manifest=str(body.get("manifest") or "") + hooks,
        apply_method=str(body.get("apply_method") or ""),
        deleted_at=str(info.get("deleted") or ""),
    )
