"""What is there of a release: also what only failed revisions brought, which helm would leave.

An upgrade over a failed revision removes what the last deployed one had (pkg/action/upgrade.go), a
rollback what the newest one had (pkg/action/rollback.go). What other failed revisions brought stays
for ever, unless somebody takes it away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploycharts.changes.identity import flatten
from deploycharts.changes.lifecycle import POLICY, keeps
from deploycharts.changes.workloads import is_hook
from deploycharts.cluster import live
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.live import Live, State
from deploycharts.cluster.releases import GONE, Baseline, Revision, baseline
from deploycharts.deployment import likeness
from deploycharts.documents import Document, ObjectKey

_RELEASE = "meta.helm.sh/release-name"
_NAMESPACE = "meta.helm.sh/release-namespace"
_STATE_KINDS = frozenset(
    ("PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition")
)


@dataclass(frozen=True, slots=True)
class Leftover:
    """An object of this release that no good revision has.

    Attributes:
        revision: the newest failed one that brought it.
        kept: why it stays; empty where it can be removed.
        uid: of the live object, so that no other one of its name is removed.
    """

    document: Document = field(repr=False)
    revision: int
    kept: str
    uid: str

    @property
    def key(self) -> ObjectKey:
        """Which object."""
        return self.document.key

    def __str__(self) -> str:
        what = f"it stays: {self.kept}" if self.kept else "it is removed"
        return f"{self.key}: only revision {self.revision} brought it, which failed; {what}"


@dataclass(frozen=True, slots=True)
class Applied:
    """The objects of a release as they were applied last, object by object.

    Attributes:
        documents: of the revision that each live object shows; removable leftovers among them.
        leftovers: what no good revision has.
    """

    documents: tuple[Document, ...] = field(repr=False)
    leftovers: tuple[Leftover, ...] = ()

    def left_by(self, wanted: Sequence[Document]) -> tuple[str, ...]:
        """What becomes of each leftover that the objects `wanted` do without."""
        keys = {each.key for each in flatten(wanted)}
        return tuple(str(each) for each in self.leftovers if each.key not in keys)


def applied(cluster: Cluster, history: Sequence[Revision]) -> Applied:
    """What is there of a release; the cluster is asked only where a revision has failed.

    Raises:
        Unreachable: the API server does not answer.
    """
    base = baseline(tuple(history))
    failed = [each for each in history if _has_failed(each)]
    if base.newest is None or base.newest.status in GONE:
        return Applied(())
    good = base.good.documents() if base.good else ()
    if not failed:
        return Applied(good)
    view = _View.of(base, history)
    now = live.read(cluster, view.candidates())
    return view.compose(good, now)


def brought_by_failed(
    cluster: Cluster, history: Sequence[Revision], wanted: Sequence[Document]
) -> tuple[Leftover, ...]:
    """The leftovers that the objects `wanted` do without, after an act."""
    view = _View.of(baseline(tuple(history)), history)
    kept = {each.key for each in flatten(wanted)}
    candidates = [each for each in view.candidates() if each.key not in kept]
    if not candidates:
        return ()
    now = live.read(cluster, candidates)
    return tuple(each for each in view.leftovers(now) if each.key not in kept)


@dataclass(frozen=True, slots=True)
class _View:
    """The revisions that can have left something, newest first."""

    baseline: Baseline
    failed: tuple[Revision, ...]
    of_good: frozenset[ObjectKey]
    by_key: Mapping[ObjectKey, list[tuple[Revision, Document]]]

    @classmethod
    def of(cls, base: Baseline, history: Sequence[Revision]) -> _View:
        failed = tuple(each for each in reversed(history) if _has_failed(each))
        good = [each for each in history if each.is_good] if failed else []
        considered = sorted(
            (*failed, *([base.good] if base.good else [])), key=lambda each: -each.number
        )
        by_key: dict[ObjectKey, list[tuple[Revision, Document]]] = {}
        for revision in considered if failed else ():
            for each in flatten(revision.documents()):
                if each.key.name and not is_hook(each):
                    by_key.setdefault(each.key, []).append((revision, each))
        of_good = frozenset(key for each in good for key in _keys(each))
        return cls(base, failed, of_good, by_key)

    def candidates(self) -> list[Document]:
        """One document for each object."""
        return [documents[0][1] for documents in self.by_key.values()]

    def leftovers(self, now: Mapping[ObjectKey, Live]) -> Iterator[Leftover]:
        """What is there of this release and no good revision has."""
        for key, documents in self.by_key.items():
            found = now.get(key)
            if key in self.of_good or found is None or not self._is_ours(found):
                continue
            metadata = found.body.get("metadata") or {}
            best = _best([each for _, each in documents], found)
            revision = next(each for each, document in documents if document is best)
            kept = _kept(key, metadata)
            yield Leftover(best, revision.number, kept, str(metadata.get("uid") or ""))

    def compose(self, good: Sequence[Document], now: Mapping[ObjectKey, Live]) -> Applied:
        """The documents that the live objects show."""
        newest = self.baseline.newest
        assert newest is not None
        of_newest = _keys(newest)
        leftovers = tuple(self.leftovers(now))
        documents = []
        for each in flatten(good):
            found = now.get(each.key)
            if found is None or is_hook(each):
                documents.append(each)
            elif found.state is State.THERE:
                documents.append(_best(self._since_good(each.key), found))
            elif found.state is State.FORBIDDEN or each.key in of_newest:
                documents.append(each)
        documents += [each.document for each in leftovers if not each.kept]
        return Applied(tuple(documents), leftovers)

    def _since_good(self, key: ObjectKey) -> list[Document]:
        """What can have been applied since the last good revision, it included."""
        good = self.baseline.good
        first = good.number if good else 0
        return [each for revision, each in self.by_key[key] if revision.number >= first]

    def _is_ours(self, found: Live) -> bool:
        metadata = found.body.get("metadata") or {}
        notes = metadata.get("annotations") or {}
        newest = self.baseline.newest
        assert newest is not None
        owner = (notes.get(_NAMESPACE), notes.get(_RELEASE))
        is_going = bool(metadata.get("deletionTimestamp"))
        return owner == (newest.namespace, newest.release) and not is_going


def _has_failed(revision: Revision) -> bool:
    return not revision.is_good and revision.status not in GONE


def _keys(revision: Revision) -> frozenset[ObjectKey]:
    return frozenset(each.key for each in flatten(revision.documents()) if not is_hook(each))


def _kept(key: ObjectKey, metadata: Mapping[str, Any]) -> str:
    if keeps({"metadata": metadata}):
        return f"its annotation {POLICY} says keep"
    return f"a {key.kind} may hold data" if key.kind in _STATE_KINDS else ""


def _best(documents: Sequence[Document], found: Live) -> Document:
    """The document that the live object shows; the newest of those that are as near."""
    different = [each for each in documents if each.body != documents[0].body]
    if not different:
        return documents[0]
    distances = [likeness.distance(each, found.body) for each in documents]
    return documents[distances.index(min(distances))]


def remove(cluster: Cluster, leftover: Leftover) -> bool:
    """Remove a leftover, unless it stays; says whether it was there."""
    from deploycharts.cluster.connection import ApiError
    from deploycharts.cluster.kinds import Kinds

    path = Kinds(cluster).path(leftover.document)
    if leftover.kept or path is None:
        return False
    options = {"propagationPolicy": "Background", "preconditions": {"uid": leftover.uid}}
    try:
        cluster.send("DELETE", path, options)
    except ApiError as error:
        if error.status in (404, 409):  # it is gone, or another one by now
            return False
        raise
    return True
