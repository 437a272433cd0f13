"""Looking for secrets: in texts, in files however packed, and in what other processes show."""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

_PACKED_TEXT = re.compile(rb"(?:H4sI|SDRzS)[A-Za-z0-9+/=]{20,}")


class Needles:
    """Secrets by name, known in plain and in base64, also where they stand within a longer text.

    They are found again in spite of escapes if they are of letters, digits and hyphens.
    """

    def __init__(self, **secrets: str) -> None:
        self._spellings = {name: tuple(_spellings(secret)) for name, secret in secrets.items()}

    def found_in(self, content: bytes) -> set[str]:
        """The names of the secrets that are somewhere in it."""
        return {
            name
            for each in _unpacked(content)
            for name, spellings in self._spellings.items()
            if any(spelling in each for spelling in spellings)
        }

    def found_below(self, *folders: Path, apart_from: Iterable[Path] = ()) -> set[str]:
        """The secrets in all files of folders, each with the file that it is in."""
        left_out = set(apart_from)
        return {
            f"{name} in {file}"
            for folder in folders
            for file in folder.rglob("*")
            if file.is_file() and not left_out & {file, *file.parents}
            for name in (*self.found_in(file.read_bytes()), *self.found_in(bytes(file)))
        }


class ProcessWatch:
    """Looks, as often as it can, at arguments and environment of all processes of this machine.

    Attributes:
        found: the secrets that were seen, each with the program that showed it.
        programs: all programs that were seen at all, each with its first two arguments.
    """

    def __init__(self, needles: Needles) -> None:
        self.found: set[str] = set()
        self.programs: set[str] = set()
        self._needles = needles
        self._seen: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> ProcessWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.002):
            for process in Path("/proc").glob("[0-9]*"):
                for shown in ("cmdline", "environ"):
                    with suppress(OSError):
                        self._look((process / shown).read_bytes(), is_call=shown == "cmdline")

    def _look(self, content: bytes, *, is_call: bool) -> None:
        if content in self._seen:
            return
        self._seen.add(content)
        words = content.decode(errors="replace").split("\0")
        if is_call:
            self.programs.add(" ".join(Path(word).name for word in words[:3]))
        for name in self._needles.found_in(content):
            self.found.add(
                f"{name} in the {'arguments' if is_call else 'environment'}: {words[:3]}"
            )


def _spellings(secret: str) -> Iterator[bytes]:
    raw = secret.encode()
    yield raw
    for offset in range(3):  # base64 of what stands at each place of a group of three
        encoded = base64.b64encode(b"\0" * offset + raw)
        yield encoded[(0, 2, 3)[offset] : (len(raw) + offset) // 3 * 4]


def _unpacked(content: bytes) -> Iterator[bytes]:
    """The content, and what is packed in it: helm's releases, git's objects, archives."""
    yield content
    if content[:2] == b"\x1f\x8b":
        with suppress(OSError, EOFError, zlib.error):
            yield from _unpacked(gzip.decompress(content))
    elif content[:1] == b"\x78":
        with suppress(zlib.error):
            yield zlib.decompress(content)
    for packed in _PACKED_TEXT.findall(content):
        with suppress(binascii.Error):
            yield from _unpacked(base64.b64decode(packed + b"=" * (-len(packed) % 4)))
