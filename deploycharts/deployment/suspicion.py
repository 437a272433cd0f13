"""Who did it: the change that most likely made a roll-out fail, and the line that made the change.

The line is found by leaving edits out and rendering again (`rendering.ablation`) between the commit
that was deployed before and the files of now; where that commit is not known, by changing single
values of now (`rendering.influence`).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from deploycharts.changes.model import Change, Item, Op, names, show_path
from deploycharts.changes.noise import in_pod_template
from deploycharts.changes.texts import read_hunks
from deploycharts.deployment.culprit import Search
from deploycharts.deployment.evidence import Evidence
from deploycharts.deployment.plan import Step
from deploycharts.deployment.suspect import suspect, whole
from deploycharts.deployment.symptoms import Trouble
from deploycharts.documents import Document, Json, ObjectKey
from deploycharts.registry.repository import Repository
from deploycharts.source import Source
from deploycharts.target import Target

_LONGEST = 60
_PATIENCE_S = 6.0
_PLACES = ("containers", "initContainers")


@dataclass(frozen=True, slots=True)
class Suspicion:
    """The change that is most likely responsible.

    Attributes:
        change: it, secrets masked.
        sources: the lines that made it; empty where that cannot be told.
        sentence: both in one line, without a full stop.
    """

    change: Change
    sources: tuple[Source, ...]
    sentence: str


def of_evidence(repository: Repository, step: Step, found: Evidence) -> Suspicion | None:
    """The suspicion about a step that failed, from all that was collected; see `suspicion`.

    None where its pods had the same problem before, and the step does not change their template.
    """
    if any(_is_older(problem, step) for problem in found.troubles[:1]):
        return None
    documents = step.difference.head
    words = found.helm or "\n".join(found.checks)
    trouble = found.troubles[0] if found.troubles else told_by_helm(step.target, words, documents)
    said = (*found.log_tail, *found.events, *found.checks)
    return suspicion(repository, step, trouble, step.deployed_commit, said=said)


def _is_older(problem: Trouble, step: Step) -> bool:
    key = problem.workload
    if problem.identity not in {each.identity for each in step.problems}:
        return False
    changed = step.difference.changes.changes
    return not any(c.object == key and in_pod_template(key.kind, c.path) for c in changed)


def suspicion(
    repository: Repository,
    step: Step,
    trouble: Trouble,
    base_commit: str,
    *,
    said: Sequence[str] = (),
    patience_s: float = _PATIENCE_S,
) -> Suspicion | None:
    """The change of a step that is most likely responsible for a trouble, and its line.

    Changes nothing and raises nothing: it may run beside a way back. Where the line is not found in
    time, there is none.

    Args:
        repository: where the step comes from; its git knows the commit.
        step: what failed.
        trouble: why, secrets masked; `told_by_helm` makes one of helm's words.
        base_commit: what was deployed before; empty or unknown if nobody knows.
        said: lines of the container's log and of the cluster's events, secrets masked.
        patience_s: how long the search for the line may take.
    """
    changes = step.difference.changes.changes
    found = suspect(trouble, changes, documents=step.difference.head, said=said)
    if found is None:
        return None
    sources = cause_of(
        repository, step, found, whole(found, changes), base_commit,
        until=_deadline(patience_s),
    )  # fmt: skip
    return Suspicion(found, sources, _sentence(found, sources))


def cause_of(
    repository: Repository, step: Step, change: Change, whole_change: Change, base_commit: str, *,
    until: Callable[[], bool],
) -> tuple[Source, ...]:  # fmt: skip
    """The lines that made a change of a step; none where they are not found.

    Args:
        repository: where the step comes from.
        step: what was deployed.
        change: the field.
        whole_change: the change of the step that holds it.
        base_commit: what was deployed before.
        until: says when the time is over.
    """
    try:
        return Search(repository, step, until).sources(change, whole_change, base_commit)
    except Exception:
        # Whatever is wrong here, the way back must not suffer from it.
        return ()


def told_by_helm(target: Target, words: str, documents: Sequence[Document]) -> Trouble:
    """What helm said, as a trouble of the object that it names."""
    key = _named(words, documents)
    return Trouble(target, key, key, "", "Refused", words, final=True)


def _named(words: str, documents: Sequence[Document]) -> ObjectKey:
    known = [each.key for each in documents if re.search(rf"\b{re.escape(each.key.name)}\b", words)]
    best = [key for key in known if re.search(rf"\b{key.kind}\b", words, re.IGNORECASE)]
    return next(iter([*best, *known]), ObjectKey("", "", "", ""))


def _deadline(patience_s: float) -> Callable[[], bool]:
    end = time.monotonic() + patience_s
    return lambda: time.monotonic() > end


def _sentence(change: Change, sources: Sequence[Source]) -> str:
    where = " and ".join(map(str, sources[:2])) + (", …" if len(sources) > 2 else "")
    told = f"{_what(change)} {_values(change)}".strip()
    return f"{told} ({where})" if where else told


def _what(change: Change) -> str:
    """The place in few words: `image of container app in Deployment/greeter-main`."""
    fields = names(change.path)
    container = _container(change)
    if not fields:
        return str(change.object)
    if container and fields[-1] in _PLACES:
        return f"container {container} of {change.object}"
    if container:
        rest = show_path(change.path[_after(change) :])
        return f"{rest} of container {container} in {change.object}"
    return f"{show_path(change.path).removeprefix('spec.template.spec.')} of {change.object}"


def _after(change: Change) -> int:
    return next(i for i, each in enumerate(change.path) if each in _PLACES) + 2


def _container(change: Change) -> str:
    for place, element in pairwise(change.path):
        if place in _PLACES and isinstance(element, Item):
            return str(dict(element.by).get("name", "")) or str(element)
    return ""


def _values(change: Change) -> str:
    if change.op is Op.PATCH:
        hunks = read_hunks(change.new)
        removed = next((lines[0] for _, lines, _ in hunks if lines), None)
        inserted = next((lines[0] for _, _, lines in hunks if lines), None)
        return f"{_short(removed)} → {_short(inserted)}"
    if change.op is Op.REPLACE:
        return f"{_short(change.old)} → {_short(change.new)}"
    if change.op is Op.MOVE:
        return "in another order" if change.path else "under another name"
    value = change.new if change.op is Op.ADD else change.old
    sign = "added" if change.op is Op.ADD else "removed"
    return sign if isinstance(value, dict | list) and len(str(value)) > _LONGEST else (
        f"{sign}: {_short(value)}"
    )  # fmt: skip


def _short(value: Json) -> str:
    text = value.strip() if isinstance(value, str) else json.dumps(value)
    if value is None or text == "":
        return "nothing"
    line = text.splitlines()[0]
    return line if len(line) <= _LONGEST else f"…{line[-_LONGEST:]}"
