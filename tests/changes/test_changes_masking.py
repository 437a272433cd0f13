"""No secret leaves the engine, and equality still shows."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploycharts.changes.compare import compare
from deploycharts.changes.masking import Masker
from tests.changes.changes_builders import (
    CONTAINER,
    TARGET,
    changed,
    config_map,
    deployment,
    documents,
    secret,
)

SECRET = 'p@ss "wörd"/+&='
KEY = b"key of the run"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        encoded(SECRET),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
    ],
)
def test_every_spelling_is_masked(spelling: str) -> None:
    masked = Masker([SECRET], KEY).text(f"before {spelling} after")
    assert masked.startswith("before <secret ")
    assert masked.endswith("> after")


@settings(deadline=None)
@given(st.text("abcXYZ0189", min_size=12, max_size=24), st.text("xyz:", max_size=5))
@example("correct-horse-battery", "user:")
def test_a_secret_inside_a_longer_base64_text_does_not_survive(value: str, before: str) -> None:
    text = base64.b64encode(f"{before}{value}@host".encode()).decode()
    assert Masker([value], KEY).text(text) != text


def test_equal_secrets_look_equal_and_different_ones_different() -> None:
    masker = Masker(["secret-one", "secret-two"], KEY)
    assert masker.text("secret-one") == masker.text("secret-one")
    assert masker.text("secret-one") != masker.text("secret-two")
    assert masker.text("secret-one") != Masker(["secret-one"], b"another").text("secret-one")


def test_short_values_are_masked_by_place_only() -> None:
    assert Masker(["abc"], KEY).text("abc") == "abc"
    (masked,) = Masker([], KEY).documents(documents(secret(pin="123")))
    assert "123" not in json.dumps(masked.body["stringData"])


def test_secret_objects_show_whether_they_are_equal() -> None:
    plain, other = secret(password="correct-horse"), secret(password="battery-staple")
    as_data = {**secret(), "data": {"password": encoded("correct-horse")}}
    del as_data["stringData"]
    masker = Masker([], KEY)
    one, same, coded = (masker.documents(documents(b))[0] for b in (plain, plain, as_data))
    assert one == same
    string_data, data = one.body["stringData"], coded.body["data"]
    assert string_data == data
    found = compare(TARGET, (one,), masker.documents(documents(other)))
    assert [change.path for change in found.changes] == [("stringData", "password")]
    assert "correct" not in str(found)
    assert "battery" not in str(found)


def test_secret_objects_in_lists_are_masked() -> None:
    wrapped = {"apiVersion": "v1", "kind": "List", "items": [secret(pin="123", word="battery")]}
    (masked,) = Masker([], KEY).documents(documents(wrapped))
    assert "123" not in json.dumps(masked.body["stringData"])
    assert "battery" not in json.dumps(masked.body)


PLACES = (
    f"{CONTAINER}/env/0/value",
    f"{CONTAINER}/args/1",
    "metadata/labels",
    "spec/template/metadata/annotations",
)


@settings(deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="<>"), min_size=6, max_size=20),
    st.sampled_from(PLACES),
    st.sampled_from(["{}", "x{}y", "url=https://user:{}@host/"]),
)
def test_no_secret_survives_anywhere(value: str, place: str, around: str) -> None:
    text = around.replace("{}", value)
    body = changed(deployment(), place, {"note": text} if place.startswith("m") else text)
    (masked,) = Masker([value], KEY).documents(documents(body))
    if value not in ("echo-main", "echo"):
        (before,) = documents(changed(deployment(), place, ""))
        assert value not in _texts(masked.body) or value in _texts(before.body)


def _texts(value: Any) -> str:
    """All texts of a body, one after another."""
    if isinstance(value, dict):
        return "\0".join(_texts(item) for item in value.values())
    if isinstance(value, list):
        return "\0".join(map(_texts, value))
    return str(value)


def test_a_value_of_a_secret_object_is_masked_wherever_it_occurs() -> None:
    leak = changed(deployment(), "spec/template/spec/containers/0/env/0/value", "x correct-horse")
    config = config_map(**{"app.yaml": "password: correct-horse\n", "correct-horse": "1"})
    masked = Masker([], KEY).documents(documents(secret(), leak, config))
    assert "correct-horse" not in json.dumps([each.body for each in masked])


def test_lines_of_a_private_key_are_masked_where_they_are_indented() -> None:
    lines = ["-----BEGIN KEY-----", "MIIEvQIBADANBgkqhk", "AQEFAASCBKcwggSj", "-----END KEY-----"]
    key = "\n".join(lines) + "\n"
    config = config_map(**{"app.yaml": "tls: |\n  " + key.replace("\n", "\n  ")})
    (masked,) = Masker([key], KEY).documents(documents(config))
    assert "MIIE" not in json.dumps(masked.body)
    assert "AQEF" not in json.dumps(masked.body)


def test_numbers_are_masked_too() -> None:
    (masked,) = Masker(["12345678"], KEY).documents(documents(deployment(replicas=12345678)))
    assert "12345678" not in json.dumps(masked.body)


def test_objects_keep_their_names_and_untouched_documents_their_digest() -> None:
    before = documents(deployment("password-service"), config_map())
    masked = Masker(["password"], KEY).documents(before)
    assert masked[0].key == before[0].key
    metadata = masked[0].body["metadata"]
    assert isinstance(metadata, dict)
    assert metadata["name"] == "password-service"
    assert masked[1] is before[1]


def test_the_name_of_an_object_is_no_secret() -> None:
    config = config_map(a="user=echo-main")
    masked = Masker(["echo-main"], KEY).documents(documents(deployment("echo-main"), config))
    assert masked == documents(deployment("echo-main"), config)


def test_one_masker_for_both_sides_hides_what_moved_out_of_a_secret() -> None:
    base, head = documents(secret()), documents(config_map(a="correct-horse"))
    masker = Masker([], KEY).knowing(base, head)
    assert "correct-horse" not in str(
        compare(TARGET, masker.documents(base), masker.documents(head))
    )
