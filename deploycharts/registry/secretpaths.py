"""Which files hold secrets: by declared paths relative to the repository, wherever it lies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

DEFAULT = ("private*", "secrets")
"""What counts where environments.yaml declares no `secretPaths`."""


def is_secret(path: Path, root: Path, patterns: Sequence[str] = DEFAULT) -> bool:
    """Whether a file is one of the declared ones.

    A file outside the repository is seen from it: `../../srv/private/x.yaml` lies in `private`, but
    folders that the repository itself lies in do not count.

    Args:
        path: the file; where it is a link, its goal counts as well.
        root: the top of the repository.
        patterns: shell patterns. One with a slash is of the path from the top, one without is of
            the name of the file or of any folder that it is in.
    """
    return any(
        _matches(PurePath(os.path.relpath(each, top)), pattern)
        for each, top in ((path, root), (path.resolve(), root.resolve()))
        for pattern in patterns
    )


def _matches(path: PurePath, pattern: str) -> bool:
    if "/" in pattern.rstrip("/"):
        wanted = pattern.strip("/")
        return fnmatchcase(str(path), wanted) or fnmatchcase(str(path), f"{wanted}/*")
    return any(fnmatchcase(part, pattern.rstrip("/")) for part in path.parts)
