"""The chart's own tests."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from deploycharts.cluster import workloads
from deploycharts.cluster.workloads import Body
from deploycharts.deployment.checking.finding import Attempt, Finding, failed, passed, unknown
from deploycharts.errors import UserError
from deploycharts.tools import helm, plainwords
from deploycharts.tools.process import Result, Running

_LOOK_S = 0.1
_GRACE_S = 10.0
_LOG_LINES = 10
_SUITE = re.compile(r"^TEST SUITE:\s+(\S+)", re.MULTILINE)
_PHASE = re.compile(r"^Phase:\s+(\S+)", re.MULTILINE)


def run(attempt: Attempt) -> Finding:
    """Run all of them once; the logs of those that fail are in the message.

    helm could collect the logs itself (--logs), but then it takes a test that is no pod, such as a
    ConfigMap with the test's script, for a failure.
    """
    place = attempt.place
    running = helm.test(
        place.target.release, namespace=place.namespace, kubeconfig=place.kubeconfig,
        timeout_s=math.ceil(attempt.left_s),
    )  # fmt: skip
    return _judged(_end(running, attempt), attempt)


def _end(running: Running, attempt: Attempt) -> Result:
    try:
        while running.is_alive():
            attempt.sleep(_LOOK_S)
            if attempt.clock() > attempt.until + _GRACE_S:
                running.interrupt()
                break
    except BaseException:
        running.interrupt()
        running.wait()
        raise
    return running.wait()


def _judged(result: Result, attempt: Attempt) -> Finding:
    phases = suites(result.out)
    if result.code == 0 and not phases:
        return unknown("the release has no tests")
    if result.code == 0:
        return passed(f"{len(phases)} succeeded" if len(phases) > 1 else "succeeded")
    reason = " ".join(plainwords.plain(result.err).split()) or f"helm ended with {result.code}"
    bad = [name for name, phase in phases if phase != "Succeeded"]
    if not bad:
        return unknown(reason)
    lines = [line for name in bad for line in _logs(attempt, name)]
    return failed("\n".join([f"{', '.join(bad)} failed: {reason}", *lines]))


def suites(said: str) -> tuple[tuple[str, str], ...]:
    """The tests that helm names, each with its phase; those that were never begun have none."""
    found = []
    for part in re.split(r"^(?=TEST SUITE:)", said, flags=re.MULTILINE):
        name, phase = _SUITE.search(part), _PHASE.search(part)
        if name and name[1] != "None":
            found.append((name[1], phase[1] if phase else "Unknown"))
    return tuple(found)


def _logs(attempt: Attempt, test: str) -> Iterator[str]:
    namespace = attempt.place.namespace
    try:
        pods = _pods(attempt, test)
    except UserError:
        return
    for pod in pods:
        name = str(pod["metadata"]["name"])
        for container in pod["spec"]["containers"]:
            lines = workloads.log_tail(
                attempt.cluster, namespace, name, str(container["name"]), lines=_LOG_LINES,
                previous=False,
            )  # fmt: skip
            text = attempt.place.mask.text("\n".join(lines))
            yield from (f"{name}: {line}" for line in text.splitlines())


def _pods(attempt: Attempt, test: str) -> Sequence[Body]:
    """The pod of a test, or the pods of one that is a Job."""
    pods = attempt.cluster.items(f"/api/v1/namespaces/{attempt.place.namespace}/pods")
    return [
        pod
        for pod in pods
        if pod["metadata"]["name"] == test
        or (pod["metadata"].get("labels") or {}).get("batch.kubernetes.io/job-name") == test
    ]
