"""Who set which field of a live object, as the API server keeps book of it.

Format of `metadata.managedFields`: for each manager a tree of fields, in which `f:NAME` is a field,
`k:{…}` an item of a list by its key, `v:…` a value of a set, `i:N` a position and `.` the container
itself; a field without anything below it is owned as a whole
(https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from deploycharts.changes.lists import identity
from deploycharts.changes.model import FieldPath, Inside, Item
from deploycharts.documents import Json

_BY_HAND = ("kubectl", "lens", "k9s", "headlamp", "dashboard", "curl", "node-fetch", "mozilla")
_SCALERS = ("autoscaler", "keda", "vpa-", "hpa-")
_MACHINES = (
    "controller", "operator", "manager", "webhook", "injector", "kubelet", "scheduler", "apiserver",
    "argocd", "flux", "kustomize", "reloader", "istio", "cert-manager", "keel", "deploycharts",
)  # fmt: skip
_KEY_DEFAULTS: Mapping[str, Json] = {"protocol": "TCP"}


class Hand(Enum):
    """What kind of hand a manager is."""

    HELM = "helm"
    PERSON = "by hand"
    AUTOSCALER = "an autoscaler"
    CONTROLLER = "a controller"


@dataclass(frozen=True, slots=True)
class Manager:
    """One entry of the book: who, how, when, and which fields.

    Attributes:
        operation: Apply (server-side) or Update.
        at: when it last changed its fields, RFC 3339; empty where the API server does not say.
    """

    name: str
    operation: str
    subresource: str
    at: str
    fields: Mapping[str, Any] = field(repr=False)

    @property
    def hand(self) -> Hand:
        """Whose hand it is, told by its name; whoever is not known to be a program is a person."""
        name = self.name.lower()
        if name.startswith(_BY_HAND):
            return Hand.PERSON
        if self.subresource == "scale" or any(word in name for word in _SCALERS):
            return Hand.AUTOSCALER
        if "helm" in name:
            return Hand.HELM
        return Hand.CONTROLLER if any(word in name for word in _MACHINES) else Hand.PERSON

    def owns(self, path: FieldPath, body: Json) -> bool:
        """Whether it owns the field at `path` of `body`, or a part of it."""
        node: Any = self.fields
        for element in path:
            if not node or isinstance(element, Inside):
                return True
            name = (
                f"f:{element}" if isinstance(element, str) else _item_name(node, _at(body, element))
            )
            if name not in node:
                return False
            node, body = node[name], _at(body, element)
        return True


def managers(body: Mapping[str, Any]) -> tuple[Manager, ...]:
    """The managers of a live object's fields, those of its status left out."""
    entries = (body.get("metadata") or {}).get("managedFields") or ()
    return tuple(
        Manager(
            name=str(entry.get("manager") or ""),
            operation=str(entry.get("operation") or ""),
            subresource=str(entry.get("subresource") or ""),
            at=str(entry.get("time") or ""),
            fields=entry.get("fieldsV1") or {},
        )
        for entry in entries
        if entry.get("subresource") != "status" and entry.get("fieldsV1")
    )


def value_at(body: Json, path: FieldPath) -> Json:
    """The value at a path; None where there is none."""
    for element in path:
        if isinstance(element, Inside):
            break
        body = _at(body, element)
    return body


def without(body: Mapping[str, Any], paths: Sequence[FieldPath]) -> dict[str, Json]:
    """A copy of a body that lacks what is at the paths."""
    copy: dict[str, Json] = deepcopy(dict(body))
    found = [(value_at(copy, path[:-1]), path[-1], value_at(copy, path)) for path in paths]
    for holder, last, value in found:
        if isinstance(holder, dict):
            holder.pop(str(last), None)
        elif isinstance(holder, list):
            holder[:] = [each for each in holder if each is not value]
    return copy


def _at(value: Json, element: str | Item | Inside) -> Json:
    if isinstance(element, str):
        return value.get(element) if isinstance(value, dict) else None
    if not isinstance(value, list) or isinstance(element, Inside):
        return None
    if element.by:
        key = tuple(name for name, _ in element.by)
        return next((each for each in value if identity(key, each) == element.by), None)
    index = element.index
    return value[index] if index is not None and index < len(value) else None


def _item_name(node: Mapping[str, Any], item: Json) -> str:
    """What the book calls an item of a list; empty if it knows none like it."""
    for name in node:
        kind, _, text = name.partition(":")
        if kind == "k" and isinstance(item, dict) and _has_key(item, json.loads(text)):
            return name
        if kind == "v" and json.loads(text) == item:
            return name
    return ""


def _has_key(item: Mapping[str, Json], key: Mapping[str, Json]) -> bool:
    return all(item.get(name, _KEY_DEFAULTS.get(name)) == value for name, value in key.items())
