"""What is deployed where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One Helm release of one service in one environment."""

    service: str
    environment: str
    release: str

    def __str__(self) -> str:
        return f"{self.environment} {self.service}/{self.release}"
