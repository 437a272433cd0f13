"""Writing the edit of an image, whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from deploycharts.deployment.imaging.model import ImageEdit
from deploycharts.errors import StalePlan


def write(root: Path, edit: ImageEdit) -> None:
    """Write the file of an edit.

    Raises:
        StalePlan: somebody changed the file since the edit was prepared.
    """
    file = (root / edit.line.path).resolve()
    now = file.read_bytes().decode() if file.is_file() else None
    if now != edit.before:
        raise StalePlan(
            "the file was changed meanwhile",
            where=edit.line.path,
            next_step=f"deploy image {edit.service} {edit.version}",
        )
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(edit.after.encode())
        if now is None:
            umask = os.umask(0)
            os.umask(umask)
            Path(name).chmod(0o666 & ~umask)
        else:
            shutil.copymode(file, name)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
