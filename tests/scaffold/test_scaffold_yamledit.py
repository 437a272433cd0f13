"""Edits of YAML that people wrote change one value and not a byte more."""

from __future__ import annotations

import pytest

from deploycharts.errors import UserError
from deploycharts.source import Source
from deploycharts.tools import yamledit

TEXT = """\
# A comment
image:   {repository: x,   tag: '1.0.0'}   # flow
on: yes
version: 0.1.0   # mine
quoted: "0.1.0"
list: [ 1,2 ]
last: x
last: y
"""
SOURCE = Source("file.yaml")


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (["version"], "0.1.1", "version: 0.1.0   # mine", "version: 0.1.1   # mine"),
        (["quoted"], "0.1.1", '"0.1.0"', '"0.1.1"'),
        (["image", "tag"], "2.0.0", "'1.0.0'", "'2.0.0'"),
        (["version"], "on", "0.1.0   # mine", '"on"   # mine'),
        (["version"], "1e3", "0.1.0   # mine", '"1e3"   # mine'),
        (["version"], "a # b", "0.1.0   # mine", '"a # b"   # mine'),
        (["version"], 5, "0.1.0   # mine", "5   # mine"),
        (["last"], "z", "last: y", "last: z"),
    ],
)
def test_only_the_value_changes(path: list[str], value: str | int, old: str, new: str) -> None:
    assert yamledit.replace_scalar(TEXT, path, value, SOURCE) == TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (TEXT, ["nothing"], "there is no nothing"),
        (TEXT, ["image"], "image is no single value"),
        ("a: [", ["a"], "not valid YAML"),
    ],
)
def test_what_cannot_be_edited(text: str, path: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        yamledit.replace_scalar(text, path, "x", SOURCE)
