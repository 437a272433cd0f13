"""A git tree laid out as a repository of its own: one side of a review."""

from __future__ import annotations

import hashlib
import os
import posixpath
import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from deploycharts.registry.repository import STATE_FILES, Repository
from deploycharts.rendering.cache import key, user_cache
from deploycharts.tools import helm
from deploycharts.tools.git import Entry, Files

_ABSENT = "absent"


class Tree:
    """The files of one side.

    What tells how they hang together is laid out on disk when somebody asks for `root`; the rest
    by `require`.
    """

    def __init__(self, files: Files, folder: Path, *, title: str) -> None:
        """The tree `files`, to be laid out as `folder`; `title` is what people call it."""
        self.files = files
        self.title = title
        self._folder = folder
        self._entries: Mapping[str, Entry] | None = None
        self._laid_out: set[str] = set()
        self._listings: dict[Path, str] = {}
        self._lock = threading.RLock()
        self._listed = threading.Lock()

    @property
    def entries(self) -> Mapping[str, Entry]:
        """All files, by their path in the repository."""
        # No cached_property: its lock would make the two sides wait for each other.
        with self._listed:
            if self._entries is None:
                self._entries = self.files.entries()
            return self._entries

    @property
    def root(self) -> Path:
        """The repository's folder."""
        with self._lock:
            if not self._laid_out:
                self.require(path for path, entry in self.entries.items() if _is_first(path, entry))
        return self._folder / self.files.prefix if self.files.prefix else self._folder

    @cached_property
    def repository(self) -> Repository:
        """What the tree says as a repository."""
        return Repository(self.root)

    @cached_property
    def is_repository(self) -> bool:
        """Whether it has what makes a deployment-charts repository."""
        return "helmfile.d/environments.yaml" in self.entries

    @cached_property
    def folders(self) -> Mapping[str, tuple[str, ...]]:
        """Every folder with the files below it."""
        found: dict[str, list[str]] = {}
        for path in self.entries:
            folder = posixpath.dirname(path)
            while folder:
                found.setdefault(folder, []).append(path)
                folder = posixpath.dirname(folder)
        return {folder: tuple(paths) for folder, paths in found.items()}

    def require(self, paths: Iterable[str]) -> None:
        """Make sure that files are laid out; folders and missing files do not matter."""
        with self._lock:
            missing = [
                path for path in paths if path in self.entries and path not in self._laid_out
            ]
            if missing:
                self.files.lay_out(self._folder, missing)
                self._laid_out.update(missing)

    def listing(self, chart: Path) -> str:
        """The listing of a chart, see `helm.chart_listing`; remembered by content."""
        with self._lock:
            if chart not in self._listings:
                self._listings[chart] = self._listing(chart)
            return self._listings[chart]

    def _listing(self, chart: Path) -> str:
        paths = self.closure([self.path_of(chart)])
        name = key("listing", self.digest(paths))
        known = user_cache().get(name)
        if known is not None:
            return known.decode(errors="surrogateescape")
        self.require(paths)
        listing = helm.chart_listing(chart)
        user_cache().put(name, listing.encode(errors="surrogateescape"))
        return listing

    def path_of(self, place: Path) -> str:
        """The path in the repository of a place on disk."""
        return posixpath.normpath(os.path.relpath(place, self.root))

    def below(self, folder: str) -> tuple[str, ...]:
        """The files below a folder, or the file itself."""
        return (folder,) if folder in self.entries else self.folders.get(folder, ())

    def has(self, path: str) -> bool:
        """Whether there is a file or folder of this path."""
        return path in self.entries or path in self.folders

    def text(self, path: str) -> str:
        """The text of a file; links are followed, "" if there is none."""
        self.require([path])
        try:
            return (self.root / path).read_text(errors="replace")
        except OSError:
            return ""

    def closure(self, paths: Iterable[str]) -> frozenset[str]:
        """Files and folders with everything that symbolic links among them lead to.

        What is not there is kept too: that it is missing is a fact that a change can change.
        """
        found: set[str] = set()
        waiting = list(paths)
        while waiting:
            path = waiting.pop()
            if path in found:
                continue
            found.add(path)
            entry = self.entries.get(path)
            if entry is None:
                waiting += self._through_links(path) or self.folders.get(path, ())
            elif entry.is_link:
                waiting.append(self._target(path))
        return frozenset(found)

    def digest(self, paths: Iterable[str]) -> str:
        """The sha256 of the contents of files, and of what is missing."""
        sums = hashlib.sha256()
        for path in sorted(paths):
            sums.update(f"{path}\0{self._identity(path)}\n".encode(errors="surrogateescape"))
        return sums.hexdigest()

    def _identity(self, path: str) -> str:
        entry = self.entries.get(path)
        if entry is not None:
            return f"{entry.mode} {entry.blob}"
        if path in self.folders:
            return "folder"
        if path.startswith("/"):
            return _outside(Path(path))
        return _ABSENT

    def _target(self, link: str) -> str:
        target = posixpath.join(posixpath.dirname(link), str((self.root / link).readlink()))
        return posixpath.normpath(target)

    def _through_links(self, path: str) -> Iterator[str] | list[str]:
        """Where a path leads whose folder is a link."""
        parts = path.split("/")
        for length in range(len(parts) - 1, 0, -1):
            link = "/".join(parts[:length])
            entry = self.entries.get(link)
            if entry is not None and entry.is_link:
                rest = "/".join(parts[length:])
                return [link, posixpath.normpath(posixpath.join(self._target(link), rest))]
        return []


def _is_first(path: str, entry: Entry) -> bool:
    """Whether a file is laid out at once: what tells how the rest hangs together."""
    folder, name = posixpath.split(path)
    if entry.is_link or name == "Chart.yaml" or folder == "helmfile.d":
        return True
    is_state = name in STATE_FILES or name.endswith((".gotmpl", ".tpl"))
    return is_state and path.startswith("helmfile.d/")


def _outside(path: Path) -> str:
    """What a file outside the repository says; it is the same for both sides."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return _ABSENT
