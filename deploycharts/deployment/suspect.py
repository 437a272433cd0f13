"""Which change of a deployment is most likely responsible for a trouble. Pure: it only ranks.

A change counts by the field that it is in, as far as the trouble's reason and message point at such
fields (`deployment.pointers`), by how near its object is to the workload in trouble, and by words
of the message and of the log that its key or value holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from deploycharts.changes.model import Change, FieldPath, Item, Op, names
from deploycharts.changes.texts import read_hunks
from deploycharts.changes.workloads import config_uses, mapping, pod_spec
from deploycharts.deployment import pointers
from deploycharts.deployment.symptoms import Trouble
from deploycharts.documents import Document, Json, ObjectKey

Name: TypeAlias = tuple[str, str]
"""Kind and name of an object."""

_PLACES = ("containers", "initContainers")
_WORD = re.compile(r"[A-Za-z0-9_<][\w./:@%+-]*[\w>]|\w")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SHORTEST_WORD = 3
_WHOLE_WORD = 45
_PART_OF_WORD = 12
_MOST_PARTS = 3
_COMMON = frozenset(
    """the and not for with was has had error err fatal failed failure fail warning info level msg
    message time pod pods container containers app main name value true false null none http https
    from this that are all are can cannot could does did its out new old one two service
    default docker registry org wikimedia data spec image template metadata env text""".split()
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A field that changes, and the change of the deployment that it is part of."""

    field: Change
    whole: Change


@dataclass(frozen=True, slots=True)
class _Near:
    """The objects that a workload's pods use."""

    configs: frozenset[Name]
    others: frozenset[Name]


def suspect(
    trouble: Trouble,
    changes: Sequence[Change],
    *,
    documents: Sequence[Document] = (),
    said: Sequence[str] = (),
) -> Change | None:
    """The change that is most likely responsible; None if none is more likely than another.

    Of an object or a container that is new as a whole, it is the part of it that counts: a change
    of one field that is not itself among `changes`.

    Args:
        trouble: what is wrong.
        changes: what the deployment changes, against what ran before.
        documents: the objects that it brings: they tell what the workload mounts.
        said: lines of the container's log and of the cluster's events.
    """
    candidates = [each for change in changes for each in _parts(change)]
    if len(changes) == 1 and len(candidates) == 1:
        return candidates[0].field
    near = _near(trouble.workload, documents)
    words = _Words.of([trouble.message, *said])
    pointed = pointers.of(trouble, said)
    ranked = [(_rank(each.field, trouble, near, pointed, words), each) for each in candidates]
    best = max((rank for rank, _ in ranked), default=0.0)
    if best > pointers.ANYTHING:
        return next(each.field for rank, each in ranked if rank == best)
    return changes[0] if len(changes) == 1 else None


def whole(part: Change, changes: Sequence[Change]) -> Change:
    """The change of the deployment that holds a field that `suspect` named."""
    for change in changes:
        if any(each.field == part for each in _parts(change)):
            return change
    return part


def _parts(change: Change) -> Iterator[_Candidate]:
    """The change itself, or the fields of what it adds as a whole."""
    is_new = change.op is Op.ADD and isinstance(change.new, dict)
    if not is_new or (change.path and not _is_container(change.path)):
        yield _Candidate(change, change)
        return
    for path, value in _leaves(change.new, change.path):
        yield _Candidate(Change(Op.ADD, change.object, path, new=value), change)


def _is_container(path: FieldPath) -> bool:
    return isinstance(path[-1], Item) and len(path) > 1 and path[-2] in _PLACES


def _leaves(value: Json, path: FieldPath) -> Iterator[tuple[FieldPath, Json]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _leaves(item, (*path, name))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, _item(item, index)))
    else:
        yield path, value


def _item(value: Json, index: int) -> Item:
    name = value.get("name") if isinstance(value, dict) else None
    return Item((("name", name),)) if isinstance(name, str) else Item(index=index)


