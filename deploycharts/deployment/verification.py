"""After an act: is all that was planned there, and nothing that only a failed revision brought?

A client-side merge finds the items of a list by one field and loses those that share it, and it
leaves fields of a failed revision that it does not know of. Both are put right by a patch of just
these fields, which is tried as a dry run first: what the API server or an admission rule takes out
again was not lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploycharts.changes.fields import FieldDiff
from deploycharts.changes.identity import flatten
from deploycharts.changes.model import INSIDE, Change, FieldPath, Item, Op, show_path
from deploycharts.changes.workloads import is_hook
from deploycharts.cluster import live
from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.cluster.kinds import OWN_KINDS, Kinds
from deploycharts.cluster.live import Live, State, in_parallel
from deploycharts.deployment import likeness
from deploycharts.deployment.owners import Hand, managers, value_at
from deploycharts.documents import Document, Json, ObjectKey

_DRY = {"dryRun": "All"}
_MANAGER = "helm"
_JSON_PATCH = "application/json-patch+json"
_SHORT_LIVED = frozenset(("Job", "Pod"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One field, or object, that is not as it was planned.

    Attributes:
        path: empty for an object that is not there.
        wanted: whether it is planned and missing; else it is there and nobody planned it.
        repaired: it is as planned by now.
    """

    object: ObjectKey
    path: FieldPath
    wanted: bool
    repaired: bool

    def __str__(self) -> str:
        if not self.path:
            return f"{self.object} is not there, though helm applied it"
        what = f"{self.object} {show_path(self.path)}"
        if self.wanted:
            done = "it was put back" if self.repaired else "it could not be put back"
            return f"{what} was not there after helm had applied it; {done}"
        done = "it was removed" if self.repaired else "it stays"
        return f"{what} is left of a failed revision; {done}"


def verify(
    cluster: Cluster, planned: Sequence[Document], failed: Sequence[Document] = (), *,
    is_ahead: bool = False,
) -> tuple[Finding, ...]:  # fmt: skip
    """Compare what is live with what was planned, and put right what was lost or left.

    Args:
        cluster: where it was applied.
        planned: the documents that helm applied; hooks and tests are left out.
        failed: documents of failed revisions since the last good one.
        is_ahead: helm has yet to apply them: only what failed revisions left is looked for.

    Raises:
        Unreachable: the API server does not answer.
        ApiError: it refuses to be read.
    """
    documents = [each for each in flatten(planned) if each.key.name and not is_hook(each)]
    now = live.read(cluster, documents)
    before: dict[ObjectKey, list[Document]] = {}
    for each in flatten(failed):
        before.setdefault(each.key, []).append(each)
    kinds = Kinds(cluster)
    checking = _Checking(cluster, kinds, now, before, is_ahead)
    return tuple(found for answer in in_parallel(checking.check, documents) for found in answer)


@dataclass(frozen=True, slots=True)
class _Checking:
    cluster: Cluster
    kinds: Kinds
    now: Mapping[ObjectKey, Live]
    before: Mapping[ObjectKey, Sequence[Document]]
    is_ahead: bool

    def check(self, each: Document) -> tuple[Finding, ...]:
        found = self.now[each.key]
        if self.is_ahead and each.key not in self.before:
            return ()
        if found.state is State.GONE and not self.is_ahead:
            stays = (each.key.group, each.key.kind) in OWN_KINDS
            is_lost = stays and each.key.kind not in _SHORT_LIVED
            return (Finding(each.key, (), wanted=True, repaired=False),) if is_lost else ()
        if found.state is not State.THERE or found.body["metadata"].get("deletionTimestamp"):
            return ()
        planned = likeness.with_plain_data(each)
        changes = [] if self.is_ahead else _missing(each, found.body)
        missing = [(change.path, change.old) for change in changes]
        extra = list(_left(each, self.before.get(each.key, ()), found.body))
        if not missing and not extra:
            return ()
        ops = [*_additions(found.body, missing), *_removals(found.body, extra)]
        after = self._patched(planned, found.body, ops)
        return tuple(_findings(each, [path for path, _ in missing], extra, after))

    def _patched(
        self, each: Document, body: Mapping[str, Any], ops: list[dict[str, Json]]
    ) -> Mapping[str, Any] | None:
        """The object after the patch; None where the API server does not take it.

        Where the dry run changes nothing, nothing is sent.
        """
        path = self.kinds.path(each)
        if path is None:
            return None
        try:
            tried = self._send(path, ops, _DRY)
            if _without_bookkeeping(tried) == _without_bookkeeping(body):
                return tried
            return self._send(path, ops, {})
        except ApiError:
            return None

    def _send(
        self, path: str, ops: list[dict[str, Json]], query: Mapping[str, str]
    ) -> dict[str, Any]:
        return self.cluster.send(
            "PATCH", path, ops, content_type=_JSON_PATCH, fieldManager=_MANAGER, **query
        )


