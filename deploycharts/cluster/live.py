"""The objects of a release as they are now, bookkeeping of their fields included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.cluster.kinds import Kinds, is_unserved
from deploycharts.documents import Document, ObjectKey

_AT_ONCE = 8
_FORBIDDEN = (401, 403)
_NOT_FOUND = 404

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class State(Enum):
    """What came of reading an object."""

    THERE = "there"
    GONE = "gone"
    NOT_SERVED = "the cluster does not know this kind"
    FORBIDDEN = "these credentials may not read it"


@dataclass(frozen=True, slots=True)
class Live:
    """One object as it is now; `body` is empty unless it is there."""

    key: ObjectKey
    state: State
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read(cluster: Cluster, documents: Sequence[Document]) -> dict[ObjectKey, Live]:
    """The live objects of `documents`, several at a time; those without a name are left out.

    Raises:
        Unreachable: the API server does not answer.
        ApiError: it refuses for another reason than rights.
    """
    kinds = Kinds(cluster)
    named = [each for each in documents if each.key.name]
    return {
        found.key: found for found in in_parallel(lambda each: _one(kinds, cluster, each), named)
    }


def in_parallel(do: Callable[[_In], _Out], many: Iterable[_In]) -> list[_Out]:
    """Ask a cluster about many things, several at a time; answers in the order of the questions."""
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return list(pool.map(do, many))


def _one(kinds: Kinds, cluster: Cluster, each: Document) -> Live:
    try:
        path = kinds.path(each)
        if path is None:
            return Live(each.key, State.NOT_SERVED)
        return Live(each.key, State.THERE, cluster.get(path))
    except ApiError as error:
        if error.status in _FORBIDDEN:
            return Live(each.key, State.FORBIDDEN)
        if error.status != _NOT_FOUND:
            raise
        return Live(each.key, State.NOT_SERVED if is_unserved(error) else State.GONE)
