"""Items of one key in lists that Kubernetes keeps by key, such as a variable that is set twice.

A server-side apply refuses them. A client-side merge takes them and loses one of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from deploycharts.changes.identity import flatten
from deploycharts.changes.workloads import field, items, pod_spec
from deploycharts.documents import Document, Json, ObjectKey

_OF_POD: Mapping[str, tuple[str, ...]] = {
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "initContainers": ("name",),
    "containers": ("name",),
}
_OF_CONTAINER: Mapping[str, tuple[str, ...]] = {
    "env": ("name",),
    "ports": ("containerPort", "protocol"),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
}
_OF_SERVICE: Mapping[str, tuple[str, ...]] = {"ports": ("port", "protocol")}
_DEFAULTS: Mapping[str, Json] = {"protocol": "TCP"}
_NOUNS: Mapping[str, str] = {
    "env": "the variable", "ports": "the port", "volumeMounts": "the mount path",
    "volumeDevices": "the device path", "volumes": "the volume", "containers": "the container",
    "initContainers": "the container", "imagePullSecrets": "the pull secret",
    "hostAliases": "the address", "topologySpreadConstraints": "the topology key",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Duplicate:
    """One key that several items of a list have.

    Attributes:
        container: whose list it is; empty for lists of the pod, or of a Service.
        field: the list's name.
        key: what the items share; the first value is what people call them by.
        items: the items of that key, in their order.
    """

    object: ObjectKey
    template: str
    container: str
    field: str
    key: tuple[tuple[str, Json], ...]
    items: tuple[Json, ...]

    @property
    def name(self) -> str:
        """What people call the items by: the variable's name, the port's number."""
        return str(self.key[0][1])

    def __str__(self) -> str:
        values = "/".join(str(value) for _, value in self.key)
        where = f"container {self.container}: " if self.container else ""
        times = "twice" if len(self.items) == 2 else f"{len(self.items)} times"
        return f"{where}{_NOUNS[self.field]} {values} is there {times}"


def find(documents: Sequence[Document]) -> tuple[Duplicate, ...]:
    """All duplicates in pod templates and Services."""
    return tuple(found for each in flatten(documents) for found in _of(each))


def _of(each: Document) -> Iterator[Duplicate]:
    if each.key.kind == "Service" and not each.key.group:
        yield from _in(each, "", field(each.body, "spec"), _OF_SERVICE)
    spec = pod_spec(each)
    yield from _in(each, "", spec, _OF_POD)
    for name in ("initContainers", "containers"):
        for container in items(spec, name):
            yield from _in(each, str(container.get("name") or ""), container, _OF_CONTAINER)


def _in(
    each: Document, container: str, holder: object, lists: Mapping[str, tuple[str, ...]]
) -> Iterator[Duplicate]:
    for name, key in lists.items():
        by_key: dict[tuple[tuple[str, Json], ...], list[Json]] = {}
        for item in items(holder, name):
            found = tuple((part, item.get(part, _DEFAULTS.get(part))) for part in key)
            if found[0][1] is not None and not any(isinstance(v, dict | list) for _, v in found):
                by_key.setdefault(found, []).append(dict(item))
        for found, same in by_key.items():
            if len(same) > 1:
                yield Duplicate(each.key, each.template, container, name, found, tuple(same))
