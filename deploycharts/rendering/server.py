"""Rendering many releases in one process, where the render server of helm's version is there.

It is the same helm module as the program, and a test holds it to the program's output. Whatever it
does not do exactly like helm is left to helm.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.rendering.cache import key, program_identity, user_cache
from deploycharts.tools import process, programs

_NAME = "renderserver"
_OBJECTS = '{"objects":['
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


def render(jobs: Sequence[Job]) -> list[Answer | None]:
    """An answer for each job, None where helm itself must be asked."""
    nothing: list[Answer | None] = [None] * len(jobs)
    program = _find()
    if program is None or not jobs:
        return nothing
    lines = "".join(
        json.dumps({"folder": str(job.folder), "argv": _without_verb(job.argv)}) + "\n"
        for job in jobs
    )
    env = {**_GO_MEMORY, **os.environ}
    done = process.run([str(program)], stdin=lines, env=env, ok=range(-64, 256))
    greeting, *answers = done.out.split("\n")[:-1] or [""]
    if done.code != 0 or len(answers) != len(jobs) or _version(greeting) != _helm_version():
        return nothing
    return [_answer(line) for line in answers]


def _find() -> Path | None:
    try:
        return programs.find(_NAME)
    except UserError:
        return None


def _without_verb(argv: Sequence[str]) -> list[str]:
    words = list(argv)
    words.remove("template")
    return words


def _version(greeting: str) -> str:
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
    version = programs.version("helm")
    user_cache().put(name, version.encode())
    return version


def _answer(line: str) -> Answer | None:
    if line.startswith(_OBJECTS):
        return Answer(line.encode())
    body = json.loads(line)
    if body.get("error"):
        return Answer(error=f"Error: {body['error']}")
    return None
