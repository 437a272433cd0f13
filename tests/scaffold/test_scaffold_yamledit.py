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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'image:\n  tag: "1.5"\n'),
        ("# only\n", '# only\nimage:\n  tag: "1.5"\n'),
        ("a: 1", 'a: 1\nimage:\n  tag: "1.5"\n'),
        ("image:\n    name: x  # mine\n    # tail\n\nb: 1\n",
         'image:\n    name: x  # mine\n    tag: "1.5"\n    # tail\n\nb: 1\n'),
        ("image:  # mine\nz: 1\n", 'image:  # mine\n  tag: "1.5"\nz: 1\n'),
        ("image:\n  tag:  # mine\n", 'image:\n  tag: "1.5"  # mine\n'),
        ("image: {}\n", 'image: {tag: "1.5"}\n'),
        ("image: {name: x}  # c\n", 'image: {name: x, tag: "1.5"}  # c\n'),
        ("a: |\n  x\n\n# end\n", 'a: |\n  x\n\nimage:\n  tag: "1.5"\n# end\n'),
        ("image:\n  list:\n  - a: 1\n    b: [1,\n      2]\nz: 1\n",
         'image:\n  list:\n  - a: 1\n    b: [1,\n      2]\n  tag: "1.5"\nz: 1\n'),
    ],
)  # fmt: skip
def test_a_key_that_is_not_there_is_added(before: str, after: str) -> None:
    assert yamledit.set_scalar(before, ["image", "tag"], "1.5", SOURCE) == after


def test_a_key_that_is_there_is_replaced() -> None:
    assert yamledit.set_scalar("a: {b: '1'}\n", ["a", "b"], "2", SOURCE) == "a: {b: '2'}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image: ~\n", "image is not a mapping"),
        ("image: [1]\n", "image is not a mapping"),
        ("image: &x {a: b}\nother: *x\n", "image cannot be edited alone"),
        ("other: &x {a: b}\nimage: *x\n", "image cannot be edited alone"),
        ("image:\n  tag: &x '1'\nother: *x\n", "tag cannot be edited alone"),
        ("just text\n", "the file is not a mapping"),
    ],
)
def test_where_no_key_can_be_set(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        yamledit.set_scalar(text, ["image", "tag"], "1.5", SOURCE)
