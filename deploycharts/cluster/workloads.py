"""Workloads, their pods, what happened to them, and what they last said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.documents import ObjectKey

Body = Mapping[str, Any]

PATHS = {
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "CronJob": "/apis/batch/v1/namespaces/{}/cronjobs",
}
"""Kinds that make pods, and where the API serves them."""

_COUNTED = {
    "Deployment": "replicas", "StatefulSet": "replicas", "DaemonSet": "currentNumberScheduled",
}  # fmt: skip

_SCALED = frozenset({"Deployment", "StatefulSet"})
_RESTARTED = "kubectl.kubernetes.io/restartedAt"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A namespace's workloads and pods at one moment, as the API told them.

    Attributes:
        scalers: the HorizontalPodAutoscalers of the namespace.
    """

    workloads: Mapping[ObjectKey, Body]
    replica_sets: tuple[Body, ...] = field(repr=False)
    pods: tuple[Body, ...] = field(repr=False)
    scalers: tuple[Body, ...] = field(default=(), repr=False)

    def pods_of(self, key: ObjectKey) -> tuple[Body, ...]:
        """The pods of a workload's newest template; those of older ones are left out."""
        owner = self.workloads.get(key)
        if owner is None or key.kind == "Pod":
            return self.all_pods_of(key)
        if key.kind == "Deployment":
            newest = self.newest_replica_set(key)
            return tuple(_owned(self.pods, newest)) if newest is not None else ()
        label = _newest_label(key, owner)
        found = self.all_pods_of(key)
        return tuple(p for p in found if label is None or _labels(p).get(label[0]) == label[1])

    def all_pods_of(self, key: ObjectKey) -> tuple[Body, ...]:
        """The pods of a workload, whatever template they were made from."""
        owner = self.workloads.get(key)
        if key.kind == "Pod":
            return tuple(pod for pod in self.pods if pod["metadata"]["name"] == key.name)
        if owner is None:
            return ()
        if key.kind == "Deployment":
            sets = _owned(self.replica_sets, owner)
            return tuple(pod for each in sets for pod in _owned(self.pods, each))
        return tuple(_owned(self.pods, owner))

    def asked_of(self, key: ObjectKey) -> int:
        """How many pods an autoscaler asks of a workload; 0 where none does.

        It asks for its minimum from the moment that it is there, even if it acts a little later. It
        does nothing for a workload with 0 replicas:
        https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#implicit-maintenance-mode-deactivation
        """
        body = self.workloads.get(key)
        if body is None or body["spec"].get("replicas") == 0:
            return 0
        return max((_asked(each) for each in self.scalers if _scales(each, key)), default=0)

    def newest_replica_set(self, key: ObjectKey) -> Body | None:
        """The ReplicaSet of a Deployment's newest template, None before there is one."""
        deployment = self.workloads.get(key)
        if deployment is None:
            return None
        return max(_owned(self.replica_sets, deployment), key=_revision, default=None)


def snapshot(cluster: Cluster, namespace: str, keys: Iterable[ObjectKey]) -> Snapshot:
    """Read what is needed to judge the workloads `keys` of a namespace."""
    keys = tuple(keys)
    workloads = _read(cluster, namespace, keys)
    replica_sets: tuple[Body, ...] = ()
    if any(key.kind == "Deployment" for key in keys):
        replica_sets = tuple(cluster.items(f"/apis/apps/v1/namespaces/{namespace}/replicasets"))
    pods = tuple(cluster.items(f"/api/v1/namespaces/{namespace}/pods"))
    scalers = _scalers(cluster, namespace) if any(key.kind in _SCALED for key in keys) else ()
    return Snapshot(workloads, replica_sets, pods, scalers)


def _scalers(cluster: Cluster, namespace: str) -> tuple[Body, ...]:
    try:
        path = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers"
        return tuple(cluster.items(path))
    except ApiError:  # who may not read them follows what the workload itself asks for
        return ()


def _scales(scaler: Body, key: ObjectKey) -> bool:
    target = scaler["spec"].get("scaleTargetRef") or {}
    return (target.get("kind"), target.get("name")) == (key.kind, key.name)


def _asked(scaler: Body) -> int:
    spec, status = scaler["spec"], scaler.get("status") or {}
    least = int(spec.get("minReplicas", 1))
    most = int(spec.get("maxReplicas") or least)
    return min(most, max(least, int(status.get("desiredReplicas") or 0)))


def _newest_label(key: ObjectKey, body: Body) -> tuple[str, str] | None:
    """The label by which the controller knows the pods of its newest template."""
    if key.kind == "StatefulSet":
        revision = (body.get("status") or {}).get("updateRevision")
        return ("controller-revision-hash", revision) if revision else None
    annotations = body["metadata"].get("annotations") or {}
    generation = annotations.get("deprecated.daemonset.template.generation")
    return ("pod-template-generation", generation) if generation else None


def _labels(pod: Body) -> Mapping[str, str]:
    return pod["metadata"].get("labels") or {}


def running_pods(
    cluster: Cluster, namespace: str, keys: Iterable[ObjectKey]
) -> dict[ObjectKey, int]:
    """How many pods each of the workloads has now; those that are not there are left out."""
    return pods_in(_read(cluster, namespace, keys))


def pods_in(found: Mapping[ObjectKey, Body]) -> dict[ObjectKey, int]:
    """How many pods each of some workloads has, by its own account."""
    return {
        key: int((body.get("status") or {}).get(_COUNTED[key.kind]) or 0)
        for key, body in found.items()
        if key.kind in _COUNTED
    }


