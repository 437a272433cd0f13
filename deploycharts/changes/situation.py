"""What consequences are drawn from: both sides of one target and the changes between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from deploycharts.changes.identity import by_key
from deploycharts.changes.model import (
    Change,
    ChangeSet,
    Consequence,
    ConsequenceKind,
    Fact,
    FactKind,
    Op,
    Risk,
)
from deploycharts.changes.workloads import autoscalers, least_pods
from deploycharts.documents import Document, ObjectKey
from deploycharts.target import Target


@dataclass(frozen=True, slots=True)
class Quota:
    """A namespace's ResourceQuota: what is allowed and what all its pods use now."""

    hard: Mapping[str, str]
    used: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Side:
    """The objects of one side, and what scales them."""

    objects: Mapping[ObjectKey, Document]
    scalers: Mapping[tuple[str, str], Document]

    @classmethod
    def of(cls, documents: Sequence[Document]) -> Side:
        """The side of a list of documents."""
        objects, _ = by_key(documents)
        return cls(objects, autoscalers(objects))

    def scaler(self, each: Document) -> Document | None:
        """The autoscaler of a workload."""
        return self.scalers.get((each.key.kind, each.key.name))

    def pods(self, each: Document) -> int | None:
        """How many pods a workload has at least; None where nobody can say."""
        return least_pods(each, self.scaler(each))


@dataclass(frozen=True, slots=True)
class Situation:
    """One target before and after, with its changes by object."""

    target: Target
    base: Side
    head: Side
    changes: Mapping[ObjectKey, Sequence[Change]]
    facts: Mapping[ObjectKey, Sequence[Fact]]
    running: Mapping[ObjectKey, int]
    quota: Quota | None
    both: Sequence[tuple[Document, Document]]
    """The changed objects that are on both sides."""
    left: Side
    """What stays where the release was, if it moves to another namespace."""

    @classmethod
    def of(
        cls,
        change_set: ChangeSet,
        base: Sequence[Document],
        head: Sequence[Document],
        *,
        running: Mapping[ObjectKey, int] | None = None,
        quota: Quota | None = None,
        left: Sequence[Document] = (),
    ) -> Situation:
        """The situation of a change set; `running` counts the pods that run now."""
        changes: dict[ObjectKey, list[Change]] = {}
        for change in change_set.changes:
            changes.setdefault(change.object, []).append(change)
        facts: dict[ObjectKey, list[Fact]] = {}
        for fact in change_set.facts:
            facts.setdefault(fact.object, []).append(fact)
        old, new = Side.of(base), Side.of(head)
        keys = dict.fromkeys((*changes, *facts))
        both = [(old.objects[key], new.objects[key]) for key in keys
                if key in old.objects and key in new.objects]  # fmt: skip
        return cls(
            change_set.target, old, new, changes, facts, running or {}, quota, both, Side.of(left)
        )

    @property
    def before(self) -> Mapping[ObjectKey, Document]:
        """The objects of the base."""
        return self.base.objects

    @property
    def after(self) -> Mapping[ObjectKey, Document]:
        """The objects of the head."""
        return self.head.objects

    def say(
        self,
        kind: ConsequenceKind,
        key: ObjectKey | None,
        risk: Risk,
        sentence: str,
        because: Iterable[Change] = (),
        *,
        pods: int | None = None,
    ) -> Consequence:
        """A consequence of this target."""
        return Consequence(self.target, kind, key, tuple(because), risk, sentence, pods)

    def added(self) -> Iterable[tuple[Document, Change]]:
        """The objects that are new."""
        return self._whole(Op.ADD, self.after)

    def removed(self) -> Iterable[tuple[Document, Change]]:
        """The objects that go."""
        return self._whole(Op.REMOVE, self.before)

    def renamed(self) -> Iterable[tuple[Document, Change]]:
        """The objects that come back under another name."""
        return self._whole(Op.MOVE, self.after)

    def _whole(
        self, op: Op, documents: Mapping[ObjectKey, Document]
    ) -> Iterable[tuple[Document, Change]]:
        for key, changes in self.changes.items():
            for change in changes:
                if change.op is op and not change.path:
                    yield documents[key], change

    def effective(self, key: ObjectKey) -> list[Change]:
        """All changes of an object that reach the cluster as another value or another order."""
        silent = (FactKind.SPELLING, FactKind.DEFAULT)
        facts = [
            fact.change
            for fact in self.facts.get(key, ())
            if fact.change is not None and fact.kind not in silent
        ]
        return [*self.changes.get(key, ()), *facts]

    def running_pods(self, each: Document, side: Side) -> int | None:
        """The pods of a workload: those that run, where that is known, else the least."""
        return self.running.get(each.key, side.pods(each))
