"""What workloads say about their pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from deploycharts.changes.meaning import quantity
from deploycharts.changes.noise import template_path
from deploycharts.documents import Document, Json, ObjectKey

ROLLED = frozenset(("Deployment", "StatefulSet", "DaemonSet"))
_GROUPS = frozenset(("", "apps", "batch"))


@dataclass(frozen=True, slots=True)
class ConfigUse:
    """How the pods of a workload use a ConfigMap or a Secret: `env`, `file` or `subpath`."""

    kind: str
    name: str
    how: str


def mapping(value: object, *path: str) -> Mapping[str, Json]:
    """The mapping at a path; empty where there is none."""
    found = field(value, *path)
    return found if isinstance(found, dict) else {}


def field(value: object, *path: str) -> Json:
    """The value at a path of fields; None where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value  # type: ignore[return-value]


def items(value: object, *path: str) -> list[Mapping[str, Json]]:
    """The mappings in the list at a path."""
    found = field(value, *path)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def texts(value: object, *path: str) -> list[str]:
    """The texts in the list at a path."""
    found = field(value, *path)
    return [str(each) for each in found] if isinstance(found, list) else []


def is_hook(each: Document) -> bool:
    """Whether Helm runs the object as a hook or a test."""
    return bool(hook(each))


def hook(each: Document) -> str:
    """The events at which Helm runs the object; empty if it is part of the release."""
    return str(field(each.body, "metadata", "annotations", "helm.sh/hook") or "")


def pod_template(each: Document) -> Mapping[str, Json] | None:
    """The pod template of a workload, None for other objects."""
    path = template_path(each.key.kind)
    if path is None or each.key.group not in _GROUPS or each.key.kind == "Service":
        return None
    found = mapping(each.body, *path)
    return found or None


def pod_spec(each: Document) -> Mapping[str, Json]:
    """The pod spec of a workload or a bare pod; empty for other objects."""
    if each.key.kind == "Pod" and not each.key.group:
        return mapping(each.body, "spec")
    return mapping(pod_template(each) or {}, "spec")


def containers(each: Document) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """The containers of a workload by name, init containers included."""
    spec = pod_spec(each)
    for name in ("initContainers", "containers"):
        for container in items(spec, name):
            yield str(container.get("name") or ""), container


def images(each: Document) -> dict[str, str]:
    """The image of every container by its name."""
    return {name: str(container.get("image") or "") for name, container in containers(each)}


def replicas(each: Document) -> int | None:
    """How many pods a workload asks for; None where it is not a number of its own."""
    if each.key.kind not in ("Deployment", "StatefulSet", "ReplicaSet"):
        return None
    found = field(each.body, "spec", "replicas")
    return found if isinstance(found, int) and not isinstance(found, bool) else 1


def autoscalers(documents: Mapping[ObjectKey, Document]) -> dict[tuple[str, str], Document]:
    """The HorizontalPodAutoscalers by kind and name of what they scale."""
    found = {}
    for key, each in documents.items():
        if key.kind == "HorizontalPodAutoscaler":
            target = mapping(each.body, "spec", "scaleTargetRef")
            found[str(target.get("kind")), str(target.get("name"))] = each
    return found


def least_pods(each: Document, scaler: Document | None) -> int | None:
    """How many pods run at least: the autoscaler's minimum, else the replicas."""
    if scaler is None:
        return replicas(each)
    least = field(scaler.body, "spec", "minReplicas")
    return least if isinstance(least, int) else 1


def config_uses(each: Document) -> set[ConfigUse]:
    """The ConfigMaps and Secrets that the pods of a workload use."""
    spec = pod_spec(each)
    volumes = {use for volume in items(spec, "volumes") for use in _volume_uses(volume, spec)}
    env = {use for _, container in containers(each) for use in _env_uses(container)}
    return volumes | env


def _env_uses(container: Mapping[str, Json]) -> Iterator[ConfigUse]:
    for source in items(container, "envFrom"):
        yield from _reference(source, "configMapRef", "secretRef", "env")
    for variable in items(container, "env"):
        value = mapping(variable, "valueFrom")
        yield from _reference(value, "configMapKeyRef", "secretKeyRef", "env")


def _reference(
    source: Mapping[str, Json], of_config_map: str, of_secret: str, how: str
) -> Iterator[ConfigUse]:
    for kind, name in (("ConfigMap", of_config_map), ("Secret", of_secret)):
        found = field(source, name, "name")
        if found:
            yield ConfigUse(kind, str(found), how)


def _volume_uses(volume: Mapping[str, Json], spec: Mapping[str, Json]) -> Iterator[ConfigUse]:
    how = _how_mounted(str(volume.get("name")), spec)
    for source in (volume, *items(volume, "projected", "sources")):
        for kind, name, reference in (
            ("ConfigMap", "configMap", "name"),
            ("Secret", "secret", "secretName" if source is volume else "name"),
        ):
            found = field(source, name, reference)
            if found:
                yield ConfigUse(kind, str(found), how)


def _how_mounted(volume: str, spec: Mapping[str, Json]) -> str:
    mounts = [
        mount
        for name in ("initContainers", "containers")
        for container in items(spec, name)
        for mount in items(container, "volumeMounts")
        if mount.get("name") == volume
    ]
    return "subpath" if any(mount.get("subPath") for mount in mounts) else "file"


def requests(each: Document) -> dict[str, Fraction]:
    """What one pod requests of `cpu` and `memory`."""
    found: dict[str, Fraction] = {}
    for resource in ("cpu", "memory"):
        sides = []
        for name in ("containers", "initContainers"):
            amounts = [_request(each, resource) for each in items(pod_spec(each), name)]
            sides.append((sum if name == "containers" else max)(amounts or [Fraction(0)]))
        # Init containers run one after another, before the others.
        found[resource] = Fraction(max(sides))
    return found


def _request(container: Mapping[str, Json], resource: str) -> Fraction:
    for kind in ("requests", "limits"):
        value = field(container, "resources", kind, resource)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return quantity(value) or Fraction(0)
    return Fraction(0)
