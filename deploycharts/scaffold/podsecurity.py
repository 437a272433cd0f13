"""The restricted Pod Security Standard, as the cluster's admission applies it to pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deploycharts.documents import Document

_VOLUMES = frozenset(
    "configMap csi downwardAPI emptyDir ephemeral persistentVolumeClaim projected secret".split()
)
_SECCOMP = frozenset({"RuntimeDefault", "Localhost"})


def problems(document: Document) -> Iterator[str]:
    """Why the pods of a rendered object would be refused."""
    spec = pod_spec(document.body)
    if spec is None:
        return
    yield from _of_pod(spec)
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(group) or []:
            for problem in _of_container(container, spec.get("securityContext") or {}):
                yield f"container {container.get('name')}: {problem}"


def pod_spec(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The pod specification inside an object, if it has one."""
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return None
    if body.get("kind") == "Pod":
        return spec
    if body.get("kind") == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template = spec.get("template")
    return template.get("spec") if isinstance(template, dict) else None


def _of_pod(spec: Mapping[str, Any]) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield f"{key} is not allowed"
    for volume in spec.get("volumes") or []:
        kinds = set(volume) - {"name"}
        if not kinds <= _VOLUMES:
            yield f"volume {volume.get('name')}: {', '.join(sorted(kinds))} is not allowed"
    if (spec.get("securityContext") or {}).get("sysctls"):
        yield "sysctls are not allowed"


def _of_container(container: Mapping[str, Any], pod: Mapping[str, Any]) -> Iterator[str]:
    own = container.get("securityContext") or {}
    capabilities = own.get("capabilities") or {}
    seccomp = own.get("seccompProfile") or pod.get("seccompProfile") or {}
    rules = {
        "privileged is not allowed": not own.get("privileged"),
        "allowPrivilegeEscalation must be false": own.get("allowPrivilegeEscalation") is False,
        "capabilities.drop must name ALL": "ALL" in (capabilities.get("drop") or []),
        "only the capability NET_BIND_SERVICE may be added": set(capabilities.get("add") or [])
        <= {"NET_BIND_SERVICE"},
        "runAsNonRoot must be true": own.get("runAsNonRoot", pod.get("runAsNonRoot")) is True,
        "runAsUser must not be 0": own.get("runAsUser", pod.get("runAsUser")) != 0,
        "seccompProfile.type must be RuntimeDefault or Localhost": seccomp.get("type") in _SECCOMP,
        "hostPort is not allowed": not any(p.get("hostPort") for p in container.get("ports") or []),
    }
    yield from (rule for rule, is_kept in rules.items() if not is_kept)
