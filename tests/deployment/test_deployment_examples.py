"""Examples in OpenAPI descriptions are understood as service-checker and our helm test do."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from deploycharts.deployment.checking.examples import Example, examples, problems
from deploycharts.documents import Json
from tests.scaffold.test_scaffold_service_check import CHECK, GOOD, SPEC


def _one(operation: dict[str, Any], *, path: str = "/x", **spec: Any) -> Example:
    (found,) = examples({"paths": {path: operation}, **spec})
    return found


def _answered(wanted: Json, text: str) -> list[str]:
    example = _one({"get": {"x-amples": [{"response": {"body": wanted}}]}})
    return problems(example, 200, {}, text)


def test_a_get_without_examples_is_asked_as_it_is() -> None:
    assert [(each.method, each.address, each.status) for each in examples(
        {"paths": {"/a": {"get": {}, "post": {}}, "/b": {"get": {"x-monitor": False}}}}
    )] == [("GET", "/a", 200)]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "params", "address"),
    [
        ("/{title}", {"title": "Main page"}, "/Main+page"),
        ("/{title}{/lang}", {"title": "a"}, "/a"),
        ("/{title}{/lang}", {"title": "a", "lang": "en"}, "/a/en"),
        ("/{+rest}", {"rest": ["a", "b/c"]}, "/a/b%2Fc"),
    ],
)
def test_parameters_are_filled_in(path: str, params: dict[str, Any], address: str) -> None:
    operation = {"get": {"x-amples": [{"request": {"params": params}}]}}

    assert _one(operation, path=path).address == address


def test_defaults_stand_in_for_what_an_example_does_not_say() -> None:
    example = _one(
        {"get": {"x-amples": [{"request": {"query": {"b": 2}}}]}},
        path="/{lang}", basePath="/v1/", **{"x-default-params": {"lang": "en"},
                                            "x-default-query": {"a": 1}},
    )  # fmt: skip

    assert example.address == "/v1/en?a=1&b=2"


@pytest.mark.parametrize(
    ("kind", "body", "sent"),
    [
        ("application/json", {"a": 1}, b'{"a": 1}'),
        ("application/octet-stream", "raw", b"raw"),
        ("application/x-www-form-urlencoded", {"a": "b c"}, b"a=b+c"),
    ],
)
def test_a_post_sends_its_body_as_its_header_says(kind: str, body: Json, sent: bytes) -> None:
    request = {"headers": {"Content-Type": kind}, "body": body}

    assert _one({"post": {"x-amples": [{"request": request}]}}).body == sent


@pytest.mark.parametrize(
    ("wanted", "text", "told"),
    [
        (None, "anything", []),
        ("hello", "hello, world", []),
        ("/w.rld/", "hello, world", []),
        ("hullo", "hello", ['body is "hello", expected "hullo"']),
        ({"a": "/^[0-9]+$/"}, '{"a": 17, "b": 2}', []),
        ({"a": 1}, "{}", ["body.a is missing"]),
        ({"a": 1}, "<html>", ["body is no JSON"]),
        ([{"id": "/./"}], '[{"id": 1}, {"id": 2}]', []),
        ([{"id": 1}], '[{"id": 2}]', ["body[0].id is 2, expected 1"]),
        (["a", "b"], '["a"]', ["body has 1 items, expected 2"]),
        ("/(/", "(", ['body is "(", expected "/(/"']),
    ],
)
def test_a_body_is_compared_with_its_model(wanted: Json, text: str, told: list[str]) -> None:
    assert _answered(wanted, text) == told


def test_status_and_headers_are_compared() -> None:
    response = {"status": 404, "headers": {"X-Kind": "/^b/", "X-Other": "x"}}
    example = _one({"get": {"x-amples": [{"response": response}]}})

    assert problems(example, 200, {}, "") == ["status 200, expected 404"]
    assert problems(example, 404, {"x-kind": "abc"}, "") == [
        'header X-Kind is "abc", expected "/^b/"',
        "header X-Other is missing",
    ]


@pytest.mark.parametrize("broken", [None, [], "text", {"paths": []}, {"paths": {"/": {"get": 3}}},
                                    {"paths": {"/": {"post": {"x-amples": 3}}}}])  # fmt: skip
def test_what_is_no_description_has_no_examples(broken: Json) -> None:
    assert examples(broken) == ()


@pytest.mark.slow
def test_the_charts_helm_test_asks_the_same() -> None:
    """Both read one format: what is asked must not depend on who asks."""
    from tests.servers import serving

    asked: list[str] = []

    def answer(request: str) -> tuple[int, dict[str, str], str]:
        asked.append(request)
        return GOOD.get(request, (404, {}, ""))

    with serving(answer) as port:
        argv = [sys.executable, "-B", str(CHECK), "--spec=/?spec", f"http://127.0.0.1:{port}"]
        subprocess.run(argv, capture_output=True, check=True)

    ours = examples(json.loads(json.dumps(SPEC)))
    assert sorted(f"{each.method} {each.address}" for each in ours) == sorted(asked[1:])
    for each in ours:
        status, headers, text = GOOD[f"{each.method} {each.address}"]
        assert problems(each, status, {k.lower(): v for k, v in headers.items()}, text) == []
