"""How many pods there will be, and what they ask of the namespace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from deploycharts.changes.meaning import quantity
from deploycharts.changes.model import Change, Consequence, ConsequenceKind, Risk
from deploycharts.changes.situation import Side, Situation
from deploycharts.changes.workloads import (
    field,
    is_hook,
    mapping,
    replicas,
    requests,
)
from deploycharts.documents import Document, Json

_SCALED = frozenset(("Deployment", "StatefulSet"))
_GIBI = 1024**3
_UNITS = (("Gi", _GIBI), ("Mi", 1024**2), ("Ki", 1024))


def scales(now: Situation) -> Iterator[Consequence]:
    """Workloads with another number of pods."""
    for old, new in now.both:
        if new.key.kind not in _SCALED:
            continue
        because = [each for each in now.changes.get(new.key, ()) if each.path == _REPLICAS]
        scaler = now.head.scaler(new)
        if because and scaler is not None:
            yield from _against(now, new, scaler, because)
        elif because:
            yield _scale(now, old, new, because)


_REPLICAS = ("spec", "replicas")


def _scale(now: Situation, old: Document, new: Document, because: list[Change]) -> Consequence:
    before, after = replicas(old), replicas(new)
    if after == 0:
        sentence = f"stops all pods of {new.key}: {before} → 0"
        return now.say(ConsequenceKind.SCALES, new.key, Risk.HIGH, sentence, because)
    fewer = before is not None and after is not None and after * 2 <= before
    had = now.base.scaler(old)
    what = f"scales {new.key} from {before} to {after} pods"
    if had is not None:
        what = f"fixes {new.key} at {after} pods; {had.key} no longer scales it"
    risk = Risk.MEDIUM if fewer or had is not None else Risk.LOW
    return now.say(ConsequenceKind.SCALES, new.key, risk, what, because)


def _against(
    now: Situation, each: Document, scaler: Document, because: list[Change]
) -> Iterator[Consequence]:
    value = field(each.body, *_REPLICAS)
    if value is None:
        sentence = f"leaves the number of pods of {each.key} to {scaler.key}"
        yield now.say(ConsequenceKind.SCALES, each.key, Risk.LOW, sentence, because)
        return
    sentence = (
        f"fights the autoscaler: sets {each.key} to {value} pods, which {scaler.key} "
        "then undoes; leave spec.replicas out"
    )
    yield now.say(ConsequenceKind.AUTOSCALER, each.key, Risk.MEDIUM, sentence, because)


def autoscales(now: Situation) -> Iterator[Consequence]:
    """Autoscalers with other limits."""
    for old, new in now.both:
        if new.key.kind != "HorizontalPodAutoscaler":
            continue
        because = now.changes.get(new.key, ())
        before, after = _limits(old), _limits(new)
        if before != after:
            which = field(new.body, "spec", "scaleTargetRef", "name")
            sentence = f"autoscales {which} between {after} pods (was {before})"
            yield now.say(ConsequenceKind.SCALES, new.key, Risk.LOW, sentence, because)
        elif because:
            sentence = f"{new.key} scales by another rule"
            yield now.say(ConsequenceKind.SCALES, new.key, Risk.LOW, sentence, because)


def _limits(each: Document) -> str:
    least = field(each.body, "spec", "minReplicas")
    return f"{1 if least is None else least} and {field(each.body, 'spec', 'maxReplicas')}"


def disruption(now: Situation) -> Iterator[Consequence]:
    """Disruption budgets that no longer let a node be drained."""
    for key, each in now.after.items():
        if key.kind == "PodDisruptionBudget" and _concerns(now, each):
            yield from _blocked(now, each)


def _blocked(now: Situation, budget: Document) -> Iterator[Consequence]:
    for each in now.after.values():
        pods = now.head.pods(each) if each.key.kind in _SCALED else None
        if pods and _selects(budget, each) and _blocks(budget, pods):
            sentence = (
                f"{budget.key} lets none of the {pods} pods of {each.key} go: "
                "nodes cannot be drained"
            )
            because = now.changes.get(budget.key, ())
            yield now.say(ConsequenceKind.OTHER, budget.key, Risk.MEDIUM, sentence, because)


def _concerns(now: Situation, budget: Document) -> bool:
    return budget.key in now.changes or any(
        change.path == _REPLICAS for changes in now.changes.values() for change in changes
    )


def _selects(budget: Document, workload: Document) -> bool:
    wanted = mapping(budget.body, "spec", "selector", "matchLabels")
    labels = mapping(workload.body, "spec", "template", "metadata", "labels")
    return bool(wanted) and all(labels.get(name) == value for name, value in wanted.items())


def _blocks(budget: Document, pods: int) -> bool:
    least, most = (field(budget.body, "spec", name) for name in ("minAvailable", "maxUnavailable"))
    if most is not None:
        return str(most) in ("0", "0%")
    return least == "100%" or (isinstance(least, int) and least >= pods)


def asks(now: Situation) -> Iterator[Consequence]:
    """What all pods of the release request, and whether the quota has it."""
    before, after = _total(now.base), _total(now.head)
    if before == after:
        return
    changed = [
        change
        for changes in now.changes.values()
        for change in changes
        if "resources" in change.path or change.path == _REPLICAS or not change.path
    ]
    parts = [
        f"{resource} {_shown(resource, before[resource])} → {_shown(resource, after[resource])}"
        for resource in ("cpu", "memory")
        if before[resource] != after[resource]
    ]
    beyond = _beyond_quota(now, before, after)
    if beyond:
        yield now.say(ConsequenceKind.REQUESTS, None, Risk.HIGH, beyond, changed)
        return
    if not parts:
        return
    sentence = f"requests {', '.join(parts)}{_of_quota(now, before, after)}"
    yield now.say(ConsequenceKind.REQUESTS, None, Risk.LOW, sentence, changed)


def _total(side: Side) -> dict[str, Fraction]:
    total = {"cpu": Fraction(0), "memory": Fraction(0), "pods": Fraction(0)}
    for each in side.objects.values():
        pods = side.pods(each) if each.key.kind in _SCALED else None
        if pods and not is_hook(each):
            total["pods"] += pods
            for resource, amount in requests(each).items():
                total[resource] += amount * pods
    return total


def _beyond_quota(
    now: Situation, before: Mapping[str, Fraction], after: Mapping[str, Fraction]
) -> str:
    for resource in ("cpu", "memory", "pods"):
        hard, used = _quota(now, resource, before, after)
        if hard is not None and used > hard and after[resource] > before[resource]:
            return (
                f"needs more {resource} than the quota has: {_shown(resource, used)} "
                f"of {_shown(resource, hard)}; the last pods will not be created"
            )
    return ""


def _of_quota(now: Situation, before: Mapping[str, Fraction], after: Mapping[str, Fraction]) -> str:
    parts = []
    for resource in ("cpu", "memory"):
        hard, used = _quota(now, resource, before, after)
        if hard is not None:
            parts.append(f"{_shown(resource, used)} of {_shown(resource, hard)} {resource}")
    return f"; then {' and '.join(parts)} of the quota are in use" if parts else ""


def _quota(
    now: Situation, resource: str, before: Mapping[str, Fraction], after: Mapping[str, Fraction]
) -> tuple[Fraction | None, Fraction]:
    """The quota's limit, and what will be used of it."""
    if now.quota is None:
        return None, after[resource]
    hard = now.quota.hard.get(f"requests.{resource}", now.quota.hard.get(resource))
    used = now.quota.used.get(f"requests.{resource}", now.quota.used.get(resource))
    others = Fraction(0) if used is None else (quantity(used) or Fraction(0)) - before[resource]
    limit = None if hard is None else quantity(hard)
    return limit, max(others, Fraction(0)) + after[resource]


def _shown(resource: str, amount: Fraction) -> str:
    if resource == "cpu":
        return f"{float(amount):g}"
    for unit, size in _UNITS:
        if amount >= size:
            return f"{float(amount / size):.4g}{unit}"
    return f"{float(amount):g}"


def privileged(now: Situation) -> Iterator[Consequence]:
    """Containers that gain rights over the node."""
    for key, changes in now.changes.items():
        gained = [each for each in changes if _gains_rights(each.path[-1:], each.new)]
        if gained:
            fields = ", ".join(dict.fromkeys(str(each.path[-1]) for each in gained))
            sentence = f"{key} gains rights over the node: {fields}"
            yield now.say(ConsequenceKind.OTHER, key, Risk.HIGH, sentence, gained)


def _gains_rights(last: tuple[object, ...], value: Json) -> bool:
    fields = ("privileged", "hostNetwork", "hostPID", "hostIPC", "allowPrivilegeEscalation")
    return value is True and last[:1] != () and last[0] in fields
