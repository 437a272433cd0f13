"""Answers are data: template marks in them stay as they are, and are not taken for leftovers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploycharts.scaffold.question import Answers, Value

_MASKED = {"<": "\ue000", ">": "\ue001"}
"""Each mark of the templates has one of these characters; answers cannot contain the masks."""
MASKS = frozenset(_MASKED.values())


def masked(answers: Answers) -> dict[str, Any]:
    """The answers, with masks in place of what could be read as a template's mark."""
    return {key: _masked(value) for key, value in answers.items()}


def unmask(text: str) -> str:
    """What was rendered, with the answers as they were given."""
    return _with(text, {mask: plain for plain, mask in _MASKED.items()})


def _with(text: str, replacements: Mapping[str, str]) -> str:
    for old, new in replacements.items():
        text = text.replace(old, new)
    return text


def _masked(value: Value) -> Any:
    if isinstance(value, str):
        return _with(value, _MASKED)
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, Mapping):
        return {_masked(key): _masked(item) for key, item in value.items()}
    return value
