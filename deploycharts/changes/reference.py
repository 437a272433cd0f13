"""References of images: `registry/name:tag@digest`.

The rules are those of the OCI distribution specification
(https://github.com/opencontainers/distribution-spec/blob/main/spec.md) and, for which first word is
a registry, those of Docker (https://pkg.go.dev/github.com/distribution/reference).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from deploycharts.errors import UserError

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MOVING = "latest"


@dataclass(frozen=True, slots=True)
class Reference:
    """An image as a container names it; what is not said is empty."""

    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}{f'@{self.digest}' if self.digest else ''}"

    @property
    def version(self) -> str:
        """Tag or digest, whichever is said; both joined by @."""
        return "@".join(filter(None, (self.tag, self.digest)))

    @property
    def registry(self) -> str:
        """Host and port of the registry; empty if none is named."""
        first, slash, _ = self.repository.partition("/")
        is_host = slash and (first == "localhost" or "." in first or ":" in first)
        return first if is_host else ""

    @property
    def name(self) -> str:
        """The repository's name in its registry."""
        return self.repository.removeprefix(f"{self.registry}/")

    def at(self, version: str) -> Reference:
        """The same image with only that tag or digest."""
        if is_digest(version):
            return replace(self, tag="", digest=version)
        return replace(self, tag=version, digest="")


def parse(image: str) -> Reference:
    """The parts of an image reference; a colon before a slash is a registry's port."""
    rest, _, digest = image.partition("@")
    folder, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return Reference(f"{folder}{slash}{name}", tag, digest)


def is_digest(version: str) -> bool:
    """Whether it is a digest and not a tag, in which a colon cannot be."""
    return ":" in version


def require_version(text: str) -> str:
    """The tag or digest that a person typed.

    Raises:
        UserError: it is `latest`, or neither a tag nor a digest of sha256.
    """
    if text == _MOVING:
        raise UserError(
            "the tag latest is refused",
            why="it moves: nobody can say later what ran, and nothing would be rolled out anew",
            next_step="give a tag that stays, or a digest sha256:…",
        )
    if _TAG.fullmatch(text) or _DIGEST.fullmatch(text):
        return text
    if text.startswith("sha256:"):
        why = "a digest is sha256: and 64 of the digits 0-9 and a-f"
    elif "/" in text or "@" in text:
        why = f"only the tag or the digest is wanted{_version_in(text)}"
    else:
        why = "a tag has up to 128 letters, digits, _ . and -, and begins with none of . and -"
    raise UserError(f"{text!r} is no tag of an image", why=why)


def _version_in(text: str) -> str:
    found = parse(text)
    return f": {found.digest or found.tag}" if found.version else ""
