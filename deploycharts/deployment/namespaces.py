"""Namespaces in which nothing can be made any more, and what their deletion waits for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.cluster.workloads import conditions
from deploycharts.deployment.objections import RefusalKind
from deploycharts.deployment.plan import Step
from deploycharts.errors import Refused


def refuse_ending(cluster: Cluster, step: Step) -> None:
    """Make sure that the step's namespace is not being deleted, by what the dry run said.

    Raises:
        Refused: it is; the error says since when, and what holds the deletion up.
    """
    if all(refusal.kind is not RefusalKind.ENDING for refusal in step.refusals):
        return
    namespace, environment = step.place.namespace, step.place.environment.name
    body = _read(cluster, namespace)
    at = (body.get("metadata") or {}).get("deletionTimestamp")
    raise Refused(
        f"{step.target}: the namespace {namespace} is being deleted{f' since {at}' if at else ''}",
        where=environment,
        why="\n".join(holding_up(body)) or "nothing can be made in it any more",
        next_step="remove what holds it up, or wait; once it is gone, an administrator makes it "
        f"anew with `deploy cluster {environment}`",
    )


def holding_up(body: Mapping[str, Any]) -> list[str]:
    """What the deletion of a namespace waits for, as its conditions and finalizers say it."""
    told = [
        str(each.get("message") or each.get("reason") or each.get("type"))
        for each in conditions(body)
        if each.get("status") == "True"
    ]
    own = (body.get("metadata") or {}).get("finalizers") or ()
    return [*told, *(f"the namespace itself has the finalizer {name}" for name in own)]


@contextmanager
def credentials_explained(namespace: str, environment: str) -> Iterator[None]:
    """Say of a refusal of the service's credentials where they come from, and end with."""
    try:
        yield
    except ApiError as error:
        if error.status in {401, 403} and not error.why:
            error.why = (
                f"a service's credentials are made with its namespace and end with it: {namespace} "
                "may be about to be deleted, or was made anew"
            )
            error.next_step = f"as an administrator: deploy cluster {environment} --diff"
        raise


def _read(cluster: Cluster, namespace: str) -> Mapping[str, Any]:
    """The namespace; nothing where the credentials may not see it, or it is gone by now."""
    try:
        return cluster.find(f"/api/v1/namespaces/{namespace}") or {}
    except ApiError as error:
        if error.status in {401, 403}:
            return {}
        raise
