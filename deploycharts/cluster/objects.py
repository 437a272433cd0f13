"""Reading and writing the objects of a cluster, as plain documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploycharts.cluster.connection import ApiError, Cluster

Document = dict[str, Any]

_NOT_FOUND = 404


class Objects:
    """The objects of one cluster.

    They are addressed by `api` ("apps/v1"), `plural` ("deployments"), name and namespace.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def get(
        self, api: str, plural: str, name: str, *, namespace: str | None = None
    ) -> Document | None:
        """One object, or None if there is none."""
        return self._cluster.find(path(api, plural, namespace, name))

    def list(
        self, api: str, plural: str, *, namespace: str | None = None, labels: str = ""
    ) -> list[Document]:
        """The objects of a namespace, or of all namespaces, that a label selector matches."""
        query = {"labelSelector": labels} if labels else {}
        return list(self._cluster.items(path(api, plural, namespace), **query))

    def create(self, api: str, plural: str, document: Mapping[str, Any]) -> Document:
        """Make an object that is not there yet."""
        return self._cluster.send("POST", path(api, plural, _namespace(document)), document)

    def apply(
        self, api: str, plural: str, document: Mapping[str, Any], *, manager: str
    ) -> Document:
        """Make an object or change it (server-side), taking over the fields that it names."""
        return self._cluster.send(
            "PATCH",
            path(api, plural, _namespace(document), document["metadata"]["name"]),
            document,
            content_type="application/apply-patch+yaml",
            fieldManager=manager,
            force="true",
        )

    def patch(
        self,
        api: str,
        plural: str,
        name: str,
        change: Mapping[str, Any],
        *,
        namespace: str | None = None,
        subresource: str = "",
        strategic: bool = False,
        manager: str = "",
    ) -> Document:
        """Change fields of an object or of its subresource, for instance "status".

        Lists are replaced whole, unless `strategic`: then Kubernetes' own kinds merge them by key.
        The API server notes `manager` as the one who set them.
        """
        kind = "strategic-merge-patch" if strategic else "merge-patch"
        target = path(api, plural, namespace, name) + (f"/{subresource}" if subresource else "")
        query = {"fieldManager": manager} if manager else {}
        return self._cluster.send(
            "PATCH", target, change, content_type=f"application/{kind}+json", **query
        )

    def delete(
        self,
        api: str,
        plural: str,
        name: str,
        *,
        namespace: str | None = None,
        grace_s: int | None = None,
    ) -> bool:
        """Delete an object; say whether there was one."""
        options = {} if grace_s is None else {"gracePeriodSeconds": grace_s}
        try:
            self._cluster.send("DELETE", path(api, plural, namespace, name), options)
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return False
            raise
        return True

    def delete_all(
        self, api: str, plural: str, *, namespace: str | None = None, labels: str = ""
    ) -> None:
        """Delete the objects of a namespace that a label selector matches."""
        query = {"labelSelector": labels} if labels else {}
        self._cluster.send("DELETE", path(api, plural, namespace), {}, **query)


def path(api: str, plural: str, namespace: str | None = None, name: str | None = None) -> str:
    """The path of a collection, or of one object in it, at the API server."""
    parts = ["apis" if "/" in api else "api", api]
    if namespace is not None:
        parts += ["namespaces", namespace]
    parts.append(plural)
    if name is not None:
        parts.append(name)
    return "/" + "/".join(parts)


def _namespace(document: Mapping[str, Any]) -> str | None:
    namespace: str | None = document["metadata"].get("namespace")
    return namespace
