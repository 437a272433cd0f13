"""Git's name of a folder's contents, so that this state of it is found in the history again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_IGNORED = frozenset({"__pycache__"})


def digest(folder: Path) -> str:
    """The object name that git gives to the tree `folder`; nothing is written."""
    return (_tree(folder) or _object(b"tree", b"")).hex()


def _tree(folder: Path) -> bytes | None:
    """The name of a folder; None if there is no file in it, for git knows no empty folders."""
    entries = []
    for path in folder.iterdir():
        if path.name in _IGNORED:
            continue
        if path.is_dir() and not path.is_symlink():
            below = _tree(path)
            if below is not None:
                entries.append((f"{path.name}/", b"40000", path.name, below))
        else:
            entries.append((path.name, _mode(path), path.name, _blob(path)))
    # git sorts a folder as if its name ended in a slash
    entries.sort(key=lambda entry: os.fsencode(entry[0]))
    body = b"".join(
        mode + b" " + os.fsencode(name) + b"\0" + hashed for _, mode, name, hashed in entries
    )
    return _object(b"tree", body) if entries else None


def _mode(path: Path) -> bytes:
    if path.is_symlink():
        return b"120000"
    return b"100755" if os.access(path, os.X_OK) else b"100644"


def _blob(path: Path) -> bytes:
    body = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    return _object(b"blob", body)


def _object(kind: bytes, body: bytes) -> bytes:
    head = kind + b" " + str(len(body)).encode() + b"\0"
    return hashlib.sha1(head + body, usedforsecurity=False).digest()
