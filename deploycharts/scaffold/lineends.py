"""Line ends: files are merged through them, and keep those of their owner."""

from __future__ import annotations

import difflib

_CRLF, _LF = "\r\n", "\n"


def plain(text: str) -> str:
    """The text with LF at the end of each line."""
    return text.replace(_CRLF, _LF)


def like(text: str, owners: str) -> str:
    """The text with the line ends of the owner's: each line its own, new lines the usual one.

    Args:
        text: what the file shall contain, with LF.
        owners: the file as it is.
    """
    if _CRLF not in owners:
        return text
    usual = _usual(owners)
    if owners.count(_CRLF) == owners.count(_LF):
        return text.replace(_LF, _CRLF)
    before, after = _lines(owners), _lines(text)
    plain_before = [line.removesuffix(_CRLF).removesuffix(_LF) for line in before]
    plain_after = [line.removesuffix(_LF) for line in after]
    ended = [
        one if line == one else one + usual for line, one in zip(after, plain_after, strict=True)
    ]
    matcher = difflib.SequenceMatcher(None, plain_before, plain_after, autojunk=False)
    for start, other, size in matcher.get_matching_blocks():
        for offset in range(size):
            if after[other + offset].endswith(_LF) and before[start + offset].endswith(_LF):
                ended[other + offset] = before[start + offset]
    return "".join(ended)


def _usual(text: str) -> str:
    with_cr = text.count(_CRLF)
    return _CRLF if with_cr * 2 >= text.count(_LF) else _LF


def _lines(text: str) -> list[str]:
    """Lines with their ends; only LF ends one, so that nothing else in a text is split."""
    parts = text.split(_LF)
    return [f"{part}{_LF}" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
