"""What Kubernetes' words for a trouble point at: fields, and what they are worth as a suspect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from deploycharts.changes.meaning import quantity
from deploycharts.changes.model import Change, Item, Op, names
from deploycharts.deployment.symptoms import Trouble
from deploycharts.deployment.troublewords import EXITS, PROGRAM, RULES, Weights

CERTAIN = 100
"""What a field is worth at which a trouble points without a doubt."""

_LONG_ENOUGH = 5
ANYTHING = 3.0
"""What a field is worth at which nothing points."""


_ANYBODYS = re.compile(r"exceeded quota|failed quota|is invalid|hooks? failed|denied|forbidden")
_TOO_LITTLE = re.compile(r"exceeded quota|Insufficient \w|nodes are available")
_NO_CONNECTION = re.compile(
    r"cannot reach|could not connect|connection refused|connection timed out|i/o timeout"
    r"|no route to host|unreachable|deadline exceeded", re.IGNORECASE,
)  # fmt: skip
_MISSING = re.compile(
    r"(?:secret|configmap|persistentvolumeclaim|serviceaccount) \"(?P<name>[^\"]+)\" not found"
    r"|couldn't find key (?P<key>\S+) in (?:Secret|ConfigMap)"
    r"|references non-existent (?:config|secret) key: (?P<entry>\S+)",
    re.IGNORECASE,
)
_INVALID = re.compile(r"(?P<kind>\w+)(?:\.[\w.-]+)? \"(?P<name>[^\"]+)\" is invalid: (?P<rest>.*)")
_FIELD = re.compile(
    r"(?:^|[\[,] ?)([a-z][\w.\[\]/-]*(?:\[[^\]]*\])?[\w.\[\]]*): "
    r"(?:Invalid|Forbidden|Required|Unsupported|Duplicate|Too|Internal)"
)
_CONFLICT = re.compile(r"conflicts? with \"[^\"]+\"[^:]*:\s+(?:- )?(\.[\w.\[\]=\"/-]+)")
_APPLIED = re.compile(r"object (?:[^\s/]+/)?(?P<name>\S+) \S+, Kind=(?P<kind>\w+)")
_EXCEEDED = re.compile(r"requested: (\S+), used: (\S+), limited: (\S+)")
_RESOURCE_OF_RANGE = re.compile(
    r"(?:maximum|minimum) ([\w./-]+) usage per|of (cpu|memory) limit|must specify ([\w.,-]+)"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A field that the API server refused to change; `kind` and `name` are empty if not said."""

    kind: str
    name: str
    field: str
    allowed: frozenset[str] = frozenset()

    def holds(self, change: Change) -> bool:
        """Whether a change is of this field, or of what is in it and may not be changed."""
        fields = names(change.path)
        if self.name and (change.object.kind, change.object.name) != (self.kind, self.name):
            return False
        if self.allowed & set(fields[1:2]):
            return False
        path, refused = f"{'.'.join(fields)}.", f"{self.field}."
        return path.startswith(refused) or (bool(fields) and refused.startswith(path))


@dataclass(frozen=True, slots=True)
class Pointers:
    """What a trouble points at.

    Attributes:
        weights: of fields, by their last names joined with dots.
        missing: names of objects and of keys that are not there.
        refused: what the API server refused.
        text: what was said, to find fields that it names.
        reaches_others: whether other objects than the workload's may be at fault as well.
    """

    weights: Mapping[str, float]
    missing: frozenset[str]
    refused: tuple[Refused, ...]
    text: str
    reaches_others: bool

    def weight(self, change: Change) -> float:
        """What a change is worth by the fields that it is in."""
        fields = names(change.path)
        joined = f".{'.'.join(fields)}."
        # The innermost field counts: how often a probe asks is not what it asks.
        places = ((joined.rfind(f".{name}.") + len(name), weight)
                  for name, weight in self.weights.items() if f".{name}." in joined)  # fmt: skip
        found = max(places, default=(0, 0.0))[1]
        if _is_relief(change, self.text):
            return ANYTHING
        if found and fields and _is_said(fields[-1], self.text):
            found += 15
        return found or ANYTHING

    def is_named(self, change: Change) -> bool:
        """Whether the message names this very place."""
        return any(_holds(change, name) for name in self.missing) or any(
            each.holds(change) for each in self.refused
        )


