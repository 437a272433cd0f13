"""Which item of a list is which: Kubernetes' keys, a guessed key, else the longest common run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TypeAlias

from deploycharts.changes.identity import leaves
from deploycharts.changes.model import Item, Scalar
from deploycharts.documents import Json

Key: TypeAlias = "tuple[str, ...]"
_PORTS: tuple[Key, ...] = (
    ("name",),
    ("containerPort", "protocol"),
    ("port", "protocol", "endPort"),
)
_NAME: tuple[Key, ...] = (("name",),)
_KEYS: dict[str, tuple[Key, ...]] = {
    **dict.fromkeys(
        """containers initContainers ephemeralContainers env volumes imagePullSecrets secrets
        resourceClaims webhooks versions""".split(),
        _NAME,
    ),
    "volumeMounts": (("mountPath",), ("mountPath", "subPath")),
    "volumeDevices": (("devicePath",),),
    "ports": _PORTS,
    "hostAliases": (("ip",),),
    "tolerations": (("key", "operator", "value", "effect"),),
    "topologySpreadConstraints": (("topologyKey",), ("topologyKey", "whenUnsatisfiable")),
    "conditions": (("type",),),
    "ownerReferences": (("uid",),),
    "readinessGates": (("conditionType",),),
    "rules": (("host",),),
    "tls": (("secretName",),),
    "paths": (("path",), ("path", "pathType")),
    "subjects": (("kind", "namespace", "name"),),
    "volumeClaimTemplates": (("metadata.name",),),
    "envFrom": (("configMapRef.name", "secretRef.name"),),
    "items": (("key",), ("path",)),
    "sources": (("configMap.name", "secret.name"),),
    "metrics": (("type", "resource.name"),),
    "servers": (("port.name",), ("port.number",)),
}
_GUESSES = ("name", "key", "id")
_KEY_DEFAULTS: dict[str, Scalar] = {"protocol": "TCP", "operator": "Equal"}
# Lists of values in which only membership counts.
SETS = frozenset(
    """finalizers verbs resources resourceNames apiGroups nonResourceURLs policyTypes
    accessModes add drop values namespaces hosts dnsNames except supplementalGroups
    loadBalancerSourceRanges externalIPs""".split()
)
# Lists of rules that are a union; in all other unkeyed lists (args, command) the order counts.
_UNIONS = frozenset(
    """egress ingress from to rules tls tolerations metrics subjects servers
    topologySpreadConstraints""".split()
)
WHOLE = ""
_ALIKE = 0.4
_MOST_PAIRS = 900


@dataclass(frozen=True, slots=True)
class Pairing:
    """How the items of two lists belong together.

    Attributes:
        pairs: items on both sides (base index, head index, item), in the order of the base.
        removed: only in the base (index, item).
        added: only in the head (index, item).
        key: the fields that identify items; None where their position does.
    """

    pairs: tuple[tuple[int, int, Item], ...]
    removed: tuple[tuple[int, Item], ...]
    added: tuple[tuple[int, Item], ...]
    key: Key | None

    @property
    def is_reordered(self) -> bool:
        """Whether items of both sides changed their order among themselves."""
        positions = [head for _, head, _ in self.pairs]
        return positions != sorted(positions)


def order_matters(name: str, items: Sequence[Json], *, embedded: bool) -> bool:
    """Whether another order of the list called `name` is a change of its own."""
    if embedded or name == "initContainers":
        return True
    if name == "env":
        return any("$(" in str(item.get("value")) for item in items if isinstance(item, dict))
    return name not in _KEYS and name not in SETS and name not in _UNIONS


def pair(name: str, old: Sequence[Json], new: Sequence[Json], *, embedded: bool) -> Pairing:
    """Find the items of `new` among those of `old`."""
    key = choose_key(name, old, new, embedded=embedded)
    if key is not None:
        return _by_key(key, old, new)
    unordered = name in _UNIONS or name in _KEYS or name in SETS
    return _by_content(old, new, ordered=embedded or not unordered)


def choose_key(
    name: str, old: Sequence[Json], new: Sequence[Json], *, embedded: bool
) -> Key | None:
    """The fields that tell apart the items of both lists."""
    if not embedded and name in SETS and _unique((WHOLE,), old) and _unique((WHOLE,), new):
        return (WHOLE,)
    if not all(isinstance(item, dict) for item in (*old, *new)):
        return None
    candidates = [] if embedded else list(_KEYS.get(name, ()))
    candidates += [(guess,) for guess in _GUESSES]
    for key in (*candidates, *_guessed(old or new)):
        if _unique(key, old) and _unique(key, new):
            return key
    return None


def _guessed(items: Sequence[Json]) -> list[Key]:
    first = items[0] if items else None
    if not isinstance(first, dict) or len(items) < 2:
        return []
    return [(name,) for name in sorted(first) if isinstance(first[name], str)]


def _unique(key: Key, items: Sequence[Json]) -> bool:
    seen = set()
    for item in items:
        found = identity(key, item)
        if found is None or found in seen:
            return False
        seen.add(found)
    return True


def identity(key: Key, item: Json) -> tuple[tuple[str, Scalar], ...] | None:
    """The values of the identifying fields; None if the item has none of them.

    The first field must be there; of alternatives (`configMapRef.name`) any will do.
    """
    if key == (WHOLE,):
        return ((WHOLE, item),) if not isinstance(item, dict | list) else None
    if len(key) == 1 and "." not in key[0]:
        value = item.get(key[0]) if isinstance(item, dict) else None
        if value is None or isinstance(value, dict | list):
            return None
        return ((key[0], value),)
    found = tuple((name, _lookup(item, name)) for name in key)
    told = (
        any(value is not None for _, value in found) if "." in key[0] else found[0][1] is not None
    )
    return found if told else None


def _lookup(item: Json, dotted: str) -> Scalar:
    value: Json = item
    for name in dotted.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return _KEY_DEFAULTS.get(dotted)
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


def _by_key(key: Key, old: Sequence[Json], new: Sequence[Json]) -> Pairing:
    heads = {identity(key, item): index for index, item in enumerate(new)}
    pairs, removed = [], []
    for index, item in enumerate(old):
        found = identity(key, item)
        head = heads.pop(found, None)
        named = Item(by=found or ())
        if head is None:
            removed.append((index, named))
        else:
            pairs.append((index, head, named))
    added = sorted(
        ((head, Item(by=found or ())) for found, head in heads.items()),
        key=lambda each: rank(each[1]),
    )
    return Pairing(tuple(pairs), tuple(removed), tuple(added), key)


def rank(item: Item) -> str:
    """Added items come after all others in this order, unless an ORDER fact says otherwise."""
    return canonical([[name, value] for name, value in item.by])


def _by_content(old: Sequence[Json], new: Sequence[Json], *, ordered: bool) -> Pairing:
    texts = [canonical(item) for item in old], [canonical(item) for item in new]
    matched = _common_run(*texts) if ordered else _anywhere(*texts)
    matched += _leftovers(matched, old, new, ordered=ordered)
    matched.sort()
    bases, heads = {base for base, _ in matched}, {head for _, head in matched}
    return Pairing(
        tuple((base, head, Item(index=base)) for base, head in matched),
        tuple((index, Item(index=index)) for index in range(len(old)) if index not in bases),
        tuple((index, Item(index=index)) for index in range(len(new)) if index not in heads),
        None,
    )


def canonical(value: Json) -> str:
    """A text that is equal for equal values, whatever the order of their keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _common_run(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return [(block.a + step, block.b + step) for block in blocks for step in range(block.size)]


def _anywhere(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    places: dict[str, list[int]] = {}
    for index, text in enumerate(new):
        places.setdefault(text, []).append(index)
    return [(index, places[text].pop(0)) for index, text in enumerate(old) if places.get(text)]


def _leftovers(
    matched: list[tuple[int, int]], old: Sequence[Json], new: Sequence[Json], *, ordered: bool
) -> list[tuple[int, int]]:
    """Pair changed items: in each gap between matches, or anywhere in a union."""
    bases, heads = {base for base, _ in matched}, {head for _, head in matched}
    edges = sorted(matched) if ordered else []
    found: list[tuple[int, int]] = []
    start = (0, 0)
    for end in (*edges, (len(old), len(new))):
        free_old = [index for index in range(start[0], end[0]) if index not in bases]
        free_new = [index for index in range(start[1], end[1]) if index not in heads]
        if free_old and free_new:
            found += _alike(free_old, free_new, old, new)
        start = (end[0] + 1, end[1] + 1)
    return found


def _alike(
    free_old: list[int], free_new: list[int], old: Sequence[Json], new: Sequence[Json]
) -> list[tuple[int, int]]:
    """Items that are the same one, changed: one for one, else mappings that share most."""
    kinds = {type(old[index]) for index in free_old} | {type(new[index]) for index in free_new}
    if len(kinds) > 1:
        return []
    if kinds == {dict} and (len(free_old), len(free_new)) != (1, 1):
        return _similar(free_old, free_new, old, new)
    return list(zip(free_old, free_new, strict=True)) if len(free_old) == len(free_new) else []


def _similar(
    free_old: list[int], free_new: list[int], old: Sequence[Json], new: Sequence[Json]
) -> list[tuple[int, int]]:
    """The most similar pairs, none of which crosses another: the order stays exact."""
    if len(free_old) * len(free_new) > _MOST_PAIRS:
        return []
    before = {index: leaves(old[index]) for index in free_old}
    after = {index: leaves(new[index]) for index in free_new}
    ranked = sorted(
        (-len(before[base] & after[head]) / max(1, len(before[base] | after[head])), base, head)
        for base in free_old
        for head in free_new
    )
    found: list[tuple[int, int]] = []
    for unlike, base, head in ranked:
        crosses = any((base - one) * (head - other) <= 0 for one, other in found)
        if -unlike >= _ALIKE and not crosses:
            found.append((base, head))
    return found
