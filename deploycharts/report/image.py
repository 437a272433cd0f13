"""What an edit of an image does, for people and as JSON."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from deploycharts.changes.reference import parse
from deploycharts.documents import Json

if TYPE_CHECKING:
    from deploycharts.deployment.imaging.model import ImageEdit
    from deploycharts.source import Source
    from deploycharts.target import Target

Style = Callable[..., str]
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def diff(edit: ImageEdit) -> str:
    """The edit as a unified diff."""
    before = (edit.before or "").splitlines()
    name = edit.line.path
    old = name if edit.before is not None else "/dev/null"
    lines = difflib.unified_diff(before, edit.after.splitlines(), old, name, lineterm="", n=2)
    return "\n".join(lines)


def diff_text(edit: ImageEdit, *, style: Style) -> str:
    """The diff as a terminal shows it."""
    lines = []
    for number, line in enumerate(diff(edit).splitlines()):
        colours = ("bold",) if number < 2 else (_COLOURS.get(line[:1], ""),)
        lines.append(style(line, *filter(None, colours)) if colours[0] else line)
    return "\n".join(lines)


def subject(edit: ImageEdit) -> str:
    """The first line of the commit: SERVICE: image OLD → NEW."""
    old = dict.fromkeys(parse(each.old).version for each in edit.moves)
    return f"{edit.service}: image {', '.join(map(_short, old))} → {_short(edit.version)}"


def moves(edit: ImageEdit) -> Iterator[str]:
    """Which releases get which image, those alike in one line."""
    found: dict[tuple[str, str], dict[str, list[Target]]] = {}
    for each in edit.moves:
        containers = found.setdefault((each.old, each.new), {})
        containers.setdefault(each.container, []).append(each.target)
    for (old, new), containers in found.items():
        targets = [target for several in containers.values() for target in several]
        yield f"{_places(targets)}: {_from_to(old, new)} in {', '.join(containers)}"


def kept(edit: ImageEdit) -> Iterator[str]:
    """What overrides the edit, and what stays because of it."""
    found: dict[tuple[Source | None, str], list[Target]] = {}
    for each in edit.kept:
        found.setdefault((each.by, each.image), []).append(each.target)
    for (by, image), targets in found.items():
        version = _short(parse(image).version) or image
        verb = "keep" if len({each.environment for each in targets}) > 1 else "keeps"
        start = f"{by} overrides" if by else "it is not known why, but"
        yield f"{start}: {_places(targets)} {verb} {version}"


def as_json(edit: ImageEdit) -> dict[str, Json]:
    """The edit as JSON; `old` and `new` are whole references."""
    return {
        "service": edit.service,
        "file": edit.line.path,
        "line": edit.line.line,
        "key": edit.key_name,
        "diff": diff(edit) if edit.moves else "",
        "changes": [{**_target(e.target), "container": e.container, "old": e.old, "new": e.new}
                    for e in edit.moves],
        "kept": [{**_target(e.target), "container": e.container, "image": e.image,
                  "by": str(e.by) if e.by else None} for e in edit.kept],
    }  # fmt: skip


def _target(target: Target) -> dict[str, Json]:
    return {"environment": target.environment, "release": target.release}


def _places(targets: Iterable[Target]) -> str:
    """`staging main, canary · codfw main`, releases in the order of the roll-out."""
    places: dict[str, dict[str, None]] = {}
    for each in targets:
        places.setdefault(each.environment, {})[each.release] = None
    alike: dict[tuple[str, ...], list[str]] = {}
    for environment, releases in places.items():
        alike.setdefault(tuple(releases), []).append(environment)
    return " · ".join(f"{', '.join(e)} ({', '.join(r)})" for r, e in alike.items())


def _from_to(old: str, new: str) -> str:
    before, after = parse(old), parse(new)
    if before.repository != after.repository:
        return f"{old} → {new}"
    return f"{_short(before.version)} → {_short(after.version)}"


def _short(version: str) -> str:
    """A digest as far as people tell digests apart by."""
    head, marker, digits = version.partition("sha256:")
    return f"{head}{marker}{digits[:12]}" if marker else version
