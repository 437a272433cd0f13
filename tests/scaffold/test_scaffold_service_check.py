"""The program in a chart's helm test, against real servers."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scaffold.scaffold_builders import TEMPLATES
from tests.servers import Answer, serving

pytestmark = pytest.mark.slow

CHECK = TEMPLATES / "service" / "<@cookiecutter.name@>" / "chart" / "files" / "check.py"


def example(**request_and_response: Any) -> dict[str, Any]:
    return {"title": "example", **request_and_response}


SPEC: dict[str, Any] = {
    "openapi": "3.0.0",
    "servers": [{"url": "/v1"}],
    "x-default-params": {"lang": "en"},
    "paths": {
        "/pages/{title}{/lang}": {
            "get": {
                "x-amples": [
                    example(
                        request={"params": {"title": "Main page"}, "query": {"redirect": "no"}},
                        response={
                            "status": 200,
                            "headers": {"content-type": "application/json"},
                            "body": {"title": "/^Main/", "items": [{"id": "/[0-9]+/"}]},
                        },
                    )
                ]
            }
        },
        "/pages": {
            "post": {
                "x-amples": [
                    example(
                        request={
                            "headers": {"content-type": "application/json"},
                            "body": {"title": "New"},
                        },
                        response={"status": 201},
                    )
                ]
            }
        },
        "/secret": {"get": {"x-monitor": False}},
    },
}
GOOD: dict[str, Answer] = {
    "GET /?spec": (200, {}, json.dumps(SPEC)),
    "GET /healthz": (200, {}, "ok"),
    "GET /v1/pages/Main+page/en?redirect=no": (
        200,
        {"Content-Type": "application/json"},
        json.dumps({"title": "Main page", "items": [{"id": 1}, {"id": 22}], "more": True}),
    ),
    "POST /v1/pages": (201, {}, ""),
}


def check(url: str, *words: str) -> tuple[int, str]:
    argv = [sys.executable, "-B", str(CHECK), "--health=/healthz", *words, url]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def good(asked: str) -> Answer:
    return GOOD.get(asked, (404, {}, ""))


def test_all_examples_are_asked() -> None:
    with serving(good) as port:
        code, said = check(f"http://127.0.0.1:{port}", "--spec=/?spec")
    assert code == 0, said
    assert "2 of 2 as expected" in said


def test_without_a_description_only_the_health_path_is_asked() -> None:
    with serving(good) as port:
        code, said = check(f"http://127.0.0.1:{port}", "--spec=")
    assert (code, said) == (0, "ok   GET /healthz (untitled)\n1 of 1 as expected\n")


@pytest.mark.parametrize(
    ("asked", "answer", "why"),
    [
        ("POST /v1/pages", (500, {}, ""), "status 500, expected 201"),
        (
            "GET /v1/pages/Main+page/en?redirect=no",
            (200, {"Content-Type": "text/html"}, "{}"),
            "header content-type is 'text/html'",
        ),
        (
            "GET /v1/pages/Main+page/en?redirect=no",
            (200, {"Content-Type": "application/json"}, '{"title": "Other", "items": []}'),
            "body.title is 'Other'",
        ),
        (
            "GET /v1/pages/Main+page/en?redirect=no",
            (200, {"Content-Type": "application/json"}, '{"items": [{"id": "x"}]}'),
            "body.title is missing",
        ),
        (
            "GET /v1/pages/Main+page/en?redirect=no",
            (200, {"Content-Type": "application/json"}, "<html>"),
            "body is no JSON",
        ),
        ("GET /?spec", (500, {}, "{}"), "status 500"),
        ("GET /?spec", (200, {}, "<html>"), "no valid description"),
    ],
)
def test_a_wrong_answer_fails_and_says_why(asked: str, answer: Answer, why: str) -> None:
    with serving(lambda one: answer if one == asked else good(one)) as port:
        code, said = check(f"http://127.0.0.1:{port}", "--spec=/?spec")
    assert code == 2
    assert why in said


def test_a_service_that_answers_500_fails() -> None:
    with serving(lambda _asked: (500, {}, "")) as port:
        assert check(f"http://127.0.0.1:{port}", "--spec=")[0] == 2


def test_a_service_that_does_not_answer_fails() -> None:
    with serving(good) as port:
        pass
    code, said = check(f"http://127.0.0.1:{port}", "--spec=")
    assert code == 2
    assert "no answer" in said


def test_tls_is_verified_and_a_500_behind_it_fails(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
    authority = f"--ca={certificate / 'tls.crt'}"
    with serving(good, context) as port:
        assert check(f"https://localhost:{port}", authority, "--spec=/?spec")[0] == 0
        code, said = check(f"https://localhost:{port}", "--spec=")
        assert code == 2
        assert "CERTIFICATE_VERIFY_FAILED" in said
    with serving(lambda _asked: (500, {}, ""), context) as port:
        assert check(f"https://localhost:{port}", authority, "--spec=")[0] == 2
