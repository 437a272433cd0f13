"""All that would be refused of a step: by the API server, by the quota, by helm's own storage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from deploycharts.changes.consequences import consequences
from deploycharts.changes.model import ConsequenceKind, Risk
from deploycharts.changes.workloads import field
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.releases import Baseline
from deploycharts.deployment import duplicates, origins, recordsize, refusals
from deploycharts.deployment.objections import DUPLICATE_ENTRIES, Refusal, RefusalKind
from deploycharts.deployment.refusals import Owner
from deploycharts.documents import Document, ObjectKey, parse_manifest
from deploycharts.errors import UserError
from deploycharts.rendering.render import Rendered
from deploycharts.tools import helm

if TYPE_CHECKING:
    from deploycharts.deployment.plan import Place, Step


def refused(
    cluster: Cluster, step: Step, rendered: Rendered, baseline: Baseline
) -> tuple[Refusal, ...]:
    """What would be refused if the step were carried out now; changes nothing.

    Args:
        cluster: seen with the credentials that deploy.
        step: an install or an upgrade, with what runs now.
        rendered: its objects, unmasked.
        baseline: what is there.

    Raises:
        Unreachable: the API server does not answer.
    """
    place = step.place
    server_side = helm.applies_server_side(recorded=baseline.server_side)
    base = baseline.good.documents() if baseline.good else ()
    argv = rendered.release.argv
    adopts = "--take-ownership" in argv
    found = refusals.preview(
        cluster,
        rendered.documents,
        server_side=server_side,
        mask=place.mask.text,
        owner=None if adopts else Owner(place.namespace, step.target.release),
        known=[each.key for each in base],
    )
    twice = _twice(rendered, base, server_side=server_side, root=place.environment.root)
    told = {each.object for each in twice}
    rest = tuple(
        each
        for each in found
        if not (is_only_of_duplicates(each) and each.object in told)
        and not is_settled(each, rendered, is_first=baseline.newest is None)
    )
    size = recordsize.refusal(rendered)
    return (*_masked(twice, place), *rest, *_beyond_quota(step, baseline), *filter(None, (size,)))


def _twice(
    rendered: Rendered, base: Sequence[Document], *, server_side: bool, root: Path
) -> tuple[Refusal, ...]:
    """Duplicates with their lines; a client-side merge loses one only where the list changes."""
    found = duplicates.find(rendered.documents)
    if not server_side:
        there = {each.key for each in base}
        before = set(map(_fingerprint, duplicates.find(base)))
        found = tuple(
            each for each in found if each.object in there and _fingerprint(each) not in before
        )
    lines = origins.of(found, rendered.release, root)
    loses = "" if server_side else "; helm's client-side merge would lose one of them"
    return tuple(
        Refusal(each.object, RefusalKind.DUPLICATE, f"{each}{loses}", sources=sources)
        for each, sources in zip(found, lines, strict=True)
    )


def _fingerprint(each: duplicates.Duplicate) -> str:
    return repr((each.object, each.container, each.field, each.key, each.items))


def _masked(found: Sequence[Refusal], place: Place) -> Iterator[Refusal]:
    return (replace(each, message=place.mask.text(each.message)) for each in found)


def is_only_of_duplicates(each: Refusal) -> bool:
    """Whether the API server objects to duplicates alone, which are told better."""
    if each.kind is not RefusalKind.SCHEMA:
        return False
    return all(DUPLICATE_ENTRIES in part for part in each.message.split("; "))


def is_settled(each: Refusal, rendered: Rendered, *, is_first: bool) -> bool:
    """Whether helm itself makes what is missing: the namespace, or the chart's CRDs at first."""
    if each.kind is RefusalKind.NAMESPACE:
        return "--create-namespace" in rendered.release.argv
    if each.kind is RefusalKind.NOT_SERVED and is_first:
        return (each.object.group, each.object.kind) in _defined(rendered.release.chart.path)
    return False


def _defined(chart: Path | None) -> set[tuple[object, object]]:
    """The kinds of the CRDs that helm installs before all else, by group."""
    files = sorted(chart.rglob("crds/**/*.y*ml")) if chart is not None else []
    found: set[tuple[object, object]] = set()
    for file in files:
        try:
            documents = parse_manifest(file.read_text(errors="replace"))
        except UserError:
            continue
        for each in documents:
            spec = each.body.get("spec")
            found.add((field(spec, "group"), field(spec, "names", "kind")))
    return found


def _beyond_quota(step: Step, baseline: Baseline) -> Iterator[Refusal]:
    """What the plan says of the quota; not while a failed revision's pods take room as well."""
    difference = step.difference
    if difference.quota is None or baseline.newest is not baseline.good:
        return
    told = consequences(
        difference.changes, difference.base, difference.head,
        running=difference.running, quota=difference.quota,
    )  # fmt: skip
    for each in told:
        if each.kind is ConsequenceKind.REQUESTS and each.risk is Risk.HIGH:
            namespace = ObjectKey("", "Namespace", "", step.place.namespace)
            yield Refusal(namespace, RefusalKind.QUOTA, str(each))
