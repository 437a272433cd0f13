"""Secrets by origin: masked before anything is compared, shown, cached or recorded."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from urllib.parse import quote, quote_plus

from deploycharts.changes.identity import flatten
from deploycharts.documents import Document, Json

SHORTEST = 6
_LONG_LINE = 12
_SECRET_FIELDS = ("data", "stringData")
_NAMING_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app", "release")
_PLAIN = re.compile(r"[ !#-\[\]-~]+")
# Masking these would make objects unrecognisable; they are no place for secrets.
_IDENTITY = frozenset(("apiVersion", "kind"))


class Masker:
    """Replaces secret values by a keyed hash, so that equality shows and nothing else does."""

    def __init__(self, secrets: Iterable[str], key: bytes) -> None:
        """Mask `secrets` of six or more characters; `key` makes their hashes comparable."""
        self._key = key
        self._secrets = frozenset(each for each in secrets if len(each) >= SHORTEST)

    def knowing(self, *documents: Sequence[Document]) -> Masker:
        """A masker that also knows the values of the Secret objects in `documents`.

        It leaves out values that are names of objects there: a database's user may be called like
        the service, and its name is no secret.
        """
        objects = [each for side in documents for each in flatten(side)]
        found = set(secret_values(objects))
        public = set(_public_names(objects))
        secrets = (self._secrets | {each for each in found if len(each) >= SHORTEST}) - public
        return self if secrets == self._secrets else Masker(secrets, self._key)

    def text(self, text: str) -> str:
        """`text` without any secret: plain, base64, URL-encoded or JSON-escaped."""
        if not self._secrets or len(text) < SHORTEST:
            return text
        pattern, origin = self._matcher
        return pattern.sub(lambda found: self.mask(origin[found[0]]), text) if pattern else text

    def mask(self, secret: str) -> str:
        """What stands for `secret`: equal for equal secrets under the same key."""
        mac = hmac.new(self._key, secret.encode(errors="surrogatepass"), hashlib.sha256)
        return f"<secret {mac.hexdigest()[:8]}>"

    def documents(self, documents: Sequence[Document]) -> tuple[Document, ...]:
        """The objects without secrets; those of their own Secret objects are masked too.

        Compare two sides only if one masker knows both (`knowing`), else a value that moved out
        of a Secret shows on the side that does not know it.
        """
        return self.knowing(documents).known(documents)

    def known(self, documents: Sequence[Document]) -> tuple[Document, ...]:
        """`documents` for those whose Secret objects this masker knows already."""
        return tuple(self._document(each) for each in flatten(documents))

    def _document(self, each: Document) -> Document:
        if not _is_secret(each.body) and self._is_free(each.body):
            return each
        body = {
            name: value if name in _IDENTITY else self.value(value)
            for name, value in each.body.items()
        }
        if _is_secret(each.body):
            self._mask_fields(each.body, body)
        _keep_identity(each.body, body)
        return each if body == each.body else replace(each, body=body)

    def _is_free(self, body: Mapping[str, Json]) -> bool:
        """Whether there is certainly no secret: one look at all is cheaper than one at each value.

        Secrets that JSON spells differently within itself could hide from the one look.
        """
        if not self._secrets:
            return True
        pattern, _ = self._matcher
        if pattern is None or not self._are_plain:
            return False
        return pattern.search(json.dumps(body, ensure_ascii=False)) is None

    @cached_property
    def _are_plain(self) -> bool:
        return all(map(_PLAIN.fullmatch, self._secrets))

    def _mask_fields(self, original: Mapping[str, Json], body: dict[str, Json]) -> None:
        for field in _SECRET_FIELDS:
            values = original.get(field)
            if isinstance(values, dict):
                body[field] = {
                    name: None if value is None else self.mask(_plain(field, value))
                    for name, value in values.items()
                }

    def value(self, value: Json) -> Json:
        """A JSON value with secrets masked in all of its texts, keys and long numbers."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(name): self.value(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if value is None or isinstance(value, bool):
            return value
        return self.mask(str(value)) if str(value) in self._secrets else value

    @cached_property
    def _matcher(self) -> tuple[re.Pattern[str] | None, dict[str, str]]:
        return _compiled(self._secrets)


@lru_cache(maxsize=64)
def _compiled(secrets: frozenset[str]) -> tuple[re.Pattern[str] | None, dict[str, str]]:
    """A pattern of every spelling of every secret, and which secret a spelling stands for."""
    found: dict[str, str] = {}
    for secret in sorted(secrets):
        for spelling in _spellings(secret):
            found.setdefault(spelling, secret)
    found.update({secret: secret for secret in secrets})
    return (re.compile(_any_of(found)) if found else None), found


def _any_of(texts: Iterable[str]) -> str:
    """A pattern of the longest of many texts: by first letters, since most places match none."""
    tree: dict[str, dict[str, list[str]]] = {}
    for text in sorted(texts, key=lambda each: (-len(each), each)):
        tree.setdefault(text[:1], {}).setdefault(text[1:3], []).append(text[3:])
    return "|".join(
        re.escape(first)
        + _group(
            re.escape(more) + _group(map(re.escape, rests)) for more, rests in branches.items()
        )
        for first, branches in tree.items()
    )


def _group(patterns: Iterable[str]) -> str:
    return f"(?:{'|'.join(patterns)})"


def secret_values(documents: Iterable[Document]) -> Iterator[str]:
    """The values of Secret objects, and the long lines of those with several."""
    for each in documents:
        body = each.body
        for field in _SECRET_FIELDS if _is_secret(body) else ():
            values = body.get(field)
            for value in values.values() if isinstance(values, dict) else ():
                yield _plain(field, value)


def _public_names(documents: Iterable[Document]) -> Iterator[str]:
    for each in documents:
        yield from (each.key.name, each.key.namespace)
        metadata = each.body.get("metadata")
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        if isinstance(labels, dict):
            yield from (str(labels[name]) for name in _NAMING_LABELS if name in labels)


def _is_secret(body: Mapping[str, Json]) -> bool:
    return body.get("kind") == "Secret" and body.get("apiVersion") == "v1"


def _plain(field: str, value: Json) -> str:
    """The text that a field of a Secret holds: `data` is base64, `stringData` is not."""
    text = value if isinstance(value, str) else json.dumps(value)
    if field != "data":
        return text
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return text


def _keep_identity(original: Mapping[str, Json], body: dict[str, Json]) -> None:
    before, after = original.get("metadata"), body.get("metadata")
    if isinstance(before, dict) and isinstance(after, dict):
        after.update({name: before[name] for name in ("name", "namespace") if name in before})


def _spellings(secret: str) -> Iterator[str]:
    raw = secret.encode(errors="surrogatepass")
    plain = [secret, *(line.strip() for line in secret.splitlines() if "\n" in secret.strip())]
    for text in (each for each in plain if each == secret or len(each) >= _LONG_LINE):
        yield text
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield text.replace("'", "''")
    for safe in ("", "/"):
        yield quote(raw, safe=safe)
    yield quote_plus(raw)
    yield from _base64(raw)


def _base64(raw: bytes) -> Iterator[str]:
    """Also of a longer text in which the secret stands anywhere, as in `user:secret`."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode()
        for offset in range(3):
            encoded = encode(b"\0" * offset + raw).decode().rstrip("=")
            first = (0, 2, 3)[offset]
            last = len(encoded) - (1 if (offset + len(raw)) % 3 else 0)
            if last - first >= SHORTEST:
                yield encoded[first:last]
