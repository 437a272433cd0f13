"""How fast 4,000 documents a side are compared, and a change of 586 units is folded."""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable
from typing import Any

from deploycharts.changes.apply import apply
from deploycharts.changes.compare import compare
from deploycharts.changes.consequences import consequences
from deploycharts.changes.fold import fold, unfold
from deploycharts.documents import Document, document
from deploycharts.report.terminal import render_changes
from deploycharts.target import Target

DOCUMENTS = 4000
UNITS = 586
BUDGET_S = 0.2
ENVIRONMENTS = ("staging", "codfw", "eqiad")
Body = dict[str, Any]


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def workload(name: str) -> Body:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": "main"}
    container = {
        "name": "app",
        "image": f"registry.example/{name}:1.2.3",
        "args": ["--listen", ":8080"],
        "env": [{"name": f"VARIABLE_{number}", "value": str(number)} for number in range(20)],
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
    }
    pod = {"containers": [container, {**container, "name": "proxy"}]}
    template = {
        "metadata": {"labels": labels, "annotations": {"checksum/config": "0"}},
        "spec": pod,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {**labels, "helm.sh/chart": "app-0.1.0"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
    }


def config(name: str, listeners: int = 10) -> Body:
    lines = "".join(
        f"- name: listener-{number}\n  port: {9000 + number}\n" for number in range(listeners)
    )
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{name}-config", "labels": {"helm.sh/chart": "app-0.1.0"}},
        "data": {"proxy.yaml": f"service: {name}\nlisteners:\n{lines}"},
    }


def documents(bodies: list[Body], namespace: str = "app") -> tuple[Document, ...]:
    return tuple(document(body, namespace=namespace) for body in bodies)


def new_chart_version(body: Body) -> Body:
    result = copy.deepcopy(body)
    result["metadata"]["labels"]["helm.sh/chart"] = "app-0.2.0"
    return result


def changed_by_helper(body: Body) -> Body:
    result = new_chart_version(body)
    if body["kind"] == "ConfigMap":
        result["data"]["proxy.yaml"] += "timeout: 5\n"
        return result
    template = result["spec"]["template"]
    template["metadata"]["annotations"]["checksum/config"] = body["metadata"]["name"]
    proxy = template["spec"]["containers"][1]
    proxy["env"].insert(0, {"name": "DRAIN", "value": "1"})
    proxy["readinessProbe"]["timeoutSeconds"] = 3
    return result


def best(measured: Callable[[], object], times: int = 5) -> float:
    found = []
    for _ in range(times):
        start = time.perf_counter()
        measured()
        found.append(time.perf_counter() - start)
    return min(found)


def bench_compare() -> bool:
    target = Target("app", "codfw", "main")
    names = [f"app-{number}" for number in range(DOCUMENTS // 2)]
    bodies = [body for name in names for body in (workload(name), config(name))]
    base = documents(bodies)
    ok = True
    for share, every in (("no", DOCUMENTS + 1), ("each 50th", 50), ("each", 1)):
        head_bodies = [
            new_chart_version(body) if number % every == every - 1 else copy.deepcopy(body)
            for number, body in enumerate(bodies)
        ]
        head = documents(head_bodies)
        seconds = best(lambda head=head: compare(target, base, head))  # type: ignore[misc]
        ok = ok and seconds < BUDGET_S
        say(f"{DOCUMENTS} documents a side, {share} document changed: {seconds * 1000:.0f} ms")
    return ok


def bench_fold() -> bool:
    units = []
    for number in range(UNITS):
        name = f"service-{number // 3}"
        bodies = [workload(name), config(name, listeners=number % 9 + 1)]
        base, head = documents(bodies, name), documents(list(map(changed_by_helper, bodies)), name)
        units.append((Target(name, ENVIRONMENTS[number % 3], "main"), base, head))
    start = time.perf_counter()
    sets = [compare(*unit) for unit in units]
    compared = time.perf_counter()
    folds = fold(sets)
    folded = time.perf_counter()
    effects = [
        each for unit, s in zip(units, sets, strict=True) for each in consequences(s, *unit[1:])
    ]
    told = time.perf_counter()
    text = render_changes(folds, effects, environments=ENVIRONMENTS)
    rendered = time.perf_counter()
    steps = {
        "compare": compared - start,
        "fold": folded - compared,
        "consequences": told - folded,
        "render": rendered - told,
    }
    say(f"{UNITS} units: {', '.join(f'{name} {s * 1000:.0f} ms' for name, s in steps.items())}")
    shown = sum(1 for each in folds if each.fact is None)
    back = {each.target: each for each in unfold(folds)}
    exact = all(
        list(apply(back[target], base)) == [each.body for each in head]
        for target, base, head in units
    )
    say(f"{shown} changes in {len(text.splitlines())} lines; unfolds to the head: {exact}")
    return shown <= 20 and exact


if __name__ == "__main__":
    results = [bench_compare(), bench_fold()]
    sys.exit(0 if all(results) else 1)
