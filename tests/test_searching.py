"""The search for secrets finds them wherever they are, so that finding none means something."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from tests.searching import Needles, ProcessWatch
from tests.waiting import wait_until

SECRET = "correct-horse-battery-12"
NEEDLES = Needles(it=SECRET)


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("after", ["", "y", "yz"])
def test_a_secret_is_found_within_what_was_encoded(before: str, after: str) -> None:
    encoded = base64.b64encode(f"{before}{SECRET}{after}".encode())

    assert NEEDLES.found_in(b"x" + encoded) == {"it"}


def test_a_secret_is_found_in_what_is_packed(tmp_path: Path) -> None:
    text = json.dumps({"manifest": f"password: {SECRET}"}).encode()
    packed = {
        "archive": gzip.compress(text),
        "release": base64.b64encode(base64.b64encode(gzip.compress(text))),
        "listed": b'{"release": "' + base64.b64encode(gzip.compress(text)) + b'"}',
        "object": zlib.compress(text),
        f"named-{SECRET}": b"",
        "harmless": gzip.compress(b"password: another"),
    }
    for name, content in packed.items():
        (tmp_path / name).write_bytes(content)

    found = {each.split("/")[-1] for each in NEEDLES.found_below(tmp_path)}

    assert found == set(packed) - {"harmless"}


@pytest.mark.parametrize("how", ["arguments", "environment"])
def test_a_secret_that_a_process_shows_is_seen(how: str) -> None:
    code = [sys.executable, "-c", "input()"]
    shown = [SECRET] if how == "arguments" else []
    env = {"PASSWORD": SECRET} if how == "environment" else {}

    with (
        ProcessWatch(NEEDLES) as watch,
        subprocess.Popen([*code, *shown], env=env, stdin=subprocess.PIPE) as process,
    ):
        wait_until(lambda: watch.found)
        process.communicate(b"\n")

    assert any(how in each for each in watch.found)
