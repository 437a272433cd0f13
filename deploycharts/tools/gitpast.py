"""What a file said in earlier commits."""

from __future__ import annotations

import re
from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.tools import process


def values_before(root: Path, path: Path, key: str) -> tuple[str, ...]:
    """The values that a top-level key of a YAML file had in committed versions, newest first.

    Only plain values count, as `key: value` on one line. Without git there are none.

    Args:
        root: a folder of the repository.
        path: of the file, as it is named now.
        key: the key.
    """
    try:
        answer = process.run(
            ["git", "-C", str(root), "log", "--format=", "--unified=0",
             "--patch", "--no-color", "--no-ext-diff", "--", str(path)],
            ok=range(256),
        )  # fmt: skip
    except UserError:
        return ()
    line = re.compile(rf"^[+-]{re.escape(key)}:[ \t]*[\"']?([^\s\"'#]+)", re.MULTILINE)
    return tuple(dict.fromkeys(line.findall(answer.out)))
