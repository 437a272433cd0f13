"""The files of a chart and of its subcharts, unpacked or packed, in memory."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploycharts import documents
from deploycharts.documents import Json
from deploycharts.errors import UserError
from deploycharts.source import Source


@dataclass(frozen=True, slots=True)
class ChartFiles:
    """A chart.

    Attributes:
        name: as its Chart.yaml says.
        shown: its folder as users type it.
        files: path inside → content, without those of subcharts.
        subcharts: in `charts/`, enabled or not.
        dependencies: what Chart.yaml declares of them.
    """

    name: str
    shown: str
    files: Mapping[str, bytes]
    subcharts: tuple[ChartFiles, ...]
    dependencies: tuple[Mapping[str, Json], ...]

    def names_of(self, subchart: ChartFiles) -> list[str]:
        """Under which names a subchart can be enabled: its aliases, else its own name."""
        declared = [each for each in self.dependencies if each.get("name") == subchart.name]
        return [str(each.get("alias") or subchart.name) for each in declared] or [subchart.name]

    def texts(self) -> Iterator[tuple[str, str]]:
        """The files that are text, each with its path as users type it."""
        for name, content in self.files.items():
            try:
                yield f"{self.shown}/{name}", content.decode()
            except UnicodeDecodeError:
                continue


def read_chart(folder: Path, shown: str) -> ChartFiles:
    """The chart in a folder; links are followed.

    Raises:
        UserError: there is none, or its Chart.yaml is not valid.
    """
    files = {}
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            file = Path(parent, name)
            if file.is_file():
                files[file.relative_to(folder).as_posix()] = file.read_bytes()
    return _chart(files, shown)


def _chart(files: Mapping[str, bytes], shown: str) -> ChartFiles:
    source = Source(f"{shown}/Chart.yaml")
    if "Chart.yaml" not in files:
        raise UserError("this chart has no Chart.yaml", where=source)
    body = documents.load(files["Chart.yaml"], source)
    head = body if isinstance(body, dict) else {}
    declared = head.get("dependencies")
    own = {name: content for name, content in files.items() if not name.startswith("charts/")}
    return ChartFiles(
        name=str(head.get("name")),
        shown=shown,
        files=own,
        subcharts=tuple(_subcharts(files, shown)),
        dependencies=tuple(
            each
            for each in (declared if isinstance(declared, list) else ())
            if isinstance(each, dict)
        ),
    )


def _subcharts(files: Mapping[str, bytes], shown: str) -> Iterator[ChartFiles]:
    folders: dict[str, dict[str, bytes]] = {}
    for name, content in files.items():
        top, _, rest = name.partition("/")
        first, _, inner = rest.partition("/")
        if top == "charts" and first and first[0] not in "._":
            if inner:
                folders.setdefault(first, {})[inner] = content
            elif first.endswith(".tgz"):
                folders[first] = _unpacked(content)
    for first, content_of in sorted(folders.items()):
        if "Chart.yaml" in content_of:
            yield _chart(content_of, f"{shown}/charts/{first}")


def _unpacked(packed: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        for member in archive:
            stream = archive.extractfile(member)
            _, _, name = member.name.partition("/")
            if stream is not None and name and ".." not in Path(name).parts:
                found[name] = stream.read()
    return found
