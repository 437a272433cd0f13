"""What a repository would be with another values file, tried out without touching it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploycharts.registry.repository import Repository
from deploycharts.tools.workdir import private_folder


@contextmanager
def with_file(repository: Repository, path: str, content: bytes) -> Iterator[Repository]:
    """A private folder that looks like the repository, but for one file of a service.

    Args:
        repository: what it looks like; all but that file's folder are links into it.
        path: from the top of the repository; its folder exists.
        content: what the file holds instead.
    """
    with private_folder("image") as workdir:
        copy = workdir.resolve() / "repository"
        _link_all(repository.root, copy)
        folder = Path(path).parent
        for parent in reversed(folder.parents[:-1]):
            (copy / parent).unlink()
            _link_all(repository.root / parent, copy / parent)
        (copy / folder).unlink()
        shutil.copytree(repository.root / folder, copy / folder, symlinks=True)
        place = copy / path
        place.unlink(missing_ok=True)
        place.write_bytes(content)
        yield Repository(copy)


def _link_all(folder: Path, copy: Path) -> None:
    copy.mkdir(mode=0o700)
    for entry in os.scandir(folder):
        (copy / entry.name).symlink_to(entry.path)
