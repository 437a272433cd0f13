"""The one writer. Data goes to standard output, talk goes to standard error."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

_STYLES = {
    "bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36",
}  # fmt: skip


class Console:
    """Writes lines, with colour only where a person sees it (https://no-color.org)."""

    def __init__(
        self, out: TextIO | None = None, err: TextIO | None = None, *, colour: bool | None = None
    ) -> None:
        self.out_stream = out or sys.stdout
        self.err_stream = err or sys.stderr
        self._colour = colour
        self._transient = 0

    def out(self, text: str = "") -> None:
        """Write one line (or block) of the answer that the user asked for."""
        if self._transient:
            _write(self.err_stream, self._wiped())
        _write(self.out_stream, text + "\n")

    def say(self, text: str = "") -> None:
        """Write one line of talk: progress, remarks, errors."""
        _write(self.err_stream, self._wiped() + text + "\n")

    def prompt(self, text: str) -> None:
        """Show a question; the answer is typed behind it."""
        _write(self.err_stream, self._wiped() + text)

    def status(self, *lines: str) -> None:
        """Show lines that the next ones replace; only where a person watches a terminal."""
        if self.err_stream.isatty():
            width = shutil.get_terminal_size().columns - 1
            shown = "\n".join(line[:width] for line in lines)
            _write(self.err_stream, self._wiped() + shown)
            self._transient = len(lines)

    def _wiped(self) -> str:
        wiped = "\r\x1b[K" + "\x1b[1A\x1b[K" * (self._transient - 1) if self._transient else ""
        self._transient = 0
        return wiped

    def is_coloured(self, stream: TextIO) -> bool:
        """Whether a person reads `stream` on a terminal that shows colours."""
        if self._colour is not None:
            return self._colour
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return False
        return stream.isatty()

    def style(self, text: str, *styles: str, stream: TextIO | None = None) -> str:
        """`text` in the named styles, unchanged where colour is off (stderr unless told)."""
        if not text or not self.is_coloured(stream or self.err_stream):
            return text
        codes = ";".join(_STYLES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def without_colour(self) -> None:
        """From now on write plain text."""
        self._colour = False


def _write(stream: TextIO, text: str) -> None:
    """Write and flush; when nobody reads any more, go on in silence.

    A roll-out must not die in its middle because its output went through `head`.
    """
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


console = Console()
