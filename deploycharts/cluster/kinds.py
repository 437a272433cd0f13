"""Where the API serves an object: the plural and the scope of its kind."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.cluster.objects import path
from deploycharts.documents import Document

_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Resource:
    """How the API calls a kind, and whether its objects live in namespaces."""

    plural: str
    namespaced: bool


def _table(
    group: str, namespaced: str, cluster_wide: str = ""
) -> Iterable[tuple[tuple[str, str], Resource]]:
    for words, is_namespaced in ((namespaced, True), (cluster_wide, False)):
        for word in words.split():
            kind, _, plural = word.partition(":")
            found = plural or f"{kind.lower()}s"
            yield (group, kind), Resource(found, is_namespaced)


OWN_KINDS: Mapping[tuple[str, str], Resource] = MappingProxyType(
    dict(
        [
            *_table(
                "",
                """ConfigMap Secret Service ServiceAccount Pod PersistentVolumeClaim ResourceQuota
                LimitRange Endpoints:endpoints ReplicationController PodTemplate""",
                "Namespace PersistentVolume Node",
            ),
            *_table("apps", "Deployment StatefulSet DaemonSet ReplicaSet ControllerRevision"),
            *_table("batch", "Job CronJob"),
            *_table("autoscaling", "HorizontalPodAutoscaler"),
            *_table("policy", "PodDisruptionBudget"),
            *_table(
                "networking.k8s.io",
                "Ingress:ingresses NetworkPolicy:networkpolicies",
                "IngressClass:ingressclasses",
            ),
            *_table(
                "rbac.authorization.k8s.io", "Role RoleBinding", "ClusterRole ClusterRoleBinding"
            ),
            *_table("coordination.k8s.io", "Lease"),
            *_table("discovery.k8s.io", "EndpointSlice"),
            *_table(
                "admissionregistration.k8s.io",
                "",
                """ValidatingWebhookConfiguration MutatingWebhookConfiguration
                ValidatingAdmissionPolicy:validatingadmissionpolicies
                ValidatingAdmissionPolicyBinding""",
            ),
            *_table("apiextensions.k8s.io", "", "CustomResourceDefinition"),
            *_table("scheduling.k8s.io", "", "PriorityClass:priorityclasses"),
            *_table("storage.k8s.io", "", "StorageClass:storageclasses"),
        ]
    )
)
"""Kubernetes' own kinds by group and kind: they need no question to the cluster."""


class Kinds:
    """Finds the paths of objects in one cluster; what it asks it remembers. Thread-safe."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._served: dict[str, Mapping[str, Resource] | None] = {}

    def resource(self, document: Document) -> Resource | None:
        """How the API calls the object's kind; None where the cluster does not serve it.

        A kind of Kubernetes' own is taken to be served: its version may not be.
        """
        known = OWN_KINDS.get((document.key.group, document.key.kind))
        if known is not None:
            return known
        served = self._discovered(str(document.body.get("apiVersion") or ""))
        return served.get(document.key.kind) if served is not None else None

    def collection(self, document: Document) -> str | None:
        """The path to which an object of this kind is posted, None if the kind is not served."""
        found = self.resource(document)
        if found is None:
            return None
        namespace = document.key.namespace if found.namespaced else None
        return path(str(document.body["apiVersion"]), found.plural, namespace)

    def path(self, document: Document) -> str | None:
        """The path of the object, None if its kind is not served."""
        collection = self.collection(document)
        return None if collection is None else f"{collection}/{document.key.name}"

    def _discovered(self, api: str) -> Mapping[str, Resource] | None:
        with self._lock:
            if api not in self._served:
                self._served[api] = self._discover(api)
            return self._served[api]

    def _discover(self, api: str) -> Mapping[str, Resource] | None:
        prefix = "/apis" if "/" in api else "/api"
        try:
            listed = self._cluster.get(f"{prefix}/{api}")
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return {
            str(each["kind"]): Resource(str(each["name"]), bool(each.get("namespaced")))
            for each in listed.get("resources") or ()
            if "/" not in str(each.get("name"))  # a subresource, such as deployments/scale
        }


def is_unserved(error: ApiError) -> bool:
    """Whether a 404 is about the kind or its version, not about one object of it."""
    details = error.body.get("details")
    named = isinstance(details, dict) and bool(details.get("name"))
    return error.status == _NOT_FOUND and not named
