"""Keeping hooks of a helmfile from running where it is only read."""

from __future__ import annotations

import base64
import re
from pathlib import Path

_READING_EVENTS = (
    r"(events:\s*\[[^\]]*?)\b(?:prepare|cleanup)\b",
    r"""(events:\s*\n(?:\s*-\s*["']?\w+["']?\s*\n)*?\s*-\s*["']?)\b(?:prepare|cleanup)\b""",
)
_MOST_EVENTS = 6


def without_reading_hooks(state_file: Path) -> str:
    """A state that says the same, without the hooks that even `build` and `template` run.

    Each part is wrapped: helmfile renders it, includes and all, then the events are renamed in the
    result. A last part's `hooks` replace global ones that come from elsewhere.
    """
    is_template = state_file.suffix == ".gotmpl"
    parts = re.split(r"^---[ \t]*$", state_file.read_text(), flags=re.MULTILINE)
    wrapped = [_wrapped(part, is_template=is_template) for part in parts if part.strip()]
    return "\n---\n".join([*wrapped, "hooks: [{name: muted, events: [muted], command: 'true'}]\n"])


def _wrapped(part: str, *, is_template: bool) -> str:
    text = base64.b64encode(part.encode()).decode()
    lines = [f'{{{{- $text := b64dec "{text}" }}}}']
    if is_template:
        lines.append("{{- $text = tpl $text . }}")
    lines += [
        f'{{{{- $text = regexReplaceAll `{pattern}` $text "${{1}}muted" }}}}'
        for pattern in _READING_EVENTS
        for _ in range(_MOST_EVENTS)
    ]
    return "".join(lines) + "\n{{ $text }}"
