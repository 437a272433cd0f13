"""Objects without pods that helm waits for: unbound claims, load balancers without address."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deploycharts.cluster import workloads
from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.cluster.workloads import Body
from deploycharts.deployment.symptoms import Trouble
from deploycharts.documents import ObjectKey
from deploycharts.target import Target

UNBOUND = "Unbound"
"""Our word for a claim that has no volume yet; every claim is, at first."""
NO_ADDRESS = "NoAddress"
"""Our word for a load balancer that has no address yet."""

_RELEASE = "meta.helm.sh/release-name"


def waiting(
    cluster: Cluster, target: Target, namespace: str, *, patience_s: float
) -> tuple[Trouble, ...]:
    """What objects of a release wait for; claims first, since pods wait for them in turn.

    Args:
        cluster: where it is.
        target: the release; helm notes its name on each object.
        namespace: where its objects are.
        patience_s: how long each may wait.

    Raises:
        Unreachable: the API server does not answer.
    """
    try:
        claims = [each for each in _own(cluster, target, namespace, "persistentvolumeclaims")
                  if (each.get("status") or {}).get("phase") != "Bound"]  # fmt: skip
        services = [each for each in _own(cluster, target, namespace, "services")
                    if _lacks_address(each)]  # fmt: skip
        if not claims and not services:
            return ()
        names = [str(each["metadata"]["name"]) for each in (*claims, *services)]
        events = workloads.events(cluster, namespace, names)
    except ApiError:  # who may not read them follows without them
        return ()
    patience = int(patience_s)
    return (
        *(_trouble(target, each, "PersistentVolumeClaim", UNBOUND, _unbound(each, events), patience)
          for each in claims),
        *(_trouble(target, each, "Service", NO_ADDRESS, _addressless(each, events), patience)
          for each in services),
    )  # fmt: skip


def _own(cluster: Cluster, target: Target, namespace: str, plural: str) -> Iterator[Body]:
    for body in cluster.items(f"/api/v1/namespaces/{namespace}/{plural}"):
        notes = body["metadata"].get("annotations") or {}
        if notes.get(_RELEASE) == target.release and not body["metadata"].get("deletionTimestamp"):
            yield body


def _lacks_address(service: Body) -> bool:
    """As helm judges it: external IPs are as good as an address."""
    spec = service.get("spec") or {}
    balancer = (service.get("status") or {}).get("loadBalancer") or {}
    is_balanced = spec.get("type") == "LoadBalancer" and not spec.get("externalIPs")
    return is_balanced and not balancer.get("ingress")


def _trouble(
    target: Target, body: Body, kind: str, reason: str, message: str, patience_s: int
) -> Trouble:
    metadata = body["metadata"]
    key = ObjectKey("", kind, str(metadata.get("namespace", "")), str(metadata["name"]))
    return Trouble(target, key, key, "", reason, message, patience_s=patience_s)


def _unbound(claim: Body, events: Sequence[Body]) -> str:
    named = (claim.get("spec") or {}).get("storageClassName")
    wanted = f"a volume of storage class {named}" if named else "a volume, without a storage class"
    said = _last(claim, events)
    return f"it waits for {wanted}" + (f"; {said}" if said else ", of which no event tells")


def _addressless(service: Body, events: Sequence[Body]) -> str:
    named = (service.get("spec") or {}).get("loadBalancerClass")
    kind = f" of class {named}" if named else ""
    said = _last(service, events) or "no controller has said anything, is there one?"
    return f"it waits for the address of a load balancer{kind}; {said}"


def _last(body: Body, events: Sequence[Body]) -> str:
    """What the cluster said last of an object."""
    uid = body["metadata"].get("uid")
    own = [each for each in events if each.get("involvedObject", {}).get("uid") == uid]
    return f"{own[-1].get('reason', '')}: {own[-1].get('message', '')}" if own else ""
