"""How large the record is that helm keeps of a revision: a Secret has room for 1 MiB of it.

Helm writes the release as JSON, packs it with gzip at its best and encodes it as base64
(pkg/storage/driver/util.go): the whole chart is in it, with all of its files, the values and the
objects.
"""

from __future__ import annotations

import base64
import fnmatch
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

from deploycharts.deployment.objections import Refusal, RefusalKind
from deploycharts.documents import ObjectKey
from deploycharts.rendering.release import Release
from deploycharts.rendering.render import Rendered
from deploycharts.source import Source

LIMIT = 1024 * 1024
"""What the API server lets a Secret hold (MaxSecretSize)."""
_SURE = 1.02
"""Times and formats are not the same to the byte: what is this much too large certainly is."""
_MOST_NAMED = 3
_UNIT = 1024


def refusal(rendered: Rendered) -> Refusal | None:
    """The refusal of a revision that helm cannot record; None if it can.

    Named are the files that take most of the room.
    """
    release = rendered.release
    files = dict(_files(release))
    raw = sum(map(len, files.values())) + sum(len(layer.content) for layer in release.layers)
    if raw + _length(rendered) < LIMIT // 4:
        return None
    size = record_size(rendered, files)
    if size <= LIMIT * _SURE:
        return None
    largest = sorted(((_packed(data), file) for file, data in files.items()), reverse=True)
    named = [
        f"{_shown(file, release)} ({_mebibytes(len(files[file]))})"
        for _, file in largest[:_MOST_NAMED]
        if len(files[file]) > LIMIT // 20
    ]
    key = ObjectKey("", "Secret", release.namespace, f"sh.helm.release.v1.{release.target.release}")
    message = (
        f"helm's record of the revision would have {_mebibytes(size)}, and a Secret has room for "
        f"{_mebibytes(LIMIT)}: the whole chart is in it"
    )
    return Refusal(
        key, RefusalKind.TOO_LARGE, message, sources=tuple(Source(name) for name in named)
    )


def record_size(rendered: Rendered, files: dict[Path, bytes]) -> int:
    """The size of the record in bytes, to about a hundredth."""
    record = {
        "name": rendered.release.target.release,
        "chart": {
            "files": [
                {"name": str(file), "data": base64.b64encode(data).decode()}
                for file, data in files.items()
            ],
        },
        "config": [layer.content.decode(errors="replace") for layer in rendered.release.layers],
        "manifest": json.dumps([dict(each.body) for each in rendered.documents]),
    }
    packed = _packed(json.dumps(record).encode())
    return -(-packed // 3) * 4


def _length(rendered: Rendered) -> int:
    return sum(len(json.dumps(dict(each.body))) for each in rendered.documents)


def _packed(data: bytes) -> int:
    return len(zlib.compress(data, 9))


def _files(release: Release) -> Iterator[tuple[Path, bytes]]:
    """The chart's files but for those that its .helmignore leaves out."""
    folder = release.chart.path
    if folder is None:
        return
    ignored = _patterns(folder)
    for file in sorted(folder.rglob("*")):
        below = str(file.relative_to(folder))
        if file.is_file() and not any(_matches(below, each) for each in ignored):
            yield file, file.read_bytes()


def _patterns(folder: Path) -> list[str]:
    file = folder / ".helmignore"
    lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith(("#", "!"))]


def _matches(below: str, pattern: str) -> bool:
    pattern = pattern.strip("/")
    parts = below.split("/")
    ways = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    return any(fnmatch.fnmatchcase(each, pattern) for each in (*ways, *parts))


def _shown(file: Path, release: Release) -> str:
    folder = release.chart.path
    assert folder is not None
    return f"{release.chart.reference.rstrip('/').rpartition('/')[2]}/{file.relative_to(folder)}"


def _mebibytes(size: int) -> str:
    return f"{size / _UNIT / _UNIT:.2f} MiB"
