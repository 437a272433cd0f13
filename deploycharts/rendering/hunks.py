"""What differs between two trees of files, in pieces that can be applied one by one.

Values files are cut by leaf: a moved key, a comment or another quoting is no piece, and each
changed leaf is one of its own. All other text is cut as `git diff` does, lines that are replaced
one by one each for themselves.
"""

from __future__ import annotations

import difflib
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deploycharts.errors import UserError
from deploycharts.rendering.marked import KeyPath, Marked, Table, leaves, plain
from deploycharts.rendering.reading import read
from deploycharts.source import Source

# Files that Helm or helmfile read as text, as templates, or by other rules than values.
_NO_VALUES = frozenset(("Chart.yaml", "Chart.lock", "environments.yaml"))
_NO_VALUES_FOLDERS = frozenset(("templates", "files", "crds"))
_PAIRED_LINES = 12
_NOTHING = "{}"


@dataclass(frozen=True, slots=True)
class Hunk:
    """One piece of the difference.

    Attributes:
        path: the file, from the top of the tree.
        source: its line in the head; in the base if the piece only removes.
        begin: the first line in the base that it replaces, from 0; of lines only.
        end: the line after the last one.
        lines: what comes instead, or None.
        leaf: the path of a value, or None.
    """

    path: str
    source: Source
    begin: int = 0
    end: int = 0
    lines: tuple[str, ...] | None = None
    leaf: KeyPath | None = None


def hunks(base: Path, head: Path, changed: Iterable[str]) -> tuple[Hunk, ...]:
    """The pieces of the difference of two folders, in the files that are named."""
    return tuple(hunk for path in sorted(set(changed)) for hunk in _file_hunks(base, head, path))


def apply(base: Path, head: Path, chosen: Iterable[Hunk], folder: Path) -> None:
    """Write the base's version of the chosen hunks' files, with these hunks, into `folder`.

    Files of `folder` are replaced, never written into: they may be links to others.
    """
    by_path: dict[str, list[Hunk]] = defaultdict(list)
    for hunk in chosen:
        by_path[hunk.path].append(hunk)
    for path, own in by_path.items():
        if own[0].leaf is not None:
            text = _with_leaves(base / path, head / path, own)
            if text != _NOTHING or is_there(head / path):
                _replace(folder / path, text)
            else:
                _remove(folder / path)
        elif own[0].lines is not None:
            _replace(folder / path, _with_lines(base / path, own))
        else:
            put(head / path, folder / path)


def put(source: Path, file: Path) -> None:
    """Make `file` what `source` is: a file, a link or nothing."""
    _remove(file)
    if is_there(source):
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, file, follow_symlinks=False)


def _file_hunks(base: Path, head: Path, path: str) -> Iterator[Hunk]:
    if is_same_file(base / path, head / path):
        return
    old, new = _text(base / path), _text(head / path)
    if old is None or new is None:
        text = new or old or ""
        yield Hunk(path, Source(path, _first_line(text) if text else None))
        return
    cut = _leaf_hunks(path, old, new)
    if cut is not None:
        yield from cut
    elif is_there(base / path) and is_there(head / path):
        yield from _line_hunks(path, old, new)
    else:
        yield Hunk(path, Source(path, _first_line(new or old)))


def is_same_file(base: Path, head: Path) -> bool:
    """Whether two paths are the same file, link or nothing."""
    if base.is_symlink() or head.is_symlink():
        return base.is_symlink() and head.is_symlink() and base.readlink() == head.readlink()
    if not base.is_file() or not head.is_file():
        return base.is_file() == head.is_file()
    is_program = [file.stat().st_mode & 0o100 for file in (base, head)]
    return base.read_bytes() == head.read_bytes() and is_program[0] == is_program[1]


def _text(file: Path) -> str | None:
    """The text of a file, empty where there is none; None of what is no plain text file."""
    if not is_there(file):
        return ""
    if file.is_symlink() or not file.is_file():
        return None
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError:
        return None


