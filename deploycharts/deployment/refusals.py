"""What the API server would refuse, asked by a dry run before anything is changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deploycharts.changes.identity import flatten
from deploycharts.changes.meaning import quantity
from deploycharts.changes.workloads import field, hook, is_hook, items, mapping, pod_template
from deploycharts.cluster.connection import ApiError, Cluster
from deploycharts.cluster.kinds import Kinds
from deploycharts.cluster.live import in_parallel
from deploycharts.deployment.objections import Refusal, RefusalKind, not_served, objections
from deploycharts.deployment.owners import managers
from deploycharts.documents import Document, Json, ObjectKey

__all__ = ["Owner", "Refusal", "RefusalKind", "preview"]

_MANAGER = "helm"
_APPLY = "application/apply-patch+yaml"
_GENERATED = 50
_DRY: Mapping[str, str] = {"dryRun": "All", "fieldValidation": "Strict"}
_RELEASE = "meta.helm.sh/release-name"
_NAMESPACE = "meta.helm.sh/release-namespace"
_MANAGED_BY = "app.kubernetes.io/managed-by"
_PARTS = re.compile(r"(?:requested|used|limited): ")
_AMOUNT = re.compile(r"([\w./-]+)=([\w.]+)")
_CLASSES = ("PriorityClass", "RuntimeClass")
_OF_THE_BODY = (RefusalKind.SCHEMA, RefusalKind.INVALID, RefusalKind.NOT_SERVED)


@dataclass(frozen=True, slots=True)
class Owner:
    """The release that objects must belong to, as helm notes it in their annotations."""

    namespace: str
    release: str


def preview(
    cluster: Cluster, head: Sequence[Document], *, server_side: bool, mask: Callable[[str], str],
    owner: Owner | None = None, known: Collection[ObjectKey] = (),
) -> tuple[Refusal, ...]:  # fmt: skip
    """Ask for every object whether it would be taken, as helm would send it; changes nothing.

    Pod templates are tried as pods as well, since the rules for pods are not asked when a workload
    is applied. What the credentials may not do is left out.

    Args:
        cluster: seen with the credentials that deploy.
        head: the objects, unmasked; hooks and tests among them.
        server_side: whether helm applies this release server-side (`Baseline.server_side`); else
            it takes over fields whoever set them, and there are no conflicts.
        mask: hides secrets in what the API server says.
        owner: the release; without it nobody looks whose the objects are.
        known: the objects that the release has already.

    Raises:
        Unreachable: the API server does not answer.
    """
    documents = tuple(flatten(head))
    asking = _Preview(cluster, Kinds(cluster), server_side, mask, owner, frozenset(known))
    answers = in_parallel(asking.ask, documents)
    return _once([each for answer in answers for each in answer], documents)


@dataclass(frozen=True, slots=True)
class _Preview:
    cluster: Cluster
    kinds: Kinds
    server_side: bool
    mask: Callable[[str], str]
    owner: Owner | None
    known: frozenset[ObjectKey]

    def ask(self, each: Document) -> tuple[Refusal, ...]:
        """What is said about an object, and about a pod of it where the object itself is fine."""
        found = self._guarded(each, lambda: self._object(each))
        if is_hook(each):
            found = tuple(hook_of_now(each, one, is_first=not self.known) for one in found)
        pod = _pod(each)
        if pod is None or any(refusal.kind in _OF_THE_BODY for refusal in found):
            return found
        said = self._guarded(each, lambda: self._pod(each, pod))
        return found + tuple(
            of_now(refusal) for refusal in said if not self._has_room_later(each, refusal)
        )

    def _guarded(
        self, each: Document, ask: Callable[[], tuple[Refusal, ...]]
    ) -> tuple[Refusal, ...]:
        try:
            return ask()
        except ApiError as error:
            return objections(each, error, server_side=self.server_side, mask=self.mask)

    def _object(self, each: Document) -> tuple[Refusal, ...]:
        collection = self.kinds.collection(each)
        if collection is None:
            return (not_served(each),)
        if is_hook(each) or not each.key.name:
            self.cluster.send("POST", collection, _under_another_name(each.body), **_DRY)
            return ()
        path = f"{collection}/{each.key.name}"
        taken = self._taken(each, path)
        return taken or self._apply(each, path)

    def _pod(self, each: Document, pod: Mapping[str, Json]) -> tuple[Refusal, ...]:
        self.cluster.send("POST", f"/api/v1/namespaces/{each.key.namespace}/pods", pod, **_DRY)
        return ()

    def _apply(self, each: Document, path: str) -> tuple[Refusal, ...]:
        force = {} if self.server_side else {"force": "true"}
        query = {"fieldManager": _MANAGER, **force, **_DRY}
        try:
            self.cluster.send("PATCH", path, self._as_sent(each.body), content_type=_APPLY, **query)
        except ApiError as error:
            found = objections(each, error, server_side=self.server_side, mask=self.mask)
            if all(refusal.kind is not RefusalKind.CONFLICT for refusal in found):
                return found
            now = self.cluster.find(path) or {}
            return (*(_dated(refusal, now) for refusal in found), *self._forced(each, path))
        return ()

    def _forced(self, each: Document, path: str) -> tuple[Refusal, ...]:
        """What would be refused even if the fields of others were taken over."""
        query = {"fieldManager": _MANAGER, "force": "true", **_DRY}
        return self._guarded(each, lambda: self._sent(each, path, query))

    def _sent(self, each: Document, path: str, query: Mapping[str, str]) -> tuple[Refusal, ...]:
        self.cluster.send("PATCH", path, self._as_sent(each.body), content_type=_APPLY, **query)
        return ()

    def _as_sent(self, body: Mapping[str, Json]) -> dict[str, Json]:
        """With the marks by which helm knows its objects; they count as fields of its own."""
        if self.owner is None:
            return dict(body)
        metadata = dict(mapping(body, "metadata"))
        metadata["labels"] = {**mapping(metadata, "labels"), _MANAGED_BY: "Helm"}
        metadata["annotations"] = {
            **mapping(metadata, "annotations"),
            _RELEASE: self.owner.release,
            _NAMESPACE: self.owner.namespace,
        }
        return {**body, "metadata": metadata}

    def _taken(self, each: Document, path: str) -> tuple[Refusal, ...]:
        """Helm adopts no object that is there and not its own (pkg/action/validate.go)."""
        if self.owner is None or each.key in self.known:
            return ()
        body = self.cluster.find(path)
        notes = mapping(body, "metadata", "annotations")
        owner = (notes.get(_NAMESPACE), notes.get(_RELEASE))
        if body is None or owner == (self.owner.namespace, self.owner.release):
            return ()
        whose = f"to the release {owner[0]}/{owner[1]}" if owner[1] else "to no release of helm"
        return (Refusal(each.key, RefusalKind.TAKEN, f"it is there already and belongs {whose}"),)

    def _has_room_later(self, each: Document, refusal: Refusal) -> bool:
        """A pod of a workload that runs replaces another one, which may make room for it."""
        is_full = refusal.kind is RefusalKind.QUOTA and refusal.message.startswith("exceeded")
        return is_full and each.key in self.known


def hook_of_now(each: Document, refusal: Refusal, *, is_first: bool) -> Refusal:
    """A hook's refusal: an upgrade fails for hooks of upgrades only, and a test is no such."""
    events = {event.strip() for event in hook(each).split(",")}
    runs = events & {f"{when}-{'install' if is_first else 'upgrade'}" for when in ("pre", "post")}
    return of_now(refusal) if runs else replace(refusal, is_certain=False)


