"""The files of a service in memory, before anything is written."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TypeAlias

Tree: TypeAlias = Mapping[str, str]
"""Paths relative to the top of the repository, with their contents."""


def chart_folder(chart: str) -> str:
    """Where a chart is."""
    return f"charts/{chart}"


def service_folder(service: str) -> str:
    """Where a service's helmfile and value layers are."""
    return f"helmfile.d/services/{service}"


def registry_entry(service: str) -> str:
    """What administrators agreed to."""
    return f"helmfile.d/cluster/services/{service}.yaml"


def outline(paths: Mapping[str, str], *, hide: str = "") -> Iterator[str]:
    """The paths as an indented tree, each with its remark, but for the remark to `hide`."""
    shown: tuple[str, ...] = ()
    for path in sorted(paths):
        *folders, file = path.split("/")
        for depth, folder in enumerate(folders):
            if tuple(folders[: depth + 1]) != shown[: depth + 1]:
                yield f"{'  ' * depth}{folder}/"
                shown = tuple(folders[: depth + 1])
        shown = tuple(folders)
        remark = f"   {paths[path]}" if paths[path] not in {"", hide} else ""
        yield f"{'  ' * len(folders)}{file}{remark}"


def diff(path: str, before: str | None, after: str | None) -> str:
    """A unified diff of one file; None where it does not exist."""
    lines = difflib.unified_diff(
        (before or "").splitlines(keepends=True),
        (after or "").splitlines(keepends=True),
        "/dev/null" if before is None else f"a/{path}",
        "/dev/null" if after is None else f"b/{path}",
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)
