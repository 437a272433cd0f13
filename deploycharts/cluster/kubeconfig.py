"""What a kubeconfig leads to, without asking anybody."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An API server: its URL, and a hash of the authority that its certificate must come from."""

    server: str
    authority: str


def endpoint(kubeconfig: Path, context: str = "") -> Endpoint | None:
    """The API server of a context, by default the current one; None if it cannot be told."""
    try:
        body = yaml.safe_load(kubeconfig.read_text())
        wanted = context or body["current-context"]
        named = _entry(body["contexts"], wanted)["context"]["cluster"]
        cluster = _entry(body["clusters"], named)["cluster"]
        return Endpoint(str(cluster["server"]).rstrip("/"), _authority(cluster, kubeconfig))
    except (OSError, yaml.YAMLError, KeyError, TypeError, StopIteration, ValueError):
        return None


def _entry(entries: list[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _authority(cluster: Mapping[str, Any], kubeconfig: Path) -> str:
    data = cluster.get("certificate-authority-data")
    named = cluster.get("certificate-authority")
    content = base64.b64decode(data) if data else b""
    if not content and named:
        content = (kubeconfig.parent / named).read_bytes()
    return hashlib.sha256(content).hexdigest()
