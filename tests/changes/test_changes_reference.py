"""References of images, and what is a tag."""

from __future__ import annotations

import pytest

from deploycharts.changes.reference import parse, require_version
from deploycharts.errors import UserError

DIGEST = f"sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    ("image", "registry", "name", "tag", "digest"),
    [
        ("nginx", "", "nginx", "", ""),
        ("nginx:1.27", "", "nginx", "1.27", ""),
        ("team/app:1", "", "team/app", "1", ""),
        ("localhost/app:1", "localhost", "app", "1", ""),
        ("localhost:5000/app", "localhost:5000", "app", "", ""),
        ("registry.example.org/a/b:v1", "registry.example.org", "a/b", "v1", ""),
        (f"registry.example.org:443/a@{DIGEST}", "registry.example.org:443", "a", "", DIGEST),
        (f"registry.example.org/a:1@{DIGEST}", "registry.example.org", "a", "1", DIGEST),
    ],
)
def test_the_parts_of_a_reference(
    image: str, registry: str, name: str, tag: str, digest: str
) -> None:
    found = parse(image)

    assert (found.registry, found.name, found.tag, found.digest) == (registry, name, tag, digest)
    assert str(found) == image


@pytest.mark.parametrize(
    ("image", "version", "wanted"),
    [
        ("r.example/a:1", "2", "r.example/a:2"),
        (f"r.example/a:1@{DIGEST}", "2", "r.example/a:2"),
        ("r.example/a:1", DIGEST, f"r.example/a@{DIGEST}"),
    ],
)
def test_another_version_replaces_tag_and_digest(image: str, version: str, wanted: str) -> None:
    assert str(parse(image).at(version)) == wanted


@pytest.mark.parametrize("text", ["1.0.0", "v1", "_x", "2024-01-31-120000", "A" * 128, DIGEST])
def test_tags_and_digests(text: str) -> None:
    assert require_version(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("latest", "it moves"),
        ("", "up to 128"),
        ("A" * 129, "up to 128"),
        (".1", "begins with none of"),
        ("-1", "begins with none of"),
        ("1.0+build", "up to 128"),
        ("1 0", "up to 128"),
        ("1.0\n", "up to 128"),
        ("sha256:ab", "64 of the digits"),
        (DIGEST.upper(), "up to 128"),
        (f"md5:{'ab' * 16}", "up to 128"),
        ("registry.example.org/app:1.2", "only the tag or the digest is wanted: 1.2"),
        (f"1.2@{DIGEST}", f"only the tag or the digest is wanted: {DIGEST}"),
    ],
)
def test_what_is_neither_is_refused(text: str, why: str) -> None:
    with pytest.raises(UserError) as caught:
        require_version(text)

    assert why in caught.value.why
