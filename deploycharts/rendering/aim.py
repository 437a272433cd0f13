"""Which cluster and namespace helm would act on, read from the arguments that helmfile gives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploycharts.tools.helm import AIM_FLAGS

KUBECONFIG, CONTEXT, NAMESPACE = AIM_FLAGS[:3]
OVERRIDES = AIM_FLAGS[3:]
"""Flags that replace a part of the kubeconfig."""
_SHORT = {"-n": NAMESPACE}


@dataclass(frozen=True, slots=True)
class Aim:
    """Where helm would act.

    Attributes:
        flags: each flag with its value, in the order of helm's arguments; the last of each counts.
        folder: where helm runs: relative paths start there.
    """

    flags: tuple[tuple[str, str], ...]
    folder: Path

    def value(self, flag: str) -> str:
        """What a flag says, empty if it is not given."""
        return dict(self.flags).get(flag, "")

    @property
    def kubeconfig(self) -> Path | None:
        """The file that is named, None if none is."""
        named = self.value(KUBECONFIG)
        return self.folder / named if named else None

    @property
    def overrides(self) -> tuple[str, ...]:
        """The flags that replace a part of the kubeconfig."""
        return tuple(dict.fromkeys(flag for flag, _ in self.flags if flag in OVERRIDES))

    def moved(self, base: Path, folder: Path) -> Aim:
        """The same from a copy of the repository that lies in `folder` instead of `base`."""
        is_below = self.folder.is_relative_to(base)
        return Aim(self.flags, folder / self.folder.relative_to(base) if is_below else self.folder)

    def words(self) -> str:
        """The flags as the guard of `tools.helmfile` compares them."""
        return "".join(f"{flag}={self.value(flag)} " for flag in AIM_FLAGS if self.value(flag))


def aim_of(argv: Sequence[str], folder: Path) -> Aim:
    """Where the helm of some recorded arguments would act."""
    found: list[tuple[str, str]] = []
    previous = ""
    for word in argv:
        flag, sign, value = word.partition("=")
        if previous in AIM_FLAGS:
            found.append((previous, word))
            previous = ""
        elif sign and _SHORT.get(flag, flag) in AIM_FLAGS:
            found.append((_SHORT.get(flag, flag), value))
        else:
            previous = _SHORT.get(word, word)
    return Aim(tuple(found), folder)
