"""What helm and helmfile say, in words that a person can use.

They wrap what went wrong in the arguments of programs, in structures of their language and in paths
of temporary folders that are gone by the time somebody reads. All that goes; paths in a copy of the
repository become the repository's own. Everything that is shown of them comes through here.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploycharts.source import Source

PREFIX = "deploycharts-"
"""The names of our temporary folders begin with it."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Headings of helmfile (pkg/helmexec/exit_error.go, runner.go); what is below them is indented.
_HEADING = re.compile(
    r"(PATH|ARGS|ERROR|EXIT STATUS|STDERR|STDOUT|COMBINED OUTPUT|COMMAND|OUTPUT):?"
)
_DROPPED = frozenset({"PATH", "ARGS", "EXIT STATUS", "COMMAND"})
_NOISE = re.compile(
    r'exit status \d+|command ".*" exited with .*|FAILED RELEASES:|\]|'
    r"Use --debug flag to render out invalid YAML|"
    r"(?:Upgrading|Building dependency|Comparing|Listing releases|Decrypting) .*"
)
_LOG = re.compile(r"level=\w+ |time=\S+ |\w+\.go:\d+: |\[debug\] ")
_STATE = re.compile(r"(?:in \./[^\s:]+: )+(?:in \.helmfiles\[\d+\]: )*")
_NESTED = re.compile(r"error calling (?:fail|required): (.*)")
_TEMPLATE = re.compile(r'template: (\S+?)(:\d+(?::\d+)?)?: executing "[^"]*" at <')
# A structure as %v and %+v write it, with one below it at most.
_STRUCTURE = re.compile(
    r"(?:&[A-Za-z_][\w.]*|\b[a-z]\w*\.[A-Za-z]\w*)\{((?:[^{}]|\{[^{}]*\})*)\}(?:\(0x\w+\))?"
)
_NAMED = re.compile(r"\{Name:(\S+)(?: \w+:\S+)*\}")
_MAP = re.compile(r"map\[(?:string|interface \{\})\](?:interface \{\}|any|string)|map\[[^\][]*\]")
_VERB = re.compile(r"%!\w?\((?:EXTRA )?([^()]*)\)")
_TYPES = (
    (re.compile(r"nil pointer evaluating (?:interface \{\}|\*?[\w.]+)\.(\w+)"),
     r"nothing is set above .\1"),
    (re.compile(r"\[\]interface \{\}"), "list"),
    (re.compile(r"interface \{\}"), "value"),
    (re.compile(r"field (\S+) not found in type \S+"), r"unknown field \1"),
    (re.compile(r"Go struct field (\S+)"), r"field \1"),
)  # fmt: skip
_PLACES = "|".join(
    re.escape(place.rstrip("/"))
    for place in dict.fromkeys(("/dev/shm", "/tmp", tempfile.gettempdir()))  # noqa: S108
)
_PRIVATE = re.compile(
    rf"(?:{_PLACES}|/[^\s:'\"]*?)/{PREFIX}[\w-]+-\d+-\w+(/[^\s:'\",;)\]]*)?"
    rf"|(?:{_PLACES})/(?:chartify|helmfile)[\w.-]*(/[^\s:'\",;)\]]*)?"
)
_OF_REPOSITORY = re.compile(r"/((?:helmfile\.d|charts)/.*)")
_READS = r'readFile\s+"([^"]+)"|^\s*-\s+([^\s#]+\.ya?ml(?:\.gotmpl)?)'
_NO_PROGRAM = re.compile(r'exec: "([^"]+)": executable file not found in \$PATH')


@dataclass(frozen=True, slots=True)
class Need:
    """What a state asks for and does not get.

    Attributes:
        sentence: what is missing; empty where the words say it.
        next_step: what to do.
        asked_by: each finds the line that asks for it, the best first.
    """

    sentence: str
    next_step: str
    asked_by: tuple[re.Pattern[str], ...]


_INSTALL = "install it, or take out what asks for it"
_CORRECT = "correct it, or take it out"
_KEY = r"^[ -]*{}[ ]*:"
_RENDERERS = (r"postRenderer\w*[ ]*:", r"post-renderer")
_NEEDS: tuple[tuple[re.Pattern[str], str, str, tuple[str, ...]], ...] = (
    (re.compile(r"--post-renderer.*?plugin: \{Name:(\S+) .*?not found"),
     "the post-renderer {} is missing", _INSTALL, _RENDERERS),
    (re.compile(r"unable to find binary at ([^\s:]+)"),
     "the post-renderer {} is missing", _INSTALL, _RENDERERS),
    (re.compile(r'plugin "?([\w./-]+)"? not (?:installed|found)'),
     "the helm plug-in {} is missing", _INSTALL, (_KEY,)),
    (re.compile(r'exec: "(kustomize)": executable file not found'),
     "the program {} is missing", _INSTALL,
     (r"(strategicMergePatches|jsonPatches|transformers)[ ]*:", r'^[ -]*chart[ ]*:|"chart"')),
    (_NO_PROGRAM, "the program {} is missing", _INSTALL, ("{}",)),
    (re.compile(r"field (\S+) not found in type"), "helmfile knows no key {}", _CORRECT, (_KEY,)),
    (re.compile(r"unknown (?:shorthand )?flag: (--?[\w-]+)"),
     "helm knows no flag {}", _CORRECT, ("{}",)),
    (re.compile(r".*at <([^<>]+)>: map has no entry for key"), "{} is not set", _CORRECT, ("{}",)),
    (re.compile(r"error calling fail: (.*?)\s*$", re.M), "", _CORRECT, ("{}",)),
    (re.compile(r"expand (?:ref\+)?\w+:/*([^\s#:]+)"), "", _CORRECT, ("{}",)),
)  # fmt: skip


