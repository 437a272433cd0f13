"""YAML and JSON documents inside texts of ConfigMaps and annotations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

import yaml

from deploycharts.changes.model import FieldPath, names
from deploycharts.documents import Json

_BASE_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LONGEST = 512 * 1024
_OTHER_FORMATS = re.compile(r"\.(sh|lua|py|ini|conf|cfg|properties|toml|txt|md|xml|html?|php|vcl)$")
_MERGE = "tag:yaml.org,2002:merge"
_Container: TypeAlias = "dict[str, Json] | list[Json]"


class Ambiguous(str):
    """A plain scalar that YAML 1.1 and 1.2 read differently: `yes`, `0644`, `12:30`.

    We do not know who reads the text, so it equals only the same plain scalar, never a quoted one.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ambiguous) and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


class _CautiousLoader(_BASE_LOADER):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


def _add_resolvers() -> None:
    add = _CautiousLoader.add_implicit_resolver
    add(
        "tag:yaml.org,2002:bool",
        re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"),
        list("tTfF"),
    )
    add("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
    add("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789"))
    add("tag:yaml.org,2002:float", re.compile(r"^-?[0-9]+\.[0-9]+$"), list("-0123456789"))
    add("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])
    ambiguous = re.compile(
        r"^(?:[yYnN]|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF"  # booleans of 1.1
        r"|[-+]?0[0-9_]+|[-+]?0[box][0-9a-fA-F_]+|\+[0-9.]+|[-+]?[0-9][0-9_]*_[0-9_.]*"
        r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"  # 12:30 is 750
        r"|[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)|[-+]?(?:[0-9]+\.|\.[0-9]+)"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?)$"
    )
    add("!ambiguous", ambiguous, list("yYnNoO-+.0123456789"))
    _CautiousLoader.add_constructor("!ambiguous", lambda _, node: Ambiguous(node.value))


_add_resolvers()


_SCALARS: Mapping[str, Callable[[str], Json]] = {
    "tag:yaml.org,2002:str": str,
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:null": lambda _: None,
    "tag:yaml.org,2002:bool": lambda text: text.lower() == "true",
    "!ambiguous": Ambiguous,
}


def may_hold_document(kind: str, path: FieldPath) -> bool:
    """Whether texts at `path` are read by a program as a file or as structured data."""
    fields = names(path)
    if kind == "ConfigMap" and len(fields) == 2 and fields[0] == "data":
        return _OTHER_FORMATS.search(fields[1]) is None
    return len(fields) > 1 and fields[-2] == "annotations"


@lru_cache(maxsize=256)
def parse(text: str) -> Mapping[str, Json] | list[Json] | None:
    """The mapping or list that a text holds as YAML or JSON; None if it holds neither."""
    if len(text) > _LONGEST or not ("\n" in text or text.lstrip()[:1] in ("{", "[")):
        return None
    found = _load(text)
    return found if isinstance(found, dict | list) else None


def _load(text: str) -> Json:
    """What a text holds as JSON or YAML; None if that is nothing, or nothing that JSON has."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)  # type: ignore[no-any-return]
        except ValueError:
            pass
    try:
        loader = _CautiousLoader(text)
        try:
            return _value(loader.get_single_node(), loader, {})
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return None


def _value(node: yaml.Node | None, loader: yaml.SafeLoader, known: dict[int, Json]) -> Json:
    """What a node holds, aliases once. PyYAML's constructor takes three times the time for it.

    Raises:
        ValueError: something that JSON does not have: then the text is compared as text.
    """
    if isinstance(node, yaml.ScalarNode):
        if node.tag not in _SCALARS:
            raise ValueError(node.tag)
        return _SCALARS[node.tag](node.value)
    if id(node) not in known:
        known[id(node)] = _collection(node, loader, known)
    return known[id(node)]


def _collection(node: yaml.Node | None, loader: yaml.SafeLoader, known: dict[int, Json]) -> Json:
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, loader, known) for each in node.value]
    if isinstance(node, yaml.MappingNode):
        if any(key.tag == _MERGE for key, _ in node.value):
            loader.flatten_mapping(node)
        return {
            _text(_value(key, loader, known)): _value(each, loader, known)
            for key, each in node.value
        }
    return None


def _text(key: Json) -> str:
    if not isinstance(key, str):
        raise ValueError(key)
    return key
