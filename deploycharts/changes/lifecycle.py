"""What comes, what goes, and what runs once."""

from __future__ import annotations

from collections.abc import Iterator

from deploycharts.changes.model import Change, Consequence, ConsequenceKind, Risk
from deploycharts.changes.situation import Situation
from deploycharts.changes.workloads import (
    ROLLED,
    field,
    hook,
    is_hook,
    items,
)
from deploycharts.documents import Document, ObjectKey

POLICY = "helm.sh/resource-policy"
_STATE = frozenset(
    """PersistentVolumeClaim PersistentVolume StatefulSet Namespace
    CustomResourceDefinition""".split()
)
_KNOWN_BY_RULE = frozenset(("NetworkPolicy",))
_MOST = 6


def removes(now: Situation) -> Iterator[Consequence]:
    """Objects that go; those that hold state or serve users first."""
    for each, change in now.removed():
        if is_hook(each) or each.key.kind in _KNOWN_BY_RULE:
            continue
        if is_kept(each):
            sentence = f"leaves {each.key} in the cluster, where Helm no longer knows it"
            yield now.say(ConsequenceKind.REMOVES, each.key, Risk.MEDIUM, sentence, [change])
        elif each.key.kind in _STATE:
            yield _removes_state(now, each, change)
        else:
            yield _removes(now, each, change)


def stays(now: Situation) -> Iterator[Consequence]:
    """What a release that moves leaves behind: to Helm it is another one in each namespace."""
    objects = [each for each in now.left.objects.values() if not is_hook(each)]
    for namespace in dict.fromkeys(each.key.namespace for each in objects):
        there = [each for each in objects if each.key.namespace == namespace]
        pods = sum(now.left.pods(each) or 0 for each in there if each.key.kind in ROLLED)
        which = ", ".join(str(each.key) for each in there[:_MOST])
        more = f" and {len(there) - _MOST} more" if len(there) > _MOST else ""
        running = ", with {pods}" if pods else ""
        goal = next((e.key.namespace for e in now.after.values() if e.key.namespace), "another")
        sentence = (
            f"moves to the namespace {goal}: everything is created there, and what is in "
            f"{namespace} stays{running}: {which}{more}"
        )
        key = there[0].key
        yield now.say(ConsequenceKind.STAYS, key, Risk.MEDIUM, sentence, pods=pods or None)


def is_kept(each: Document) -> bool:
    """Whether helm leaves an object that goes from its release."""
    return keeps(each.body)


def keeps(body: object) -> bool:
    """Whether an object's annotation tells helm to leave it (pkg/action/resource_policy.go)."""
    policy = field(body, "metadata", "annotations", POLICY)
    return str(policy or "").strip().lower() == "keep"


def _removes_state(now: Situation, each: Document, change: Change) -> Consequence:
    told = {
        "PersistentVolumeClaim": "and with it the data, unless its volume is retained",
        "PersistentVolume": "and its data, unless it is retained",
        "Namespace": "and everything in it",
        "CustomResourceDefinition": "and all objects of that kind in the whole cluster",
    }.get(each.key.kind, "the pods; its volume claims stay")
    sentence = f"removes {each.key}, {told}"
    return now.say(ConsequenceKind.REMOVES_STATE, each.key, Risk.HIGH, sentence, [change])


def _removes(now: Situation, each: Document, change: Change) -> Consequence:
    pods = now.running_pods(each, now.base) if each.key.kind in ROLLED else None
    if each.key.kind in ROLLED:
        which = "the pods on every node" if pods is None else "{pods}"
        sentence = f"stops {which} and removes {each.key}"
        return now.say(ConsequenceKind.REMOVES, each.key, Risk.HIGH, sentence, [change], pods=pods)
    serves = each.key.kind in ("Service", "Ingress", "Gateway", "VirtualService", "Secret")
    risk = Risk.MEDIUM if serves else Risk.LOW
    return now.say(ConsequenceKind.REMOVES, each.key, risk, f"removes {each.key}", [change])


def creates(now: Situation) -> Iterator[Consequence]:
    """Objects that come: workloads one by one, the others together."""
    others: list[tuple[ObjectKey, Change]] = []
    for each, change in now.added():
        if is_hook(each) or each.key.kind == "Job":
            continue
        if each.key.kind in ROLLED:
            yield _starts(now, each, change)
        else:
            others.append((each.key, change))
    if others:
        keys = [str(key) for key, _ in others]
        more = f" and {len(keys) - _MOST} more" if len(keys) > _MOST else ""
        changes = [change for _, change in others]
        sentence = f"creates {', '.join(keys[:_MOST])}{more}"
        yield now.say(ConsequenceKind.CREATES, others[0][0], Risk.LOW, sentence, changes)


def _starts(now: Situation, each: Document, change: Change) -> Consequence:
    pods = now.head.pods(each)
    which = "pods on every node" if pods is None else "{pods}"
    sentence = f"creates {each.key} with {which}"
    return now.say(ConsequenceKind.CREATES, each.key, Risk.LOW, sentence, [change], pods=pods)


def runs(now: Situation) -> Iterator[Consequence]:
    """Jobs that run because of the upgrade."""
    for each, change in now.added():
        if each.key.kind == "Job" and not is_hook(each):
            sentence = _suspended(each) or f"runs {each.key}"
            yield now.say(ConsequenceKind.RUNS, each.key, Risk.LOW, sentence, [change])
    for each in now.after.values():
        events = [
            event for event in hook(each).split(",") if "upgrade" in event or "install" in event
        ]
        if events and each.key.kind in ("Job", "Pod") and (now.changes or now.facts):
            if "pre-upgrade" not in events and "post-upgrade" not in events and now.before:
                continue
            because = now.changes.get(each.key, ())
            sentence = f"runs {each.key} ({', '.join(events)} hook)"
            yield now.say(ConsequenceKind.RUNS, each.key, Risk.LOW, sentence, because)


def next_runs(now: Situation) -> Iterator[Consequence]:
    """CronJobs that will do something else at their next time, or at another time."""
    for old, new in now.both:
        changes = now.changes.get(new.key, ())
        if new.key.kind != "CronJob" or not changes:
            continue
        before, after = (field(each.body, "spec", "schedule") for each in (old, new))
        if _suspended(new):
            sentence = _suspended(new)
        elif before != after:
            sentence = f"{new.key} runs at {after} (was {before})"
        else:
            sentence = f"{new.key} changes from its next run on"
        yield now.say(ConsequenceKind.RUNS, new.key, Risk.LOW, sentence, changes)


def _suspended(each: Document) -> str:
    """What is to be said of a Job or CronJob that is suspended; empty for others."""
    if field(each.body, "spec", "suspend") is not True:
        return ""
    return f"{each.key} is suspended: it runs nothing and is not waited for"


def rights(now: Situation) -> Iterator[Consequence]:
    """Roles that gain rules, and who gets a role."""
    for each, change in now.added():
        if each.key.kind in ("RoleBinding", "ClusterRoleBinding"):
            role = field(each.body, "roleRef", "name")
            subjects = ", ".join(str(s.get("name")) for s in items(each.body, "subjects"))
            sentence = f"gives {subjects} the rights of {role} ({each.key})"
            yield now.say(ConsequenceKind.OPENS, each.key, Risk.MEDIUM, sentence, [change])
    for key, changes in now.changes.items():
        changed = [change for change in changes if change.path[:1] == ("rules",)]
        if key.kind in ("Role", "ClusterRole") and changed:
            sentence = f"{key} gives other rights"
            yield now.say(ConsequenceKind.OTHER, key, Risk.MEDIUM, sentence, changed)
