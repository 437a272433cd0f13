"""The pods that an attempt asks: the release's own, of its newest template, that are ready.

Never through a Service: a canary shares the users' one with main, which would answer for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deploycharts.cluster import workloads
from deploycharts.cluster.portforward import Forward, port_forward
from deploycharts.cluster.workloads import Body, Snapshot, is_true
from deploycharts.deployment.checking.finding import Attempt, Finding, Verdict, unknown
from deploycharts.documents import ObjectKey
from deploycharts.errors import UserError
from deploycharts.registry.checks import Pods

_SERVING = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
_GENERATION = "pod-template-generation"


def ready_pods(attempt: Attempt) -> tuple[Body, ...]:
    """The release's ready pods, by name.

    Raises:
        UserError: there is none, or the cluster cannot be asked.
    """
    place = attempt.place
    keys = tuple(key for key in place.workloads if key.kind in _SERVING)
    seen = workloads.snapshot(attempt.cluster, place.namespace, keys)
    found = [pod for key in keys for pod in newest(seen, key) if _is_ready(pod)]
    if not found:
        raise UserError(f"no pod of release {place.target.release} is ready")
    return tuple(sorted(found, key=lambda pod: str(pod["metadata"]["name"])))


def newest(seen: Snapshot, key: ObjectKey) -> tuple[Body, ...]:
    """The pods of a workload's newest template."""
    pods = seen.pods_of(key)
    if key.kind == "StatefulSet":
        revision = (seen.workloads[key].get("status") or {}).get("updateRevision") if pods else ""
        return tuple(pod for pod in pods if _label(pod, "controller-revision-hash") == revision)
    if key.kind == "DaemonSet":
        last = max((int(_label(pod, _GENERATION) or 0) for pod in pods), default=0)
        return tuple(pod for pod in pods if int(_label(pod, _GENERATION) or 0) == last)
    return pods


def port_of(pod: Body, wanted: str) -> int | None:
    """The number of a container port: by number, by name, or the first that is declared."""
    if wanted.isdigit():
        return int(wanted)
    spec = pod["spec"]
    containers = [*spec["containers"], *(spec.get("initContainers") or ())]
    ports = [port for container in containers for port in container.get("ports") or ()]
    named = [port for port in ports if not wanted or port.get("name") == wanted]
    return int(named[0]["containerPort"]) if named else None


def ask_pods(attempt: Attempt, which: Pods, ask: Callable[[Body], Finding]) -> Finding:
    """Ask one of the ready pods, the next one with each attempt, or all of them in turn."""
    pods = ready_pods(attempt)
    chosen = pods if which is Pods.EACH else (pods[attempt.number % len(pods)],)
    finding = unknown("")
    for pod in chosen:
        finding = ask(pod)
        if finding.verdict is not Verdict.PASSED:
            return Finding(finding.verdict, f"Pod/{pod['metadata']['name']}: {finding.message}")
    return finding


@contextmanager
def forwarded(attempt: Attempt, pod: Body, port: str) -> Iterator[Forward]:
    """A port-forward to a port of a pod.

    Raises:
        UserError: the pod declares no such port.
    """
    number = port_of(pod, port)
    if number is None:
        raise UserError(
            f"it declares no port {port}"
            if port
            else "it declares no port; say `port` in the check"
        )
    name = str(pod["metadata"]["name"])
    with port_forward(attempt.cluster, attempt.place.namespace, name, number) as forward:
        yield forward


def _is_ready(pod: Body) -> bool:
    return "deletionTimestamp" not in pod["metadata"] and is_true(pod, "Ready")


def _label(pod: Body, name: str) -> str:
    return str((pod["metadata"].get("labels") or {}).get(name, ""))