def _leaf_hunks(path: str, old: str, new: str) -> list[Hunk] | None:
    """One hunk a changed leaf; None if the file is none of values."""
    if not _is_values(path) or any(sign in text for text in (old, new) for sign in ("{{", "ref+")):
        return None
    try:
        before, after = _leaves(old, path), _leaves(new, path)
    except UserError:
        return None
    changed = [key for key in {**before, **after} if _value(before, key) != _value(after, key)]
    if not changed and not (old and new):
        return None
    return [Hunk(path, _leaf_source(before.get(key), after.get(key), old, new), leaf=key)
            for key in changed]  # fmt: skip


def _leaf_source(before: Marked | None, after: Marked | None, old: str, new: str) -> Source:
    """The line of the key; of a changed list or long text the first line in it that is new."""
    if before is None or after is None:
        found = after or before
        assert found is not None
        return found.origin.source
    known = _span(before, old)
    source = after.origin.source
    for number, line in enumerate(_span(after, new), source.line or 1):
        if line not in known:
            return Source(source.path, number)
    return source


def _span(value: Marked, text: str) -> list[str]:
    first = value.origin.source.line or 1
    return text.splitlines()[first - 1 : value.origin.last_line or first]


def _leaves(text: str, path: str) -> dict[KeyPath, Marked]:
    return {key: leaf for key, leaf in leaves(read(text, path)) if key}


def _is_values(path: str) -> bool:
    pure = PurePosixPath(path)
    is_state = pure.name.startswith("helmfile")
    is_yaml = pure.suffix in (".yaml", ".yml")
    special = pure.name in _NO_VALUES or _NO_VALUES_FOLDERS & set(pure.parts[:-1])
    return is_yaml and not is_state and not special


def _value(found: Mapping[KeyPath, Marked], key: KeyPath) -> str | None:
    """The value's text: 1 and true are different, though Python thinks them equal."""
    return json.dumps(plain(found[key]), sort_keys=True) if key in found else None


def _line_hunks(path: str, old: str, new: str) -> Iterator[Hunk]:
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, begin, end, start, stop in matcher.get_opcodes():
        if tag == "equal":
            continue
        size = end - begin
        if size == stop - start and size <= _PAIRED_LINES:
            for at in range(size):
                one = (after[start + at],)
                yield Hunk(path, Source(path, start + at + 1), begin + at, begin + at + 1, one)
            continue
        lines = tuple(after[start:stop])
        line = start + _first_line("".join(lines)) if lines else begin + 1
        yield Hunk(path, Source(path, line), begin, end, lines)


def _first_line(text: str) -> int:
    """The first line that says something."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith(("#", "{{/*", "{{- /*")):
            return number
    return 1


def _with_lines(base: Path, chosen: Sequence[Hunk]) -> str:
    lines = base.read_bytes().decode().splitlines(keepends=True)
    for hunk in sorted(chosen, key=lambda each: (each.begin, each.end), reverse=True):
        lines[hunk.begin : hunk.end] = hunk.lines or ()
    return "".join(lines)


def _with_leaves(base: Path, head: Path, chosen: Sequence[Hunk]) -> str:
    """The base's values with the head's at some places; JSON is YAML to everybody who reads it."""
    tree = read(_text(base) or "", str(base))
    wanted = _leaves(_text(head) or "", str(head))
    keys = [hunk.leaf for hunk in chosen if hunk.leaf is not None]
    for key in keys:
        if key not in wanted:
            _drop(tree, key)
    for key in keys:
        if key in wanted:
            _set(tree, key, wanted[key])
    return json.dumps(plain(tree), ensure_ascii=False, indent=1)


def _drop(tree: Table, key: KeyPath) -> None:
    inner = tree.items.get(key[0])
    if len(key) == 1:
        tree.items.pop(key[0], None)
    elif isinstance(inner, Table):
        _drop(inner, key[1:])
        if not inner.items:
            del tree.items[key[0]]


def _set(tree: Table, key: KeyPath, value: Marked) -> None:
    if len(key) == 1:
        tree.items[key[0]] = value
        return
    inner = tree.items.get(key[0])
    if not isinstance(inner, Table):
        inner = Table(value.origin)
        tree.items[key[0]] = inner
    _set(inner, key[1:], value)


def _replace(file: Path, text: str) -> None:
    _remove(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())


def _remove(file: Path) -> None:
    if is_there(file):
        file.unlink()


def is_there(file: Path) -> bool:
    """Whether there is a file or a link, even a dangling one."""
    return file.is_symlink() or file.exists()