def uncoloured(text: str) -> str:
    """A text without what only terminals understand."""
    return _ANSI.sub("", text)


def plain(text: str) -> str:
    """What a program means, line by line; each line once."""
    lines = _without_frames(uncoloured(text).splitlines())
    found = (_line(line) for line in lines)
    return "\n".join(dict.fromkeys(line for line in found if line.strip()))


def innermost(text: str) -> str:
    """As `plain`; of nested template errors only the innermost message."""
    failed = _NESTED.findall(uncoloured(text))
    return plain(failed[-1] if failed else text)


def need_of(text: str) -> Need | None:
    """What is missing, if that is what a program says."""
    for found, sentence, step, lines in _NEEDS:
        match = found.search(text)
        if match:
            name = match[1]
            asked = (re.compile(line.replace("{}", re.escape(name)), re.M) for line in lines)
            return Need(sentence.format(name), step, tuple(asked))
    return None


def asked_at(state_file: Path, need: Need) -> Source | None:
    """The line of a state, or of what it reads, that asks for something; None if none does."""
    texts = [(file, file.read_text("utf-8", "replace")) for file in _files_of(state_file)]
    for pattern in need.asked_by:
        for file, text in texts:
            match = pattern.search(text)
            if match:
                return Source(_shown(file), text.count("\n", 0, match.start()) + 1)
    return None


def located(said: str, state_file: Path) -> str:
    """What a program said, and behind it where the state asks for what is missing."""
    need = need_of(uncoloured(said))
    at = asked_at(state_file, need) if need and need.sentence else None
    return f"{said}\nError: {need.sentence} ({at})\n" if need and at else said


def _shown(file: Path) -> str:
    """The path as it is in the repository, wherever the repository or a copy of it lies."""
    own = _OF_REPOSITORY.search(str(file))
    return own[1] if own else str(file)


def _files_of(state_file: Path) -> list[Path]:
    """The state, the files that it names as bases or reads, and the templates beside it."""
    text = state_file.read_text("utf-8", "replace")
    named = re.findall(_READS, text, re.MULTILINE)
    files = (Path(os.path.normpath(state_file.parent / (one or other))) for one, other in named)
    beside = sorted(state_file.parent.glob("*.gotmpl"))
    return [*dict.fromkeys(file for file in (state_file, *files, *beside) if file.is_file())]


def _without_frames(lines: list[str]) -> Iterator[str]:
    """The lines without the programs' arguments, exit codes and headings around them."""
    dropping = False
    for line in lines:
        word = line.strip()
        heading = _HEADING.fullmatch(word)
        if heading:
            dropping = heading[1] in _DROPPED
        elif dropping and (line.startswith((" ", "\t")) or not word):
            continue
        elif not _NOISE.fullmatch(word):
            dropping = False
            yield _LOG.sub("", line).rstrip()


def _line(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    line = line.strip()
    line = _STATE.sub("", line).lstrip("[")
    line = _PRIVATE.sub(_path, line)
    line = _TEMPLATE.sub(_template, line)
    line = _NAMED.sub(r"\1", line)
    line = _MAP.sub("mapping", line)
    for pattern, words in _TYPES:
        line = pattern.sub(words, line)
    line = _VERB.sub(lambda match: "" if "nil" in match[1] else match[1].rpartition("=")[2], line)
    for _ in range(2):
        line = _STRUCTURE.sub(lambda match: _texts(match[1]), line)
    line = _NO_PROGRAM.sub(r"the program \1 is not installed", line)
    return f"{indent}{line}" if line else ""


def _path(match: re.Match[str]) -> str:
    below = match[1] or match[2] or ""
    own = _OF_REPOSITORY.search(below)
    if own:
        return own[1]
    return f"a temporary {'file' if below else 'folder'}"


def _template(match: re.Match[str]) -> str:
    place = "" if match[1] == "stringTemplate" else f"{match[1]}{match[2] or ''}: "
    return f"{place}at <"


def _texts(inside: str) -> str:
    """The texts in a structure: its message is among them."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"', inside)
    return "; ".join(found)
