"""The examples in an OpenAPI description, in service-checker's format.

`x-amples` of get and post operations (`x-monitor: false` leaves one out; a get operation without
examples is asked as it is), `x-default-params`, `x-default-query`; see
https://github.com/wikimedia/operations-software-service-checker. The charts' own `helm test` reads
the same. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode, urlsplit

from deploycharts.documents import Json

_PARAMETER = re.compile(r"\{([/+]*)([^}]+)\}")


@dataclass(frozen=True, slots=True)
class Example:
    """One request, and what its answer must be like.

    Attributes:
        address: path and query.
        status: the status that is expected.
        expected_headers: a text that the value begins with, or /an expression/ found in it.
        expected_body: the same at each leaf; None if anything will do.
    """

    title: str
    method: str
    address: str
    headers: Mapping[str, str]
    body: bytes | None
    status: int
    expected_headers: Mapping[str, Json] = field(default_factory=dict)
    expected_body: Json = None


def examples(description: Json) -> tuple[Example, ...]:
    """All that is to be asked; parts that are not as OpenAPI wants them are passed over."""
    spec = _mapping(description)
    return tuple(
        _example(spec, method, _base(spec) + path, _mapping(each))
        for path, operations in _mapping(spec.get("paths")).items()
        for method in ("get", "post")
        for each in _declared(method, _mapping(operations).get(method))
    )


def problems(example: Example, status: int, headers: Mapping[str, str], text: str) -> list[str]:
    """What is wrong with an answer; `headers` have names in lower case."""
    if status != example.status:
        return [f"status {status}, expected {example.status}"]
    wrong = []
    for name, wanted in example.expected_headers.items():
        found = headers.get(name.lower())
        if found is None:
            wrong.append(f"header {name} is missing")
        elif not _matches(wanted, found):
            wrong.append(f"header {name} is {_quoted(found)}, expected {_quoted(wanted)}")
    return wrong + _body_problems(example.expected_body, text)


def _base(spec: Mapping[str, Json]) -> str:
    servers = spec.get("servers")
    first = _mapping(servers[0]) if isinstance(servers, list) and servers else None
    base = first.get("url") if first is not None else spec.get("basePath")
    return urlsplit(str(base or "")).path.rstrip("/")


def _declared(method: str, operation: Json) -> list[Json]:
    if not isinstance(operation, dict) or operation.get("x-monitor") is False:
        return []
    default: list[Json] = [{}] if method == "get" else []
    found = operation.get("x-amples", default)
    return found if isinstance(found, list) else default


def _example(spec: Mapping[str, Json], method: str, path: str, each: Mapping[str, Json]) -> Example:
    asked, wanted = _mapping(each.get("request")), _mapping(each.get("response"))
    params = {**_mapping(spec.get("x-default-params")), **_mapping(asked.get("params"))}
    query = {**_mapping(spec.get("x-default-query")), **_mapping(asked.get("query"))}
    headers = {name: str(value) for name, value in _mapping(asked.get("headers")).items()}
    address = _fill(path, params)
    if query:
        address += f"?{urlencode(query, doseq=True)}"
    status = wanted.get("status", 200)
    return Example(
        title=str(each.get("title", "")),
        method=method.upper(),
        address=address,
        headers=headers,
        body=_encoded(headers, asked.get("body")) if method == "post" else None,
        status=status if isinstance(status, int) else 200,
        expected_headers=_mapping(wanted.get("headers")),
        expected_body=wanted.get("body"),
    )


def _fill(template: str, params: Mapping[str, Json]) -> str:
    """The path with {x}, {/x} (optional) and {+x} (a list) filled in."""

    def one(match: re.Match[str]) -> str:
        flags, name = match[1], match[2]
        if name not in params:
            return ""
        value = params[name]
        parts = value if isinstance(value, list) else [value]
        text = "/".join(quote_plus(str(part)) for part in parts)
        return ("/" if "/" in flags else "") + text

    return _PARAMETER.sub(one, template)


def _encoded(headers: Mapping[str, str], body: Json) -> bytes | None:
    if body is None:
        return None
    kind = next((v for name, v in headers.items() if name.lower() == "content-type"), "")
    if isinstance(body, dict) and "json" not in kind and "octet-stream" not in kind:
        return urlencode(body).encode()
    return (body if isinstance(body, str) and "json" not in kind else json.dumps(body)).encode()


def _body_problems(wanted: Json, text: str) -> list[str]:
    if not isinstance(wanted, dict | list):
        return list(_differences(wanted, text, "body"))
    try:
        found = json.loads(text)
    except ValueError:
        return ["body is no JSON"]
    return list(_differences(wanted, found, "body"))


def _differences(wanted: Json, found: Json, place: str) -> Iterator[str]:
    """Why `found` is not like the model `wanted`; what the model does not name may be anything."""
    if wanted is None:
        return
    if isinstance(wanted, dict):
        yield from _mapping_differences(wanted, found, place)
    elif isinstance(wanted, list):
        yield from _list_differences(wanted, found, place)
    elif not _matches(wanted, found):
        yield f"{place} is {_quoted(found)}, expected {_quoted(wanted)}"


def _mapping_differences(wanted: Mapping[str, Json], found: Json, place: str) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"{place} is no object"
        return
    for key, value in wanted.items():
        if key in found:
            yield from _differences(value, found[key], f"{place}.{key}")
        else:
            yield f"{place}.{key} is missing"


def _list_differences(wanted: list[Json], found: Json, place: str) -> Iterator[str]:
    """A list of one model is one for every item."""
    if not isinstance(found, list):
        yield f"{place} is no list"
        return
    models = wanted * len(found) if len(wanted) == 1 else wanted
    if len(models) != len(found):
        yield f"{place} has {len(found)} items, expected {len(models)}"
    for index, (model, item) in enumerate(zip(models, found, strict=False)):
        yield from _differences(model, item, f"{place}[{index}]")


def _matches(wanted: Json, found: Json) -> bool:
    model, text = str(wanted), str(found)
    if len(model) > 1 and model.startswith("/") and model.endswith("/"):
        try:
            return re.search(model[1:-1], text) is not None
        except re.error:
            return False
    return text.startswith(model)


def _quoted(value: Json) -> str:
    """As JSON, whole: a masker knows secrets in this form, and half of one it does not know."""
    return json.dumps(value, ensure_ascii=False)


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
