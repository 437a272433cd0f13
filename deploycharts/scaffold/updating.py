"""What an update does to the files of a service, and how it is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploycharts.console import console
from deploycharts.errors import Exit
from deploycharts.scaffold.apply import FilePlan
from deploycharts.scaffold.merge import MEANINGS, Fate, Merged
from deploycharts.scaffold.question import Answers
from deploycharts.scaffold.tree import diff


@dataclass(frozen=True, slots=True)
class Update:
    """What catching up means for one service."""

    service: str
    answers: Answers
    files: Mapping[str, Merged]
    record: str

    @property
    def conflicts(self) -> list[str]:
        """The files in which lines are in conflict."""
        return [path for path, merged in self.files.items() if merged.fate == "conflict"]

    @property
    def is_needed(self) -> bool:
        """Whether any file changes."""
        return any(merged.fate not in {"same", "owner-deleted", "kept"} for merged in
                   self.files.values())  # fmt: skip


def say(updates: Sequence[Update]) -> None:
    """What becomes of each file, and what the words for it mean."""
    met: set[Fate] = set()
    for update in updates:
        console.say(update.service)
        fates = Counter(merged.fate for merged in update.files.values())
        for path, merged in update.files.items():
            if merged.fate != "same":
                remark = f" ({merged.remark})" if merged.remark else ""
                console.say(f"  {merged.fate:<14}{path}{remark}")
        console.say(f"  {'same':<14}{fates['same']} files")
        met |= fates.keys() - {"same"}
    for fate, meaning in MEANINGS.items():
        if fate in met:
            console.say(f"({fate}: {meaning})")


def say_dry(plan: FilePlan, updates: Sequence[Update]) -> None:
    """Show what would be written."""
    for path, text in plan.files.items():
        console.say(diff(path, plan.before[path], text))
    for one in updates:
        for path, merged in one.files.items():
            if merged.remark:
                console.say(f"{path}: {merged.remark}")


def say_end(updates: Sequence[Update]) -> int:
    """What was written, and what is left to do; the exit code."""
    conflicts = [path for one in updates for path in one.conflicts]
    console.say(f"updated: {', '.join(one.service for one in updates)}")
    if not conflicts:
        console.say("next: git diff")
        return Exit.DONE
    console.say("conflicts, in which both sides' lines are kept:")
    for path in conflicts:
        console.say(f"  {path}")
    console.say("next: resolve what is between <<<<<<< and >>>>>>>, then review-charts")
    return Exit.CHECK_FAILED
