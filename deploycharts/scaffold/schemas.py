"""Strict validation of rendered objects against the schemas of several Kubernetes versions.

kubernetes-validate brings the schemas; its own validator is in pure Python and 100 times slower.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from deploycharts.documents import Document

VERSIONS = ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36")


def problems(document: Document, version: str) -> Iterator[str]:
    """What the strict schema of a Kubernetes version has against the object."""
    api = str(document.body.get("apiVersion"))
    validator = _validator(version, _file_name(api, document.key.kind))
    if validator is None:
        yield f"there is no {api} {document.key.kind}"
        return
    for error in validator.iter_errors(document.body):
        place = ".".join(str(part) for part in error.instance_path)
        yield f"{place or 'the object'}: {error.message[:300]}"


def is_known(document: Document) -> bool:
    """Whether there is a schema for objects of this kind."""
    file = _file_name(str(document.body.get("apiVersion")), document.key.kind)
    return _validator(VERSIONS[-1], file) is not None


def _file_name(api: str, kind: str) -> str:
    group_and_version = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api)
    return f"{kind.lower()}-{group_and_version}.json"


def _folder(version: str) -> Path:
    found = importlib.util.find_spec("kubernetes_validate")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "kubernetes-json-schema" / f"v{version}.0-local-strict"


@cache
def _registry(version: str) -> Any:
    import jsonschema_rs

    definitions = json.loads((_folder(version) / "_definitions.json").read_bytes())
    return jsonschema_rs.Registry([("json-schema:///api/_definitions.json", definitions)])


@cache
def _validator(version: str, file: str) -> Any:
    import jsonschema_rs

    own = Path(__file__).with_name("crds") / file
    path = own if own.is_file() else _folder(version) / file
    if not path.is_file():
        return None
    schema = json.loads(path.read_bytes())
    return jsonschema_rs.Draft202012Validator(
        schema, registry=_registry(version), base_uri="json-schema:///api/"
    )
