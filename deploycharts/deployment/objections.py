"""What an API server objects to, told from its answer to a dry run.

The texts are those of Kubernetes 1.30 to 1.36; what is not recognised is no objection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from deploycharts.cluster.connection import ApiError
from deploycharts.cluster.kinds import OWN_KINDS, is_unserved
from deploycharts.documents import Document, ObjectKey
from deploycharts.source import Source


class RefusalKind(Enum):
    """Why an object would be refused."""

    CONFLICT = "somebody else set these fields"
    IMMUTABLE = "these fields cannot be changed"
    INVALID = "a value is not allowed"
    SCHEMA = "an unknown field or a wrong type"
    ADMISSION = "an admission rule"
    POD_SECURITY = "the pod security standard"
    QUOTA = "the quota"
    NAMESPACE = "the namespace"
    ENDING = "the namespace is being deleted"
    NOT_SERVED = "the cluster does not know this kind"
    TAKEN = "the object belongs to somebody else"
    DUPLICATE = "a list has two items of one key"
    TOO_LARGE = "it does not fit into the cluster's storage"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why an object would be refused.

    Attributes:
        fields: the paths that it is about, where the API server names them.
        manager: who set the fields, for conflicts.
        at: when he did, RFC 3339; empty where the cluster does not say.
        sources: the lines or files that it comes from, where they are known.
        is_certain: false where it may be over by the time of the act, as for a webhook that does
            not answer now.
    """

    object: ObjectKey
    kind: RefusalKind
    message: str
    fields: tuple[str, ...] = ()
    manager: str = ""
    at: str = ""
    sources: tuple[Source, ...] = ()
    is_certain: bool = True

    def __str__(self) -> str:
        who = f" since {self.at}" if self.at else ""
        origins = f" ({', '.join(map(str, self.sources))})" if self.sources else ""
        return f"{self.object}: {self.message}{who}{origins}"


_MANAGER = re.compile(r'^conflict with "([^"]*)"(?: with subresource "([^"]*)")?.*?(?: at (\S+))?$')
_IMMUTABLE = re.compile(r"immutable|updates to \w+ spec|cannot be changed|may not change")
_RBAC = re.compile(r'User "[^"]*" cannot \w+ resource ')
_LATER = re.compile(r"error looking up service account|does not support dry run")
_SCHEMA_LINE = re.compile(r"\.([\w.\-/]+(?:\[[^\]]*\][\w.\-/]*)*): (.+)$")
_STRICT = re.compile(r'(?:unknown|duplicate) field "([^"]+)"')
_ITEM = re.compile(r'\[\w+="?([^",\]]*)"?\]')
_NOT_THE_TYPE = (
    "failed to create typed patch object", "unable to convert unstructured object",
    "strict decoding error", "cannot be handled as a",
)  # fmt: skip
_FRAME = re.compile(r"^.*(?:Kind=\w+|cannot be handled as an? \w+): ", re.DOTALL)
DUPLICATE_ENTRIES = "duplicate entries for key"
_DUPLICATE = (DUPLICATE_ENTRIES, "Duplicate value")
_NOT_ASKED = "failed calling webhook"
_POD_SECURITY = "violates PodSecurity"
_QUOTA = re.compile(r"exceeded quota: .*|failed quota: .*")


def objections(
    each: Document, error: ApiError, *, server_side: bool, mask: Callable[[str], str]
) -> tuple[Refusal, ...]:
    """Why an object is refused; empty for an answer that says nothing about it.

    Args:
        each: the object.
        error: the answer.
        server_side: whether helm will apply server-side too; else what only that way of applying
            objects to is left out.
        mask: hides secrets.
    """
    message = str(error.body.get("message") or "")
    if _LATER.search(message) or _RBAC.search(message) or error.status == 401:
        return ()
    if not server_side and any(word in message for word in _DUPLICATE):
        return ()
    return tuple(_told(each, error, message, mask))


def not_served(each: Document) -> Refusal:
    """The refusal of a kind that nobody installed, or of a version that is no longer served."""
    message = f"the cluster does not know {each.key.kind} of {each.body.get('apiVersion')}"
    is_own = (each.key.group, each.key.kind) in OWN_KINDS
    more = "another version of it is served" if is_own else "its CRD is not installed"
    return Refusal(each.key, RefusalKind.NOT_SERVED, f"{message}; {more}")


