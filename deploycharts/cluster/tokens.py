"""Credentials for a service account, as a kubeconfig."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from deploycharts.cluster.connection import Cluster


def issue(cluster: Cluster, namespace: str, account: str, *, lifetime_s: int) -> dict[str, Any]:
    """A kubeconfig with a fresh token of a service account.

    Args:
        cluster: seen with credentials that may create tokens.
        namespace: of the account; also the kubeconfig's default namespace.
        account: the service account.
        lifetime_s: how long the token is valid; the API server may give less.
    """
    answer = cluster.send(
        "POST",
        f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
        {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": lifetime_s},
        },
    )
    own = yaml.safe_load(cluster.kubeconfig.read_text())
    server = dict(own["clusters"][0]["cluster"])
    authority = server.get("certificate-authority")
    if authority:
        server["certificate-authority"] = str((cluster.kubeconfig.parent / authority).resolve())
    user = f"{namespace}-{account}"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": user,
        "clusters": [{"name": cluster.name, "cluster": server}],
        "users": [{"name": user, "user": {"token": answer["status"]["token"]}}],
        "contexts": [
            {"name": user, "context": {"cluster": cluster.name, "user": user,
                                       "namespace": namespace}},
        ],
    }  # fmt: skip


def write(kubeconfig: dict[str, Any], path: Path) -> None:
    """Put a kubeconfig in place at once, readable by its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        yaml.safe_dump(kubeconfig, file)
    temporary.replace(path)
