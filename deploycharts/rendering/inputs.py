"""What decides how a service evaluates: its declared inputs, read from its state templates.

Nothing is run for it, so it errs on the safe side: what cannot be told from the text makes the
service one that is always evaluated and rendered.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from deploycharts.registry.repository import STATE_FILES
from deploycharts.rendering.trees import Tree

SERVICES = "helmfile.d/services"
CHARTS = "charts"
_SHARED = "helmfile.d"
_CLUSTER = "helmfile.d/cluster"
_ACTION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}|^\s*#.*$", re.DOTALL | re.MULTILINE)
_LITERAL = r"\"((?:[^\"\\]|\\.)*)\"|`([^`]*)`"
_READS = re.compile(
    rf"(?<![\w.$])(readFile|readDir|readDirEntries|isFile|isDir|env|requiredEnv)\b(?:\s+(?:{_LITERAL}|(\S)))?"
)
_NEVER_SAME = re.compile(
    r"(?<![\w.$])(exec|envExec|expandenv|fetchSecretValue|expandSecretRefs|getHostByName|now|ago|uuidv4"
    r"|rand(?:Alpha|AlphaNum|Numeric|Ascii|Bytes|Int)|genPrivateKey|genCA\w*|genSelfSignedCert\w*"
    r"|genSignedCert\w*|htpasswd|bcrypt|encryptAES|shuffle)\b"
)
_NETWORK = re.compile(r"\bref\+\w+:|\b\w+::\w+://|^\s*-\s*[\"']?https?://", re.MULTILINE)
_WORD = re.compile(r"""[^\s"'`,\[\](){}]*(?:\{\{.*?\}\}[^\s"'`,\[\](){}]*)*""")
_LIST_ITEM = re.compile(r"^\s*-\s*[\"']?\{\{", re.MULTILINE)
_CHECKS = frozenset(("isFile", "isDir"))


@dataclass(slots=True)
class Inputs:
    """The declared inputs of a service's evaluation; charts are not among them.

    Attributes:
        paths: files and folders of the tree, and absolute paths outside it.
        variables: environment variables that templates name.
        always: why it must always be evaluated; empty if it need not.
    """

    paths: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    always: list[str] = field(default_factory=list)

    def digest(self, tree: Tree) -> str:
        """The sha256 of everything declared, by content."""
        values = (f"{name}={os.environ.get(name, '')}" for name in sorted(self.variables))
        environ = hashlib.sha256("\n".join(values).encode(errors="surrogateescape")).hexdigest()
        return f"{tree.digest(self.paths)}{environ}"


def declared(tree: Tree, service: str) -> Inputs:
    """The inputs of a service: its folder, link targets, shared files, what templates name."""
    folder = f"{SERVICES}/{service}"
    inputs = Inputs(set(tree.closure([folder])) | _shared(tree))
    waiting = [path for path in sorted(inputs.paths) if _is_template(path, folder)]
    scanned: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in scanned:
            continue
        scanned.add(path)
        waiting += _scan(tree, path, folder, inputs)
    return inputs


def chart_inputs(tree: Tree, chart: str) -> frozenset[str]:
    """The files of a chart, of charts that links lead to and of those that it names as files."""
    found = tree.closure([chart])
    for path in [each for each in found if posixpath.basename(each) == "Chart.yaml"]:
        for other in re.findall(r"repository:\s*[\"']?file://([^\s\"']+)", tree.text(path)):
            folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), other))
            if folder not in found:
                found |= chart_inputs(tree, folder)
    return found


def state_file(tree: Tree, service: str) -> str | None:
    """The path of a service's state file."""
    paths = (f"{SERVICES}/{service}/{name}" for name in STATE_FILES)
    return next((path for path in paths if path in tree.entries), None)


@lru_cache(maxsize=2)
def _shared(tree: Tree) -> frozenset[str]:
    """Everything below helmfile.d that belongs to no single service."""
    own = {
        posixpath.dirname(path)
        for path in tree.folders.get(SERVICES, ())
        if posixpath.basename(path) in STATE_FILES
    }
    paths = (
        path
        for path in tree.folders.get(_SHARED, ())
        if not path.startswith(f"{_CLUSTER}/") and not any(each in own for each in _parents(path))
    )
    return tree.closure(paths)


def _parents(path: str) -> Iterator[str]:
    folder = posixpath.dirname(path)
    while folder:
        yield folder
        folder = posixpath.dirname(folder)


def _is_template(path: str, folder: str) -> bool:
    own = path in {f"{folder}/{name}" for name in STATE_FILES}
    return own or (path.startswith(f"{folder}/") and path.endswith((".gotmpl", ".tpl")))


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a template's text says, wherever it lies."""

    unsteady: tuple[str, ...]
    calls: tuple[tuple[str, str | None], ...]
    has_network: bool
    has_computed_item: bool
    words: frozenset[str]


@lru_cache(maxsize=4096)
def _facts(source: str) -> _Facts:
    text = _COMMENT.sub("", source)
    actions = [found[1] for found in _ACTION.finditer(text)]
    unsteady = (_NEVER_SAME.search(re.sub(_LITERAL, "", action)) for action in actions)
    calls = [call for action in actions for call in _READS.finditer(action)]
    return _Facts(
        tuple(found[1] for found in unsteady if found),
        tuple((call[1], call[2] if call[2] is not None else call[3]) for call in calls),
        _NETWORK.search(text) is not None,
        _LIST_ITEM.search(text) is not None,
        frozenset(_WORD.findall(text)),
    )


def _scan(tree: Tree, path: str, folder: str, inputs: Inputs) -> Iterator[str]:
    """What a template names goes into `inputs`; the files that it includes are returned."""
    facts = _facts(tree.text(path))
    is_own = path.startswith(f"{folder}/")
    inputs.always += (f"{path} uses {word}" for word in facts.unsteady)
    for function, literal in facts.calls:
        yield from _called(tree, function, literal, folder, path, is_own, inputs)
    if facts.has_network:
        inputs.always.append(f"{path} reads from the network or a secret store")
    if is_own and facts.has_computed_item:
        inputs.always.append(f"{path} computes a path")
    if is_own or _looks_like_state(path):
        for named in _named(tree, facts.words, folder):
            inputs.paths |= tree.closure([named])
            yield named


def _called(
    tree: Tree,
    function: str,
    literal: str | None,
    folder: str,
    path: str,
    is_own: bool,
    inputs: Inputs,
) -> Iterator[str]:
    if literal is None:
        # The shared template asks only for layers, which lie in folders that are inputs anyway.
        if is_own or function not in _CHECKS:
            inputs.always.append(f"{path} computes what {function} gets")
    elif function in ("env", "requiredEnv"):
        inputs.variables.add(literal)
    else:
        named = _resolved(literal, folder)
        inputs.paths |= tree.closure([named])
        if function not in _CHECKS:
            yield named


def _named(tree: Tree, words: Iterable[str], folder: str) -> Iterator[str]:
    """Words that are paths of the tree; where a path is computed, the folder it starts with."""
    for word in words:
        start, computed, _ = word.partition("{{")
        if computed:
            start = posixpath.dirname(start)
        if "/" not in start:
            continue
        path = _resolved(start, folder)
        # What a release says of its chart is known once it is evaluated.
        in_chart = path == CHARTS or (path.startswith(f"{CHARTS}/") and path not in tree.entries)
        if path.startswith("/") or (tree.has(path) and not in_chart):
            yield path


def _resolved(path: str, folder: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))


def _looks_like_state(path: str) -> bool:
    return posixpath.dirname(path) == _SHARED and path.endswith((".gotmpl", ".yaml"))
