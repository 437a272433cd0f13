"""Asking the sandbox's API server, where it is up, whether it would take the new objects."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deploycharts.documents import Document, digest
from deploycharts.errors import Problems, UserError
from deploycharts.registry.environments import Environment
from deploycharts.scaffold.podsecurity import pod_spec

if TYPE_CHECKING:
    from deploycharts.cluster.connection import Cluster

NAMESPACE = "scaffold-check"
"""An empty namespace of the sandbox with the restricted level, in which nothing is ever made."""

_PLURALS = {"NetworkPolicy": "networkpolicies"}
_UNKNOWN_API = 404
_PATIENCE_S = 10.0


def ask_sandbox(environments: Sequence[Environment], documents: Iterable[Document]) -> int | None:
    """Dry-run the objects, and a pod of each workload, in the first sandbox environment.

    Returns:
        How many were accepted; None if there is no sandbox, or it is not up.

    Raises:
        Problems: what the API server refuses.
    """
    sandbox = next((e for e in environments if e.sandbox), None)
    if sandbox is None or not sandbox.admin_kubeconfig_path().is_file():
        return None
    from deploycharts.cluster.connection import Cluster, Unreachable

    cluster = Cluster(sandbox.admin_kubeconfig_path(), name=sandbox.name)
    try:
        _prepare(cluster)
        bodies = list(_bodies(documents))
        found = [problem for body in bodies for problem in _ask(cluster, body)]
    except Unreachable:
        return None
    finally:
        cluster.close()
    if found:
        raise Problems("the sandbox's API server refuses the new objects", found)
    return len(bodies)


def _prepare(cluster: Cluster) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": NAMESPACE, "labels": labels}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    cluster.send(
        "PATCH", f"/api/v1/namespaces/{NAMESPACE}", body,
        content_type="application/apply-patch+yaml", fieldManager="create-new-service",
    )  # fmt: skip
    deadline = time.monotonic() + _PATIENCE_S
    while cluster.find(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default") is None:
        if time.monotonic() > deadline:
            raise UserError("the sandbox does not work", next_step="sandbox status")
        time.sleep(0.05)


def _bodies(documents: Iterable[Document]) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for document in documents:
        content = digest(document.body)
        if content in seen:
            continue
        seen.add(content)
        yield _moved(document.body)
        spec = pod_spec(document.body)
        if spec is not None and document.key.kind != "Pod":
            # the service's own account exists only after the real thing
            pod = {key: value for key, value in spec.items() if key != "serviceAccountName"}
            metadata = {"name": document.key.name}
            yield _moved({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod})


def _moved(body: Mapping[str, Any]) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "namespace": NAMESPACE}}


def _ask(cluster: Cluster, body: Mapping[str, Any]) -> Iterator[UserError]:
    from deploycharts.cluster.connection import ApiError
    from deploycharts.cluster.objects import path

    kind = str(body["kind"])
    target = path(str(body["apiVersion"]), _PLURALS.get(kind, f"{kind.lower()}s"), NAMESPACE)
    try:
        cluster.send("POST", target, body, dryRun="All", fieldValidation="Strict")
    except ApiError as error:
        if error.status != _UNKNOWN_API:
            yield UserError(f"{kind}/{body['metadata']['name']}: {error.what}", why=error.why)
