"""The files of a service in memory, before anything is written."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping


class Tree(dict[str, str]):
    """Paths relative to the top of the repository, with their contents.

    Attributes:
        executable: the paths of files that can be run.
    """

    def __init__(self, texts: Mapping[str, str], executable: Collection[str] = ()) -> None:
        super().__init__(texts)
        self.executable = frozenset(executable) & texts.keys()

    def with_texts(self, more: Mapping[str, str]) -> Tree:
        """The tree with more files, or other contents."""
        return Tree({**self, **more}, self.executable)

    def without(self, path: str) -> Tree:
        """The tree without one of its files."""
        return Tree({p: text for p, text in self.items() if p != path}, self.executable)


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
