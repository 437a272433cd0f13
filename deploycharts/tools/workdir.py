"""Private temporary folders, for what must not be readable by others even for a moment."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def private_folder(purpose: str) -> Iterator[Path]:
    """A folder that only this user can enter (0700); it is removed whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix=f"deploycharts-{purpose}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