def of(trouble: Trouble, said: Sequence[str] = ()) -> Pointers:
    """What the words of a trouble point at, those of log and events included."""
    told = f"{trouble.reason} {trouble.message}".strip()
    text = "\n".join([told, *said])
    weights: dict[str, float] = {}
    for rules in (_matching(told, said), _amounts(text), _exits(trouble)):
        for found in rules:
            for name, weight in found.items():
                weights[name] = max(weight, weights.get(name, 0.0))
    weights = weights or dict(PROGRAM)
    if _NO_CONNECTION.search("\n".join(said)) and "image" in weights:
        weights["egress"] = max(64.0, weights.get("egress", 0.0))
    return Pointers(
        weights, frozenset(_missing(text)), tuple(_refused(text)), text,
        reaches_others=bool(_ANYBODYS.search(told)) or bool(_NO_CONNECTION.search("\n".join(said))),
    )  # fmt: skip


def _matching(told: str, said: Sequence[str]) -> Iterator[Weights]:
    for pattern, weights in RULES:
        if re.search(pattern, told) or any(
            "probe failed" in pattern and re.search(pattern, line) for line in said
        ):
            yield weights


def _exits(trouble: Trouble) -> Iterator[Weights]:
    if trouble.exit_code is not None and trouble.reason != "OOMKilled":
        yield EXITS.get(trouble.exit_code, {})


def _amounts(text: str) -> Iterator[Weights]:
    """Which resources exceed a quota, or lie outside of a LimitRange."""
    for found in _EXCEEDED.finditer(text):
        requested, used, limited = (_pairs(group) for group in found.groups())
        for resource, amount in requested.items():
            total = (quantity(amount) or 0) + (quantity(used.get(resource, "0")) or 0)
            if total > (quantity(limited.get(resource, "0")) or 0):
                yield _of_resource(resource)
    for found in _RESOURCE_OF_RANGE.finditer(text):
        for resource in next(filter(None, found.groups())).split(","):
            yield _of_resource(resource)


def _of_resource(resource: str) -> Weights:
    if resource == "pods" or resource.startswith("count/"):
        return {"replicas": 120.0, "minReplicas": 110.0, "parallelism": 100.0}
    kind, _, bare = resource.rpartition(".")
    if kind == "limits":
        return {resource: 120.0, f"requests.{bare}": 60.0}
    return {f"requests.{bare}": 120.0, f"limits.{bare}": 100.0 if kind == "" else 90.0}


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)


def _missing(text: str) -> Iterator[str]:
    for found in _MISSING.finditer(text):
        yield from (value for name in ("name", "key", "entry") if (value := found[name]))


def _holds(change: Change, name: str) -> bool:
    """Whether a change is about the object or the key of this name."""
    if change.object.name == name:
        return True
    if names(change.path)[-1:] == (name,) and change.object.kind in ("Secret", "ConfigMap"):
        return True
    if any(isinstance(each, Item) and name in dict(each.by).values() for each in change.path):
        return True
    return any(name in _texts(value) for value in (change.old, change.new))


def _texts(value: object) -> set[str]:
    if isinstance(value, dict):
        return {text for item in value.values() for text in _texts(item)}
    if isinstance(value, list):
        return {text for item in value for text in _texts(item)}
    return {value} if isinstance(value, str) else set()


def _refused(text: str) -> Iterator[Refused]:
    for found in _INVALID.finditer(text):
        rest = found["rest"]
        allowed = set(re.findall(r"'(\w+)'", rest)) if "fields other than" in rest else set()
        if "except resources" in rest:
            allowed = {"resources", "volumeAttributesClassName"}
        for field in _FIELD.finditer(rest):
            bare = re.sub(r"\[[^\]]*\]", "", field[1])
            yield Refused(found["kind"], found["name"], bare, frozenset(allowed))
    conflicts = _CONFLICT.findall(text)
    object_ = _APPLIED.search(text)
    for field in conflicts:
        kind, name = (object_["kind"], object_["name"]) if object_ else ("", "")
        yield Refused(kind, name, re.sub(r"\[[^\]]*\]", "", field).strip("."))


def _is_relief(change: Change, text: str) -> bool:
    """Whether a change asks for less where there is too little, or gives more memory."""
    fields = names(change.path)
    if change.op is not Op.REPLACE or not isinstance(change.old, str | int | float):
        return False
    old, new = quantity(change.old), quantity(str(change.new))
    if old is None or new is None:
        return False
    if "OOMKilled" in text and fields[-2:] == ("limits", "memory"):
        return new > old
    is_amount = bool({"requests", "limits", "replicas", "minReplicas"} & set(fields[-2:]))
    return is_amount and bool(_TOO_LITTLE.search(text)) and new < old


def _is_said(field: str, text: str) -> bool:
    return len(field) >= _LONG_ENOUGH and re.search(rf"\b{re.escape(field)}\b", text) is not None