def _rank(
    change: Change, trouble: Trouble, near: _Near, pointed: pointers.Pointers, words: _Words
) -> float:
    is_own = _is_same(change.object, trouble.workload)
    weight = pointed.weight(change)
    if pointed.is_named(change):
        return 10 * pointers.CERTAIN + weight
    return weight * _nearness(change, trouble, near, pointed, is_own=is_own) + (
        words.held_by(change) if weight or is_own else words.held_by(change) / 2
    )


def _nearness(
    change: Change, trouble: Trouble, near: _Near, pointed: pointers.Pointers, *, is_own: bool
) -> float:
    name = (change.object.kind, change.object.name)
    if is_own:
        container = _container(change.path)
        return 0.4 if container and trouble.container and container != trouble.container else 1.0
    if name in near.configs:
        return 0.95
    if name in near.others:
        return 0.8
    if pointed.reaches_others:
        return 0.8
    return 0.15


def _is_same(one: ObjectKey, other: ObjectKey) -> bool:
    return (one.kind, one.name) == (other.kind, other.name)


def _container(path: FieldPath) -> str:
    for place, element in pairwise(path):
        if place in _PLACES and isinstance(element, Item):
            return str(dict(element.by).get("name", ""))
    return ""


def _near(workload: ObjectKey, documents: Sequence[Document]) -> _Near:
    found = [each for each in documents if _is_same(each.key, workload)]
    configs: set[Name] = set()
    others: set[Name] = set()
    for each in found:
        configs |= {(use.kind, use.name) for use in config_uses(each)}
        others |= set(_other_uses(pod_spec(each)))
    for each in documents:
        target = mapping(each.body, "spec", "scaleTargetRef")
        if (target.get("kind"), target.get("name")) == (workload.kind, workload.name):
            others.add((each.key.kind, each.key.name))
    return _Near(frozenset(configs), frozenset(others))


def _other_uses(spec: Mapping[str, Json]) -> Iterator[Name]:
    account = spec.get("serviceAccountName")
    if account:
        yield "ServiceAccount", str(account)
    volumes = spec.get("volumes")
    for volume in volumes if isinstance(volumes, list) else ():
        claim = mapping(volume, "persistentVolumeClaim").get("claimName")
        if claim:
            yield "PersistentVolumeClaim", str(claim)
    secrets = spec.get("imagePullSecrets")
    for secret in secrets if isinstance(secrets, list) else ():
        if mapping(secret).get("name"):
            yield "Secret", str(mapping(secret)["name"])


@dataclass(frozen=True, slots=True)
class _Words:
    """What a message and a log say: whole words, and the parts of words."""

    whole: frozenset[str]
    parts: frozenset[str]

    @classmethod
    def of(cls, lines: Iterable[str]) -> _Words:
        found = {word for line in lines for word in _WORD.findall(line)}
        telling = {word.lower() for word in found if _is_telling(word)}
        return cls(frozenset(telling), frozenset(part for word in found for part in _split(word)))

    def held_by(self, change: Change) -> float:
        """What the words that are in the change's last key or in its values are worth."""
        texts = [*_keys(change), *_values(change)]
        found = {word.lower() for text in texts for word in _WORD.findall(text)}
        found |= {text.lower() for text in texts}
        wholes = sum(1 for word in found if _is_telling(word) and word in self.whole)
        parts = {part for text in texts for part in _split(text)} & self.parts
        return _WHOLE_WORD * min(wholes, 1) + _PART_OF_WORD * min(len(parts), _MOST_PARTS)


def _is_telling(word: str) -> bool:
    return len(word) >= _SHORTEST_WORD and word.lower() not in _COMMON


def _split(text: str) -> Iterator[str]:
    for part in _PART.findall(text):
        if _is_telling(part):
            yield part.lower()


def _keys(change: Change) -> list[str]:
    """The names that say which setting it is; of an item of a list its name."""
    found = list(names(change.path)[-1:])
    for element in change.path:
        if isinstance(element, Item):
            found += [str(value) for _, value in element.by if value is not None]
    own = _container(change.path)
    return [each for each in found if each != own]


def _values(change: Change) -> Iterator[str]:
    if change.op is Op.PATCH:
        for _, removed, inserted in read_hunks(change.new):
            yield from removed
            yield from inserted
        return
    for value in (change.old, change.new):
        yield from _scalars(value)


def _scalars(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