def replace_stuck_pods(cluster: Cluster, namespace: str, keys: Iterable[ObjectKey]) -> bool:
    """Delete pods of StatefulSets that never got ready and are not of the newest template.

    Their controller waits for such a pod for ever, even after a way back
    (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback).

    Returns:
        whether all controllers have seen their newest template; if not, call again.
    """
    found = _read(cluster, namespace, [key for key in keys if key.kind == "StatefulSet"])
    bodies = list(found.values())
    if any(_has_not_seen(body) for body in bodies):
        return False
    pods = list(cluster.items(f"/api/v1/namespaces/{namespace}/pods")) if bodies else []
    for body in bodies:
        newest = (body.get("status") or {}).get("updateRevision")
        for pod in _owned(pods, body):
            if _labels(pod).get("controller-revision-hash") != newest and not is_true(pod, "Ready"):
                path = f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}"
                cluster.send("DELETE", path, {})
    return True


def _has_not_seen(body: Body) -> bool:
    seen = int((body.get("status") or {}).get("observedGeneration") or 0)
    return seen < int(body["metadata"].get("generation") or 0)


def conditions(body: Body) -> Sequence[Body]:
    """What an object says of itself, each with a type and a status."""
    return (body.get("status") or {}).get("conditions") or ()


def is_true(body: Body, *types: str) -> bool:
    """Whether an object has a condition of one of these types that holds."""
    return any(
        each.get("type") in types and each.get("status") == "True" for each in conditions(body)
    )


def claims(cluster: Cluster, namespace: str, keys: Iterable[ObjectKey]) -> tuple[str, ...]:
    """The volume claims that StatefulSets made for their pods; they outlive them."""
    found = _read(cluster, namespace, [key for key in keys if key.kind == "StatefulSet"])
    if not found:
        return ()
    prefixes = [
        f"{template['metadata']['name']}-{key.name}-"
        for key, body in found.items()
        for template in body["spec"].get("volumeClaimTemplates") or ()
    ]
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    named = [str(claim["metadata"]["name"]) for claim in cluster.items(path)]
    return tuple(name for name in named if any(name.startswith(each) for each in prefixes))


def restart(cluster: Cluster, namespace: str, key: ObjectKey, time: str) -> str:
    """Stamp a workload's pod template, so that its controller makes all pods anew.

    The annotation is that of `kubectl rollout restart`; without a time it is removed.

    Returns:
        the stamp that was there before, empty if none.
    """
    path = f"{PATHS[key.kind].format(namespace)}/{key.name}"
    body = cluster.get(path)
    template = body["spec"]["template"]
    before = (template.get("metadata", {}).get("annotations") or {}).get(_RESTARTED, "")
    annotations = {"annotations": {_RESTARTED: time or None}}
    cluster.send(
        "PATCH",
        path,
        {"spec": {"template": {"metadata": annotations}}},
        content_type="application/merge-patch+json",
        fieldManager="deploy-restart",
    )
    return str(before)


def not_rolling(
    cluster: Cluster, namespace: str, keys: Iterable[ObjectKey]
) -> dict[ObjectKey, str]:
    """The workloads that make no new pods when their template changes, and why."""
    why: dict[ObjectKey, str] = {}
    for key, body in _read(cluster, namespace, keys).items():
        strategy = body["spec"].get("updateStrategy") or {}
        partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
        if body["spec"].get("paused"):
            why[key] = "it is paused"
        elif strategy.get("type") == "OnDelete":
            why[key] = "its pods are replaced when somebody deletes them (OnDelete)"
        elif partition:
            why[key] = f"its partition {partition} holds pods back"
    return why


def quotas(cluster: Cluster, namespace: str) -> list[Body]:
    """The resource quotas of a namespace, with what is used of them."""
    return list(cluster.items(f"/api/v1/namespaces/{namespace}/resourcequotas"))


def events(cluster: Cluster, namespace: str, names: Sequence[str]) -> tuple[Body, ...]:
    """The events about the named objects, oldest first."""
    found = [
        event
        for event in cluster.items(f"/api/v1/namespaces/{namespace}/events")
        if event.get("involvedObject", {}).get("name") in names
    ]
    return tuple(sorted(found, key=_event_time))


def log_tail(
    cluster: Cluster, namespace: str, pod: str, container: str, *, lines: int, previous: bool
) -> tuple[str, ...]:
    """The last lines of a container's log; empty where there is none (yet)."""
    query = {"container": container, "tailLines": str(lines)}
    if previous:
        query["previous"] = "true"
    try:
        text = cluster.text(f"/api/v1/namespaces/{namespace}/pods/{pod}/log", **query)
    except ApiError:
        return ()
    return tuple(text.splitlines()[-lines:])


def _read(cluster: Cluster, namespace: str, keys: Iterable[ObjectKey]) -> dict[ObjectKey, Body]:
    wanted = {(key.kind, key.name): key for key in keys if key.kind in PATHS}
    return {
        wanted[kind, body["metadata"]["name"]]: body
        for kind in {kind for kind, _ in wanted}
        for body in cluster.items(PATHS[kind].format(namespace))
        if (kind, body["metadata"]["name"]) in wanted
    }


def _owned(bodies: Iterable[Body], owner: Body) -> list[Body]:
    uid = owner["metadata"].get("uid")
    return [
        body
        for body in bodies
        if any(ref.get("uid") == uid for ref in body["metadata"].get("ownerReferences") or ())
    ]


def _revision(replica_set: Body) -> int:
    annotations = replica_set["metadata"].get("annotations") or {}
    return int(annotations.get("deployment.kubernetes.io/revision", 0))


def _event_time(event: Body) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")