def _findings(
    each: Document, missing: Sequence[FieldPath], extra: Sequence[FieldPath],
    after: Mapping[str, Any] | None,
) -> Iterator[Finding]:  # fmt: skip
    """What was lost or left, and whether that is over; what the API server takes out is not."""
    still = {change.path for change in _missing(each, after)} if after is not None else set()
    for path in missing:
        if after is None or path not in still:
            yield Finding(each.key, path, wanted=True, repaired=after is not None)
    for path in extra:
        gone = after is not None and value_at(dict(after), path) is None
        yield Finding(each.key, path, wanted=False, repaired=gone)


def _missing(each: Document, body: Mapping[str, Any]) -> list[Change]:
    """What was released, is not live, and nobody else sets."""
    book = managers(body)
    released = likeness.comparable(likeness.with_plain_data(each), like=each.body)
    return [
        change
        for change in likeness.differences(each, body)
        if change.op is Op.REMOVE
        and INSIDE not in change.path
        and not _is_empty(change.old)
        and not any(manager.owns(change.path, released) for manager in book)
    ]


def _left(
    each: Document, failed: Sequence[Document], body: Mapping[str, Any]
) -> Iterator[FieldPath]:
    """What only failed revisions set, is live, and helm alone sets: nothing would remove it."""
    book = managers(body)
    seen: set[FieldPath] = set()
    for one in failed:
        found = FieldDiff(each.key)
        found.compare(
            likeness.comparable(likeness.with_plain_data(one), like=each.body),
            likeness.comparable(likeness.with_plain_data(each), like=each.body),
        )
        for change in found.changes:
            if change.op is not Op.REMOVE or change.path in seen or _by_position(change.path):
                continue
            owners = [manager for manager in book if manager.owns(change.path, dict(body))]
            is_there = value_at(dict(body), change.path) is not None
            if is_there and all(manager.hand is Hand.HELM for manager in owners) and owners:
                seen.add(change.path)
                yield change.path


def _by_position(path: FieldPath) -> bool:
    return INSIDE in path or any(isinstance(each, Item) and not each.by for each in path)


def _additions(
    body: Mapping[str, Any], missing: Sequence[tuple[FieldPath, Json]]
) -> Iterator[dict[str, Json]]:
    for path, value in missing:
        pointer = _pointer(body, path[:-1])
        if pointer is not None:
            last = "-" if isinstance(path[-1], Item) else _escaped(str(path[-1]))
            yield {"op": "add", "path": f"{pointer}/{last}", "value": value}


def _removals(body: Mapping[str, Any], extra: Sequence[FieldPath]) -> Iterator[dict[str, Json]]:
    """Last items first, so that the positions of others stay what they are."""
    found = [(pointer, path) for path in extra if (pointer := _pointer(body, path)) is not None]
    for pointer, path in sorted(found, key=lambda each: _natural(each[0]), reverse=True):
        yield {"op": "test", "path": pointer, "value": value_at(dict(body), path)}
        yield {"op": "remove", "path": pointer}


def _pointer(body: Mapping[str, Any], path: FieldPath) -> str | None:
    """The JSON pointer of a path in a body; None where there is no such place."""
    pointer = ""
    value: Json = dict(body)
    for element in path:
        found = value_at(value, (element,))
        if found is None:
            return None
        name = str(element)
        if isinstance(value, list):
            name = str(next(n for n, item in enumerate(value) if item is found))
        pointer, value = f"{pointer}/{_escaped(name)}", found
    return pointer


def _natural(pointer: str) -> list[tuple[int, str]]:
    return [(int(part) if part.isdigit() else -1, part) for part in re.split("/", pointer)]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _is_empty(value: Json) -> bool:
    return value in ("", [], {}, None) or (value == 0 and not isinstance(value, bool))


def _without_bookkeeping(body: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {name: body["metadata"].get(name) for name in ("labels", "annotations")}
    return {**body, "metadata": metadata, "status": None}
