"""What opens and what closes: network policies, services, ingresses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from deploycharts.changes.model import Change, Consequence, ConsequenceKind, Risk
from deploycharts.changes.situation import Situation
from deploycharts.changes.workloads import field, items, mapping, texts
from deploycharts.documents import Document, Json

_MOST = 4
_ANYWHERE = frozenset(("0.0.0.0/0", "::/0", "anywhere"))
_DIRECTIONS = {"ingress": ("from", "from"), "egress": ("to", "to")}


def network(now: Situation) -> Iterator[Consequence]:
    """Connections that become possible or impossible."""
    for old, new in now.both:
        changes = now.changes.get(new.key, ())
        if changes:
            yield from _changed(now, old, new, changes)
    for each, change in now.added():
        if each.key.kind == "NetworkPolicy":
            yield from _new_policy(now, each, change)
        yield from _opened(now, each, set(), _hosts(each), [change], "")
    for each, change in now.removed():
        if each.key.kind == "NetworkPolicy":
            yield _lifted(now, each, change)
        yield from _opened(now, each, _hosts(each), set(), [change], "")


def _changed(
    now: Situation, old: Document, new: Document, changes: Iterable[Change]
) -> Iterator[Consequence]:
    if new.key.kind == "NetworkPolicy":
        yield from _policy(now, old, new, changes)
    elif (new.key.kind, new.key.group) == ("Service", ""):
        yield from _service(now, old, new, changes)
    else:
        yield from _opened(now, new, _hosts(old), _hosts(new), changes, "")


def _lifted(now: Situation, each: Document, change: Change) -> Consequence:
    sentence = (
        f"removes {each.key}: what only it allowed closes, and pods that no other policy "
        "selects open to all"
    )
    return now.say(ConsequenceKind.OPENS, each.key, Risk.HIGH, sentence, [change])


def _policy(
    now: Situation, old: Document, new: Document, changes: Iterable[Change]
) -> Iterator[Consequence]:
    for direction in _DIRECTIONS:
        before, after = connections(old, direction), connections(new, direction)
        if before is None and after is None:
            continue
        if before is None or after is None:
            yield _limited(now, new, direction, opens=after is None, changes=changes)
            continue
        yield from _opened(now, new, before, after, changes, f"{direction} ")
    if any(change.path[:2] == ("spec", "podSelector") for change in changes):
        sentence = f"{new.key} selects other pods"
        yield now.say(ConsequenceKind.CLOSES, new.key, Risk.MEDIUM, sentence, changes)


def _limited(
    now: Situation, each: Document, direction: str, *, opens: bool, changes: Iterable[Change]
) -> Consequence:
    if opens:
        sentence = f"opens {direction} completely: {each.key} no longer limits it"
        return now.say(ConsequenceKind.OPENS, each.key, Risk.HIGH, sentence, changes)
    sentence = f"closes {direction} except for what {each.key} allows"
    return now.say(ConsequenceKind.CLOSES, each.key, Risk.MEDIUM, sentence, changes)


def connections(each: Document, direction: str) -> set[str] | None:
    """The connections that a policy allows, None if it does not limit this direction."""
    spec = mapping(each.body, "spec")
    types = texts(spec, "policyTypes")
    limits = (
        direction.capitalize() in types if types else direction == "ingress" or direction in spec
    )
    if not limits:
        return None
    peers, word = _DIRECTIONS[direction]
    return {
        f"{word} {peer}{port}"
        for rule in items(spec, direction)
        for peer in _peers(rule, peers)
        for port in _ports(rule)
    }


def _peers(rule: Mapping[str, Json], name: str) -> list[str]:
    found = items(rule, name)
    return [_peer(each) for each in found] if found else ["anywhere"]


def _peer(peer: Mapping[str, Json]) -> str:
    block = mapping(peer, "ipBlock")
    if block:
        excepted = texts(block, "except")
        return f"{block.get('cidr')}" + (f" except {', '.join(excepted)}" if excepted else "")
    namespaces = field(peer, "namespaceSelector")
    pods = field(peer, "podSelector")
    parts = []
    if pods is not None:
        parts.append(f"pods {_selector(pods)}")
    if namespaces is not None:
        parts.append(f"namespaces {_selector(namespaces)}")
    return " in ".join(parts) or "anywhere"


def _selector(selector: Json) -> str:
    labels = mapping(selector, "matchLabels")
    parts = [f"{name.rpartition('/')[2]}={value}" for name, value in sorted(labels.items())]
    more = items(selector, "matchExpressions")
    parts += [json.dumps(each, sort_keys=True) for each in more]
    return ",".join(parts) or "of all names"


def _ports(rule: Mapping[str, Json]) -> list[str]:
    found = items(rule, "ports")
    return [_port(each) for each in found] if found else [""]


def _port(port: Mapping[str, Json]) -> str:
    protocol = port.get("protocol") or "TCP"
    suffix = "" if protocol == "TCP" else f"/{protocol}"
    if port.get("port") is None:
        return f":*{suffix}"
    end = port.get("endPort")
    return f":{port['port']}{f'-{end}' if end else ''}{suffix}"


def _opened(
    now: Situation,
    each: Document,
    before: set[str],
    after: set[str],
    changes: Iterable[Change],
    what: str,
) -> Iterator[Consequence]:
    opens, closes = sorted(after - before), sorted(before - after)
    if opens:
        wide = any(part in text for text in opens for part in _ANYWHERE)
        risk = Risk.HIGH if wide and what == "egress " else Risk.MEDIUM if wide else Risk.LOW
        sentence = f"opens {what}{_some(opens)} ({each.key})"
        yield now.say(ConsequenceKind.OPENS, each.key, risk, sentence, changes)
    if closes:
        sentence = f"closes {what}{_some(closes)} ({each.key})"
        yield now.say(ConsequenceKind.CLOSES, each.key, Risk.MEDIUM, sentence, changes)


def _some(texts: list[str]) -> str:
    more = f" and {len(texts) - _MOST} more" if len(texts) > _MOST else ""
    return ", ".join(texts[:_MOST]) + more


def _new_policy(now: Situation, each: Document, change: Change) -> Iterator[Consequence]:
    for direction in _DIRECTIONS:
        allowed = connections(each, direction)
        if allowed is not None:
            only = _some(sorted(allowed)) or "nothing"
            sentence = f"limits {direction} to {only} ({each.key}), with what other policies allow"
            yield now.say(ConsequenceKind.CLOSES, each.key, Risk.MEDIUM, sentence, [change])


def _service(
    now: Situation, old: Document, new: Document, changes: Iterable[Change]
) -> Iterator[Consequence]:
    yield from _opened(now, new, _service_ports(old), _service_ports(new), changes, "")
    if mapping(old.body, "spec", "selector") != mapping(new.body, "spec", "selector"):
        sentence = f"{new.key} sends its traffic to other pods"
        yield now.say(ConsequenceKind.OTHER, new.key, Risk.MEDIUM, sentence, changes)
    before, after = (field(each.body, "spec", "type") or "ClusterIP" for each in (old, new))
    if before != after:
        outside = after in ("NodePort", "LoadBalancer")
        kind = ConsequenceKind.OPENS if outside else ConsequenceKind.CLOSES
        sentence = f"{new.key} becomes {after} (was {before})"
        yield now.say(kind, new.key, Risk.MEDIUM, sentence, changes)


def _service_ports(each: Document) -> set[str]:
    return {f"port {_port(port)[1:]}" for port in items(each.body, "spec", "ports")}


def _hosts(each: Document) -> set[str]:
    """The names under which users reach an Ingress, a Gateway or a VirtualService."""
    spec = mapping(each.body, "spec")
    if each.key.kind == "Ingress":
        return {f"host {rule.get('host') or '*'}" for rule in items(spec, "rules")}
    if each.key.kind == "VirtualService":
        return {f"host {name}" for name in texts(spec, "hosts")}
    if each.key.kind == "Gateway":
        servers = items(spec, "servers")
        return {f"host {name}" for server in servers for name in texts(server, "hosts")}
    return set()