def _told(
    each: Document, error: ApiError, message: str, mask: Callable[[str], str]
) -> Iterator[Refusal]:
    key = each.key
    if any(words in message for words in _NOT_THE_TYPE):
        yield _schema(key, message, mask)
    elif error.status == 409:
        yield from _conflicts(key, error)
    elif _about_namespace(error):
        namespace = ObjectKey("", "Namespace", "", key.namespace)
        kind = RefusalKind.ENDING if _is_terminating(error) else RefusalKind.NAMESPACE
        yield Refusal(namespace, kind, _namespace_words(error, key.namespace))
    elif is_unserved(error):
        yield not_served(each)
    elif error.status == 422 and "denied request" not in message:
        yield from _invalid(key, error, mask)
    elif error.status == 403 or "webhook" in message or error.status == 422:
        kind, words = _admission(message)
        yield Refusal(key, kind, mask(words), is_certain=_NOT_ASKED not in message)


def _conflicts(key: ObjectKey, error: ApiError) -> Iterator[Refusal]:
    by_manager: dict[tuple[str, str, str], list[str]] = {}
    for cause in _causes(error):
        found = _MANAGER.match(str(cause.get("message") or ""))
        if found and cause.get("reason") == "FieldManagerConflict":
            who = (found[1], found[2] or "", found[3] or "")
            by_manager.setdefault(who, []).append(_path(str(cause.get("field") or "")))
    for (manager, subresource, at), fields in by_manager.items():
        how = f" ({subresource})" if subresource else ""
        message = f"{manager}{how} has set {', '.join(fields)}"
        yield Refusal(key, RefusalKind.CONFLICT, message, tuple(fields), manager, at)


def _invalid(key: ObjectKey, error: ApiError, mask: Callable[[str], str]) -> Iterator[Refusal]:
    by_kind: dict[RefusalKind, dict[str, str]] = {}
    for cause in _causes(error):
        message = str(cause.get("message") or "")
        is_fixed = _IMMUTABLE.search(message) is not None
        kind = RefusalKind.IMMUTABLE if is_fixed else RefusalKind.INVALID
        by_kind.setdefault(kind, {})[_path(str(cause.get("field") or ""))] = _brief(message)
    for kind, told in by_kind.items():
        words = "; ".join(f"{path}: {message}" for path, message in told.items())
        yield Refusal(key, kind, mask(words), tuple(told))
    if not by_kind:
        yield Refusal(key, RefusalKind.INVALID, mask(str(error.body.get("message") or "")))


def _schema(key: ObjectKey, message: str, mask: Callable[[str], str]) -> Refusal:
    lines = [_SCHEMA_LINE.search(line) for line in message.splitlines()]
    told = {_path(found[1]): found[2] for found in lines if found}
    unknown = {_path(path): "unknown field" for path in _STRICT.findall(message)}
    fields = told or unknown
    words = "; ".join(f"{path}: {what}" for path, what in fields.items())
    words = words or _FRAME.sub("", message)
    return Refusal(key, RefusalKind.SCHEMA, mask(words), tuple(fields))


def _admission(message: str) -> tuple[RefusalKind, str]:
    if _POD_SECURITY in message:
        return RefusalKind.POD_SECURITY, message[message.index(_POD_SECURITY) :]
    quota = _QUOTA.search(message)
    if quota:
        return RefusalKind.QUOTA, quota[0]
    return RefusalKind.ADMISSION, message.partition(" is forbidden: ")[2] or message


def _about_namespace(error: ApiError) -> bool:
    details = error.body.get("details")
    kind = details.get("kind") if isinstance(details, Mapping) else None
    return (error.status == 404 and kind == "namespaces") or _is_terminating(error)


def _is_terminating(error: ApiError) -> bool:
    return any(cause.get("reason") == "NamespaceTerminating" for cause in _causes(error))


def _namespace_words(error: ApiError, namespace: str) -> str:
    if _is_terminating(error):
        return f"the namespace {namespace} is being deleted"
    return f"the namespace {namespace} does not exist; `deploy cluster` makes it"


def _causes(error: ApiError) -> tuple[Mapping[str, Any], ...]:
    details = error.body.get("details")
    causes = details.get("causes") if isinstance(details, Mapping) else None
    return tuple(each for each in causes or () if isinstance(each, Mapping))


def _path(field: str) -> str:
    """The path as the comparison shows it: `spec.containers[app].image`."""
    return _ITEM.sub(r"[\1]", field.removeprefix("."))


def _brief(message: str) -> str:
    """Without the whole value that Kubernetes quotes back."""
    return re.sub(r"^(Invalid value): .*?: (?=[a-z`])", r"\1: ", message, flags=re.DOTALL)
