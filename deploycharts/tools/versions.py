"""Which versions of helm and helmfile can be driven, and what each of them can do. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

# A build without stamps has no patch level: "v3.22".
_FORM = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A release of a program; pre-releases count as the release that they lead to."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """The version in a text like "v3.22", "4.2.4" or "v3.18.6+g0123456", None in any other."""
        found = _FORM.fullmatch(text.strip())
        return cls(*(int(number or 0) for number in found.groups())) if found else None


@dataclass(frozen=True, slots=True)
class Supported:
    """The versions of a program that are known to work: from `oldest`, all of `last_major`."""

    oldest: Version
    last_major: int

    def objection(self, name: str, have: Version) -> str:
        """Why a version will not do; empty if it will."""
        if have < self.oldest:
            return f"{name} {have} is too old: {self.oldest} or newer is needed"
        if have.major > self.last_major:
            return f"{name} {have} is not supported: {self.oldest} to {self.last_major}.x are"
        return ""


SUPPORTED: Mapping[str, Supported] = {
    "helm": Supported(Version(3, 18), last_major=4),
    "helmfile": Supported(Version(1, 1), last_major=1),
}
"""What `scripts/setup` accepts, too."""


class Feature(Enum):
    """What not every supported version can do: the program, and the first version that can."""

    SERVER_SIDE_APPLY = ("helm", Version(4, 0))
    """`--server-side` and `--force-conflicts`; before, helm merges on the client's side."""
    WAIT_STRATEGIES = ("helm", Version(4, 0))
    """`--wait=legacy` is what `--wait` was before; now it waits for objects of every kind."""
    HELM_4 = ("helmfile", Version(1, 2))
    """Passes helm 4 the flags that it knows."""
    TRACK_MODE_LEGACY = ("helmfile", Version(1, 4, 2))
    """`trackMode: helm-legacy`; 1.4.0 ignores the value, older ones refuse the key."""
    HOOKS_DISABLED = ("helmfile", Version(1, 8))
    """HELMFILE_DISABLE_HOOKS, at the latest: before, hooks are muted in the state's text."""

    @property
    def program(self) -> str:
        """The program that has it."""
        return self.value[0]

    @property
    def since(self) -> Version:
        """The first version that has it."""
        return self.value[1]
