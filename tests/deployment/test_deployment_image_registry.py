"""Whether an image exists, asked from a registry on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from deploycharts.changes.reference import parse
from deploycharts.tools.images import Answer, Presence, look_up
from tests.servers import Answer as Served
from tests.servers import serving

DIGEST = f"sha256:{'ab' * 32}"
UNKNOWN_TAG = json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN"}]})
UNKNOWN_NAME = json.dumps({"errors": [{"code": "NAME_UNKNOWN"}]})


def registry(request: str) -> Served:
    """A repository `app` with a few tags."""
    _, path = request.split(" ")
    if path == "/v2/app/tags/list?n=1000":
        return 200, {}, json.dumps({"tags": ["1.2.3", "1.2.4", "0.1", 7]})
    if path in ("/v2/app/manifests/1.2.3", f"/v2/app/manifests/{DIGEST}"):
        return 200, {"Docker-Content-Digest": DIGEST}, ""
    if path.startswith("/v2/app/"):
        return 404, {}, UNKNOWN_TAG
    return 404, {}, UNKNOWN_NAME


def ask(served: Callable[[str], Served], image: str) -> Answer:
    with serving(served) as port:
        return look_up(parse(f"127.0.0.1:{port}/{image}"))


@pytest.mark.parametrize("image", ["app:1.2.3", f"app@{DIGEST}", f"app:9@{DIGEST}"])
def test_an_image_that_is_there(image: str) -> None:
    assert ask(registry, image) == Answer(Presence.THERE, digest=DIGEST)


def test_a_tag_that_is_missing_comes_with_near_ones() -> None:
    found = ask(registry, "app:1.2.5")

    assert found.presence is Presence.MISSING
    assert "has no 1.2.5" in found.why
    assert set(found.near) == {"1.2.3", "1.2.4"}


def test_a_repository_that_is_missing() -> None:
    found = ask(registry, "other:1")

    assert found.presence is Presence.MISSING
    assert "has no repository other" in found.why


def test_a_404_of_something_else_is_no_answer() -> None:
    found = ask(lambda _: (404, {}, "<h1>no such page</h1>"), "app:1.2.3")

    assert (found.presence, "is no registry" in found.why) == (Presence.UNKNOWN, True)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_refusal_says_nothing_about_the_image(status: int) -> None:
    assert ask(lambda _: (status, {}, ""), "app:1.2.3").presence is Presence.UNKNOWN


def test_nobody_answers() -> None:
    with serving(registry) as port:
        pass

    found = look_up(parse(f"127.0.0.1:{port}/app:1.2.3"))

    assert (found.presence, "does not answer" in found.why) == (Presence.UNKNOWN, True)


def test_a_registry_that_gives_anonymous_tokens() -> None:
    asked: list[str] = []
    ports: list[int] = []

    def served(request: str) -> Served:
        asked.append(request)
        if "/token" in request:
            return 200, {}, json.dumps({"token": "t"})
        if asked.count(request) == 1:
            challenge = (
                f'Bearer realm="http://127.0.0.1:{ports[0]}/token",'
                'service="r",scope="repository:app:pull"'
            )
            return 401, {"WWW-Authenticate": challenge}, ""
        return registry(request)

    with serving(served) as port:
        ports.append(port)
        found = look_up(parse(f"127.0.0.1:{port}/app:1.2.3"))

    assert found.presence is Presence.THERE
    assert asked[1] == "GET /token?service=r&scope=repository%3Aapp%3Apull"


@pytest.mark.parametrize(
    "headers",
    [
        {"WWW-Authenticate": 'Bearer realm="http://registry.example.org/token"'},
        {"WWW-Authenticate": "Basic"},
    ],
)
def test_no_token_is_asked_for_in_the_clear(headers: dict[str, str]) -> None:
    assert ask(lambda _: (401, headers, ""), "app:1.2.3").presence is Presence.UNKNOWN


def test_redirects_are_followed_but_not_for_ever() -> None:
    def once(request: str) -> Served:
        if "/v2/app/" in request:
            return 307, {"Location": request.split(" ")[1].replace("/app/", "/moved/")}, ""
        return 200, {}, ""

    assert ask(once, "app:1.2.3").presence is Presence.THERE
    assert ask(lambda r: (307, {"Location": r.split(" ")[1]}, ""), "app:1").presence is (
        Presence.UNKNOWN
    )
    away = {"Location": "http://registry.example.org/"}
    assert "without https" in ask(lambda _: (307, away, ""), "app:1").why
