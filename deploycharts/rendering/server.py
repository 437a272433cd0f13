"""Rendering many releases in one process, where the render server of helm's version is there.

It is the same helm module as the program, and a test holds it to the program's output. Whatever it
does not do exactly like helm is left to helm.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.rendering.cache import key, program_identity, user_cache
from deploycharts.tools import process, programs

_NAME = "renderserver"
_OBJECTS = b'{"objects":['
# It lives for seconds: collecting garbage is a waste until there is much of it.
_GO_MEMORY = {"GOGC": "off", "GOMEMLIMIT": "96MiB"}


@dataclass(frozen=True, slots=True)
class Job:
    """One `helm template` with the arguments `argv`, the verb among them, in `folder`."""

    folder: Path
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a job: its packed objects, or helm's error."""

    content: bytes = b""
    error: str = ""


def render(jobs: Sequence[Job]) -> Iterator[Answer | None]:
    """An answer for each job in their order, each as it comes; None where helm must be asked."""
    answers = _ask(jobs)
    for _ in jobs:
        yield next(answers, None)


def _ask(jobs: Sequence[Job]) -> Iterator[Answer | None]:
    """The answers of the server; fewer than jobs if there is none, or if it fails."""
    program = _find()
    if program is None or not jobs:
        return
    asked = "".join(
        json.dumps({"folder": str(job.folder), "argv": _without_verb(job.argv)}) + "\n"
        for job in jobs
    )
    env = {**_GO_MEMORY, **os.environ}
    with process.lines([str(program)], stdin=asked, env=env) as said:
        if _version(next(said, b"")) == _helm_version():
            yield from map(_answer, itertools.takewhile(_is_whole, said))


def _find() -> Path | None:
    try:
        return programs.find(_NAME)
    except UserError:
        return None


def _without_verb(argv: Sequence[str]) -> list[str]:
    words = list(argv)
    words.remove("template")
    return words


def _version(greeting: bytes) -> str:
    try:
        return str(json.loads(greeting)["helm"]).removeprefix("v")
    except (ValueError, KeyError, TypeError):
        return ""


def _helm_version() -> str:
    """The version of helm; asked once for each build, since that takes longer than a render."""
    name = key("version", program_identity("helm"))
    known = user_cache().get(name)
    if known is not None:
        return known.decode()
    version = str(programs.version("helm"))
    user_cache().put(name, version.encode())
    return version


def _is_whole(line: bytes) -> bool:
    """Whether a server that died did not die within the line."""
    return line.endswith(b"\n")


def _answer(line: bytes) -> Answer | None:
    if line.startswith(_OBJECTS):
        return Answer(line.rstrip())
    body = json.loads(line)
    if body.get("error"):
        return Answer(error=f"Error: {body['error']}")
    return None
