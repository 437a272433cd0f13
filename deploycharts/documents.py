"""YAML documents as Helm and Kubernetes read them, and the objects in them.

Helm reads values and manifests by the YAML 1.1 rules of Go's yaml.v2 (sigs.k8s.io/yaml), which
differ from PyYAML's: `y`, `no` and `on` are booleans, `0o17` and `1e3` are numbers, `12:30` and
`2001-01-01` are strings.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from deploycharts.errors import UserError
from deploycharts.source import Source

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_BASE_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SOURCE_COMMENT = re.compile(r"^# Source: (.+)$", re.MULTILINE)
_INT = re.compile(r"^[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)$")
_FLOAT = re.compile(
    r"^[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"
)
_TRUE = frozenset("y Y yes Yes YES on On ON true True TRUE".split())
_FALSE = frozenset("n N no No NO off Off OFF false False FALSE".split())


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """Which Kubernetes object: the API version is left out, objects outlive it."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Document:
    """One rendered object; `template` is the chart file it came from."""

    key: ObjectKey
    body: Mapping[str, Json]
    template: str


class HelmLoader(_BASE_LOADER):  # type: ignore[misc]
    """Reads scalars as Helm does; the last of duplicate keys wins, as in Go's yaml.v2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        """Keys become texts at once: to Python 1 and true were the same key."""
        self.flatten_mapping(node)
        return {
            _key(self.construct_object(key, deep=True)): self.construct_object(value, deep=deep)
            for key, value in node.value
        }


def _construct_bool(loader: HelmLoader, node: yaml.ScalarNode) -> bool:
    return node.value in _TRUE


def _construct_int(loader: HelmLoader, node: yaml.ScalarNode) -> int | float:
    text = node.value.replace("_", "")
    digits = text.lstrip("+-")
    sign = -1 if text.startswith("-") else 1
    if re.fullmatch(r"0[0-7]+", digits):
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _construct_float(loader: HelmLoader, node: yaml.ScalarNode) -> int | float:
    text = node.value.lower().replace("_", "")
    if text.endswith((".inf", ".nan")):
        return float(text.replace(".", ""))
    number = float(text)
    # Helm turns values into JSON and back, where 1e3 and 1000 are the same number.
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _add_resolvers() -> None:
    booleans = re.compile(f"^(?:{'|'.join(sorted(_TRUE | _FALSE))})$")
    HelmLoader.add_implicit_resolver("tag:yaml.org,2002:bool", booleans, list("yYnNtTfFoO"))
    HelmLoader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
    HelmLoader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
    HelmLoader.add_implicit_resolver(
        "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
    )
    HelmLoader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])
    HelmLoader.add_constructor("tag:yaml.org,2002:bool", _construct_bool)
    HelmLoader.add_constructor("tag:yaml.org,2002:int", _construct_int)
    HelmLoader.add_constructor("tag:yaml.org,2002:float", _construct_float)


_add_resolvers()


def load(text: str | bytes, source: Source) -> Json:
    """The one YAML document in `text`; None if it is empty.

    Raises:
        UserError: the text is not YAML; the error names path:line.
    """
    try:
        return _plain(yaml.load(text, Loader=HelmLoader))  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        raise invalid_yaml(error, source) from None


def invalid_yaml(error: yaml.YAMLError, source: Source) -> UserError:
    """The user's error for a YAML error found in the file `source`."""
    mark = getattr(error, "problem_mark", None)
    line = mark.line + (source.line or 1) if mark is not None else source.line
    problem = getattr(error, "problem", None) or str(error)
    return UserError("this is not valid YAML", where=Source(source.path, line), why=str(problem))


def digest(value: object) -> str:
    """The sha256 of a JSON value, independent of the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def parse_manifest(text: str, *, namespace: str = "") -> tuple[Document, ...]:
    """The objects of a rendered manifest (`helm template`, `helm get manifest`), in its order.

    Args:
        text: YAML documents, each preceded by Helm's `# Source:` comment where it has one.
        namespace: the release's namespace, for objects that name none.

    Raises:
        UserError: a document is not YAML or is no Kubernetes object.
    """
    return tuple(
        document(body, namespace=namespace, template=template) for template, body in _bodies(text)
    )


def document(body: Mapping[str, Json], *, namespace: str = "", template: str = "") -> Document:
    """The `Document` of one object's body."""
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    group, _, version = str(body.get("apiVersion") or "").rpartition("/")
    kind = str(body.get("kind") or "")
    if not kind or not (group or version):
        raise UserError(
            "a rendered document is no Kubernetes object",
            where=Source(template) if template else None,
            why="it has no apiVersion or no kind",
        )
    key = ObjectKey(
        group=group,
        kind=kind,
        namespace=str(metadata.get("namespace") or namespace),
        name=str(metadata.get("name") or ""),
    )
    return Document(key=key, body=body, template=template)


def _bodies(text: str) -> Iterator[tuple[str, Mapping[str, Json]]]:
    template = ""
    for part in re.split(r"^---(?:[ \t].*)?$", text, flags=re.MULTILINE):
        named = _SOURCE_COMMENT.search(part)
        if named:
            template = named[1]
        body = load(part, Source(template or "rendered manifest"))
        if body is None:
            continue
        if not isinstance(body, dict):
            raise UserError(
                "a rendered document is no Kubernetes object",
                where=Source(template),
                why=f"it is a {type(body).__name__}, not a mapping",
            )
        yield template, body


def _plain(value: Any) -> Json:
    """JSON values only: keys as strings, as Go's JSON conversion makes them."""
    if isinstance(value, dict):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _key(key: object) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)
