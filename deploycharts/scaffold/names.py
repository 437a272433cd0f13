"""What names, ports, images and other small texts must look like. Pure; each says what is wrong."""

from __future__ import annotations

import re

NAME_LIMIT = 53
"""A release's Service is called NAME-RELEASE: 63 characters, less a dash and a release's name."""

VALUE_LIMIT = 4096
"""Characters in the value of an environment variable."""

_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_OBJECT = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_HOST = re.compile(r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_REPOSITORY = re.compile(
    r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ENV = re.compile(r"[-._A-Za-z0-9]+")
_CPU = re.compile(r"\d+m|\d+(\.\d{1,3})?")
_MEMORY = re.compile(r"\d+(Ki|Mi|Gi|Ti)")
_ID = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_.@:]*")
_CRON_FIELD = re.compile(
    r"(\*|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/\d+)?(,[0-9A-Za-z]+(-[0-9A-Za-z]+)?)*"
)


def dns_label(name: str) -> str | None:
    """A service's name: a DNS label that Helm and YAML cannot take for something else."""
    if not _LABEL.fullmatch(name):
        return (
            f"{_shown(name)} is not a DNS label: small letters, digits and dashes, "
            "a letter first, no dash at the end"
        )
    if len(name) > NAME_LIMIT:
        return f"it has {len(name)} characters, at most {NAME_LIMIT} fit"
    read = _as_yaml_reads(name)
    return None if read == name else f"YAML reads {_shown(name)} as {read!r}, not as a name"


def _as_yaml_reads(name: str) -> object:
    from deploycharts.documents import load
    from deploycharts.source import Source

    return load(name, Source("name"))


def object_name(name: str) -> str | None:
    """The name of an object in a cluster."""
    return None if _OBJECT.fullmatch(name) else f"{_shown(name)} is not a valid object name"


def plain_text(text: str) -> str | None:
    """One line for people to read, without control characters."""
    if not text.isprintable():
        return "it must be one line of printable characters"
    if len(text) > 200:
        return f"it has {len(text)} characters, at most 200 fit"
    return None


def port(number: int) -> str | None:
    """A TCP port that a process without rights can listen on."""
    if not 0 < number < 65536:
        return f"{number} is not a port: 1 to 65535"
    if number < 1024:
        return f"{number} needs root privileges: choose 1024 to 65535"
    return None


def image(reference: str) -> str | None:
    """An image with a tag or a digest, and never `latest`."""
    repository, tag, digest = split_image(reference)
    if not _REPOSITORY.fullmatch(repository):
        return f"{_shown(repository)} is not an image: REGISTRY/PATH:TAG in small letters"
    if digest and not _DIGEST.fullmatch(digest):
        return "a digest is sha256: and 64 hexadecimal digits"
    if not tag and not digest:
        return "it has no tag: REGISTRY/PATH:TAG, or REGISTRY/PATH@sha256:DIGEST"
    if tag == "latest":
        return "the tag latest says nothing about what runs: name a version"
    if tag and not _TAG.fullmatch(tag):
        return f"{_shown(tag)} is not a valid tag"
    return None


def split_image(reference: str) -> tuple[str, str, str]:
    """Repository, tag and digest of an image reference; what is not there is empty."""
    rest, _, digest = reference.partition("@")
    repository, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        return rest, "", digest
    return repository, tag, digest


def path(text: str) -> str | None:
    """The path of a URL."""
    if not re.fullmatch(r"/[-A-Za-z0-9._~!$&'()*+,;=:@%/?]*", text) or "//" in text:
        return f"{_shown(text)} is not a path: it begins with / and has no spaces"
    return plain_text(text)


def host(name: str) -> str | None:
    """A full DNS name."""
    if len(name) > 253 or not _HOST.fullmatch(name):
        return f"{_shown(name)} is not a full host name such as service.example.org"
    return None


def schedule(text: str) -> str | None:
    """When a cron job runs."""
    if re.fullmatch(r"@(hourly|daily|midnight|weekly|monthly|yearly|annually)", text):
        return None
    fields = text.split()
    if len(fields) != 5 or not all(_CRON_FIELD.fullmatch(field) for field in fields):
        return f"{_shown(text)} is not a schedule: write five fields such as 15 3 * * *, or @daily"
    limits = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    for field, (low, high) in zip(fields, limits, strict=True):
        for number in re.findall(r"\d+", re.sub(r"/\d+", "", field)):
            if not low <= int(number) <= high:
                return f"{field!r} is outside {low} to {high}"
    return None


def cpu(text: str) -> str | None:
    """A quantity of CPU."""
    return None if _CPU.fullmatch(text) and cores(text) > 0 else f"{_shown(text)}: like 100m or 2"


def memory(text: str) -> str | None:
    """A quantity of memory."""
    if _MEMORY.fullmatch(text) and mebibytes(text) >= 1:
        return None
    return f"{_shown(text)}: like 256Mi or 1Gi"


def cores(text: str) -> float:
    """CPU cores of a quantity."""
    return int(text[:-1]) / 1000 if text.endswith("m") else float(text)


def mebibytes(text: str) -> float:
    """MiB of a quantity of memory."""
    return int(text[:-2]) * {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024, "Ti": 1024**2}[text[-2:]]


def variable(name: str) -> str | None:
    """The name of an environment variable."""
    if _ENV.fullmatch(name):
        return None
    return f"{_shown(name)} is not a variable name: letters, digits, _, - and ."


def variable_value(text: str) -> str | None:
    """The value of an environment variable: any text, of several lines too."""
    if not all(c.isprintable() or c in "\n\t" for c in text):
        return "it has control characters"
    if len(text) > VALUE_LIMIT:
        return f"it has {len(text)} characters, at most {VALUE_LIMIT} fit: use a configuration file"
    return None


def identity(name: str) -> str | None:
    """A user or a group of people."""
    return None if _ID.fullmatch(name) else f"{_shown(name)} is not the name of a user or group"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