def of_now(refusal: Refusal) -> Refusal:
    """Room that is taken now may be free when a controller tries again, unless nobody has that."""
    if refusal.kind is not RefusalKind.QUOTA or not refusal.message.startswith("exceeded"):
        return refusal
    parts = [dict(_AMOUNT.findall(part)) for part in _PARTS.split(refusal.message)[1:4:2]]
    asked, limited = (*parts, {}, {})[:2]
    beyond = [
        name
        for name, amount in asked.items()
        if (quantity(amount) or 0) > (quantity(limited.get(name)) or 0)
    ]
    return replace(refusal, is_certain=bool(beyond))


def _once(found: Sequence[Refusal], documents: Sequence[Document]) -> tuple[Refusal, ...]:
    """Each refusal once; none that another object of the same release settles."""
    return tuple(dict.fromkeys(each for each in found if not settled_by(documents, each)))


def settled_by(documents: Sequence[Document], refusal: Refusal) -> bool:
    """Whether an object of the same release, which helm makes before, settles a refusal."""
    for each in documents:
        kind, name = each.key.kind, each.key.name
        if refusal.kind is RefusalKind.NAMESPACE:
            settles = kind == "Namespace" and name == refusal.object.name
        elif refusal.kind is RefusalKind.NOT_SERVED:
            defined = field(each.body, "spec", "names", "kind")
            settles = kind == "CustomResourceDefinition" and defined == refusal.object.kind
        elif refusal.kind is RefusalKind.QUOTA:
            # Its defaults are what "must specify limits" asks for.
            settles = kind == "LimitRange" and refusal.message.startswith("failed quota")
        else:
            settles = kind in _CLASSES and kind in refusal.message and name in refusal.message
        if settles:
            return True
    return False


def _pod(each: Document) -> dict[str, Json] | None:
    """A pod as the workload's controller would make it; None if it makes none."""
    template = pod_template(each)
    if template is None or not isinstance(template.get("spec"), dict):
        return None
    spec = dict(mapping(template, "spec"))
    # The account may be one of this release; the default one is always there.
    for name in ("serviceAccountName", "serviceAccount"):
        spec.pop(name, None)
    claims = items(each.body, "spec", "volumeClaimTemplates")
    spec["volumes"] = [
        *(dict(volume) for volume in items(spec, "volumes")),
        *({"name": field(claim, "metadata", "name"), "emptyDir": {}} for claim in claims),
    ]
    metadata: dict[str, Json] = {
        name: dict(mapping(template, "metadata", name)) for name in ("labels", "annotations")
    }
    metadata["generateName"] = f"{each.key.name[:_GENERATED]}-"
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _under_another_name(body: Mapping[str, Json]) -> dict[str, Json]:
    """Helm deletes a hook before it makes it again: the one that is there does not count."""
    metadata = dict(mapping(body, "metadata"))
    name = str(metadata.pop("name", "") or metadata.get("generateName") or "")
    metadata["generateName"] = f"{name[:_GENERATED].rstrip('-')}-"
    return {**body, "metadata": metadata}


def _dated(refusal: Refusal, body: Mapping[str, Any]) -> Refusal:
    """The conflict with the time at which its manager last set something."""
    if refusal.at:
        return refusal
    times = [each.at for each in managers(body) if each.name == refusal.manager]
    return replace(refusal, at=max(times, default=""))
