"""Which pods restart and why, and which configuration changes no pod will notice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploycharts.changes.model import (
    Change,
    Consequence,
    ConsequenceKind,
    Op,
    Risk,
    count,
    names,
)
from deploycharts.changes.noise import in_pod_template
from deploycharts.changes.situation import Situation
from deploycharts.changes.workloads import (
    ROLLED,
    ConfigUse,
    config_uses,
    field,
    is_hook,
    mapping,
)
from deploycharts.documents import Document, ObjectKey

_CONFIGS = frozenset(("ConfigMap", "Secret"))
_PARTS = (
    ("image", "the image"), ("env", "environment variables"), ("envFrom", "environment variables"),
    ("resources", "resources"), ("command", "the command"), ("args", "the arguments"),
    ("livenessProbe", "probes"), ("readinessProbe", "probes"), ("startupProbe", "probes"),
    ("volumeMounts", "volumes"), ("volumes", "volumes"), ("ports", "ports"),
    ("securityContext", "the security context"), ("annotations", "annotations of pods"),
    ("labels", "labels of pods"),
)  # fmt: skip


def restarts(now: Situation) -> Iterator[Consequence]:
    """Workloads whose pod template changes."""
    for old, new in now.both:
        if new.key.kind in ROLLED and new.key.group == "apps" and not is_hook(new):
            changes = template_changes(now, new.key)
            if changes:
                yield _restart(now, old, new, [*changes, *_read_anew(now, new)])


def template_changes(now: Situation, key: ObjectKey) -> list[Change]:
    """The changes of an object that make new pods.

    Another order of a list is one of them: Kubernetes compares pod templates item by item.
    """
    return [change for change in now.effective(key) if in_pod_template(key.kind, change.path)]


def _read_anew(now: Situation, each: Document) -> list[Change]:
    """Changes of configuration that the restarted pods read."""
    used = {(use.kind, use.name) for use in config_uses(each)}
    return [
        change
        for key, changes in now.changes.items()
        if (key.kind, key.name) in used and not key.group
        for change in changes
        if _is_data(change)
    ]


def _restart(now: Situation, old: Document, new: Document, changes: list[Change]) -> Consequence:
    pods = now.running.get(new.key, now.base.pods(old))
    why = ", ".join(_reasons(now, new, changes))
    how, risk = _manner(new)
    if pods == 0:
        sentence = f"changes the pods of {new.key}, of which none runs: {why}"
        return now.say(ConsequenceKind.RESTARTS, new.key, Risk.LOW, sentence, changes, pods=0)
    taking = _taking(new, pods)
    if taking is not None:
        return _partly(now, new, changes, pods, taking)
    which = "the pods on every node" if pods is None else "{pods}"
    return now.say(
        ConsequenceKind.RESTARTS, new.key, risk, f"{how} {which} of {new.key}: {why}", changes,
        pods=pods,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Taking:
    """How many pods take a new template by themselves, and what keeps the others from it."""

    pods: int
    because: str


def _taking(each: Document, pods: int | None) -> _Taking | None:
    """Where not all pods take the new template by themselves: which do; None if all do.

    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#update-strategies
    """
    if each.key.kind == "Deployment":
        return _Taking(0, "it is paused") if field(each.body, "spec", "paused") is True else None
    strategy = mapping(each.body, "spec", "updateStrategy")
    if strategy.get("type") == "OnDelete":
        return _Taking(0, "OnDelete")
    partition = field(strategy, "rollingUpdate", "partition")
    start = field(each.body, "spec", "ordinals", "start")
    first = start if isinstance(start, int) else 0
    if each.key.kind != "StatefulSet" or not isinstance(partition, int) or partition <= first:
        return None
    return _Taking(max(0, (pods or 0) - (partition - first)), f"partition {partition}")


def _partly(
    now: Situation, each: Document, changes: list[Change], pods: int | None, taking: _Taking
) -> Consequence:
    why = ", ".join(_reasons(now, each, changes))
    if taking.pods:
        verb = "take" if taking.pods > 1 else "takes"
        which = count(pods or 0, "pod")
        sentence = f"{taking.pods} of {which} {verb} the new template of {each.key}"
    else:
        which = "pods on every node" if pods is None else count(pods, "pod")
        sentence = f"none of the {which} of {each.key} takes the new template by itself"
    return now.say(
        ConsequenceKind.RESTARTS, each.key, Risk.LOW if taking.pods else Risk.MEDIUM,
        f"{sentence} ({taking.because}): {why}", changes, pods=taking.pods,
    )  # fmt: skip


def _manner(each: Document) -> tuple[str, Risk]:
    strategy = field(each.body, "spec", "strategy", "type")
    if strategy == "Recreate":
        return "stops all, then starts", Risk.HIGH
    rolling = field(each.body, "spec", "strategy", "rollingUpdate", "maxUnavailable")
    return "restarts", Risk.MEDIUM if rolling == "100%" else Risk.LOW


def _reasons(now: Situation, each: Document, changes: list[Change]) -> list[str]:
    found: dict[str, None] = {}
    for change in changes:
        if change.object != each.key:
            found[str(change.object)] = None
        elif change.op is Op.MOVE:
            found[f"another order of {_last_name(change)}"] = None
        elif _is_checksum(change):
            found.update(dict.fromkeys(_behind_checksum(now, each)))
        else:
            found[_part(change)] = None
    return list(found)


def _last_name(change: Change) -> str:
    return names(change.path)[-1]


def _is_checksum(change: Change) -> bool:
    fields = names(change.path)
    return fields[-2:-1] == ("annotations",) and fields[-1].startswith("checksum/")


def _part(change: Change) -> str:
    fields = names(change.path)
    for name, part in _PARTS:
        if name in fields:
            return part
    return fields[-1]


def _behind_checksum(now: Situation, each: Document) -> list[str]:
    """The configuration that the checksum stands for: what the pods use and what changed."""
    used = {(use.kind, use.name) for use in config_uses(each)}
    changed = sorted(
        key
        for key in (*now.changes, *now.facts)
        if key.kind in _CONFIGS and _has_new_data(now, key)
    )
    own = [str(key) for key in dict.fromkeys(changed) if (key.kind, key.name) in used]
    others = [str(key) for key in dict.fromkeys(changed)]
    return own or others or ["a checksum, though no configuration of this release changes"]


def _has_new_data(now: Situation, key: ObjectKey) -> bool:
    return any(_is_data(change) for change in now.effective(key))


def _is_data(change: Change) -> bool:
    return not change.path or change.path[0] in ("data", "binaryData", "stringData")


def unnoticed(now: Situation) -> Iterator[Consequence]:
    """Configuration that changes while the pods that use it go on running."""
    uses: list[tuple[Document, set[ConfigUse]]] | None = None
    for _, new in now.both:
        if new.key.kind not in _CONFIGS or new.key.group or is_hook(new):
            continue
        changes = [change for change in now.changes.get(new.key, ()) if _is_data(change)]
        if changes:
            uses = uses or [(each, config_uses(each)) for each in now.after.values()]
            yield from _users(now, new, changes, uses)


def _users(
    now: Situation,
    config: Document,
    changes: list[Change],
    uses: list[tuple[Document, set[ConfigUse]]],
) -> Iterator[Consequence]:
    is_used = False
    wanted = (config.key.kind, config.key.name)
    for each, used in uses:
        hows = {use.how for use in used if (use.kind, use.name) == wanted}
        is_used = is_used or bool(hows)
        old = now.before.get(each.key)
        if not hows or old is None or each.key.kind not in ROLLED:
            continue
        if not template_changes(now, each.key):
            yield _keeps(now, config, each, hows, changes)
    if not is_used:
        sentence = f"{config.key} changes, and nothing in this release uses it by name"
        yield now.say(ConsequenceKind.UNNOTICED, config.key, Risk.LOW, sentence, changes)


def _keeps(
    now: Situation, config: Document, each: Document, hows: set[str], changes: list[Change]
) -> Consequence:
    before = f"{config.key} changes, but {{pods}} of {each.key} do not restart: "
    pods = now.running_pods(each, now.head)
    if pods is None:
        before = before.replace("{pods}", "the pods")
    if hows == {"file"}:
        after = "they see the new files within a minute or so, if they read them again"
        risk = Risk.MEDIUM
    else:
        after = "they keep the old values until they restart"
        risk = Risk.HIGH
    return now.say(ConsequenceKind.UNNOTICED, config.key, risk, before + after, changes, pods=pods)
