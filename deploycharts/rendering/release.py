"""Releases and their layers, read from helmfile's state."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from deploycharts import documents
from deploycharts.errors import UserError, unknown
from deploycharts.registry import secretpaths
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository, Service
from deploycharts.rendering import remotecharts, stateaim
from deploycharts.rendering.aim import Aim
from deploycharts.source import Source
from deploycharts.target import Target
from deploycharts.tools import helm, helmfile
from deploycharts.tools.helmfile import Call, State
from deploycharts.tools.workdir import private_folder

_FETCHED = b"ref+"


@dataclass(frozen=True, slots=True)
class Layer:
    """One values file as helm gets it, lowest first in a release's list.

    Attributes:
        source: the file, or the state file for inline values.
        kind: whether helmfile copied, templated or wrote it.
        secret: whether its values must never be shown.
        digest: sha256 of the bytes.
        content: the bytes themselves.
    """

    source: Source
    kind: Literal["file", "template", "inline"]
    secret: bool
    digest: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChartRef:
    """The chart of a release.

    Attributes:
        path: its folder; None for one from elsewhere of which there is no copy.
        is_copy: it comes from elsewhere, and `path` is a copy.
    """

    reference: str
    version: str
    path: Path | None
    is_copy: bool = False

    @property
    def copy(self) -> tuple[str, Path] | None:
        """The reference and the folder that stands for it; None for a local chart."""
        return (self.reference, self.path) if self.is_copy and self.path else None

    def __str__(self) -> str:
        return f"{self.reference} {self.version}".rstrip()


@dataclass(frozen=True, slots=True)
class Release:
    """One release as helmfile would deploy it.

    Attributes:
        argv: helm's arguments for a render: `template NAME CHART …`, values files left out.
        folder: where helm runs; relative paths in `argv` start there.
        aim: where helm would act; None if helmfile would not call it.
        switches: which of helmfile's `stateaim.SWITCHES` are on.
        missing: layers that may exist and do not.
        fingerprint: sha256 of layers and chart; what a plan binds and the guard checks.
    """

    target: Target
    namespace: str
    chart: ChartRef
    layers: tuple[Layer, ...]
    missing: tuple[str, ...]
    needs: tuple[str, ...]
    labels: Mapping[str, str]
    hooked: bool
    installed: bool
    argv: tuple[str, ...]
    folder: Path
    fingerprint: str
    state_file: Path
    aim: Aim | None = None
    switches: frozenset[str] = frozenset()


def evaluate(
    repository: Repository, service: Service, environment: Environment
) -> tuple[Release, ...]:
    """The releases of a service in an environment, in the order of their roll-out.

    Raises:
        UnknownName: there are none.
        UserError: the state or a layer is not valid; the error names the file.
    """
    with private_folder("state") as workdir:
        state = helmfile.read(service.state_file, environment.name, workdir=workdir)
    releases = from_state(repository, service, environment, state)
    for release in releases:
        require_mappings(release)
    return remotecharts.with_copies(releases, state.build)


def require_mappings(release: Release) -> None:
    """Make sure that the layers are YAML mappings: helm says less about them.

    Raises:
        UserError: one is not; the error names the file and, for bad YAML, the line.
    """
    for layer in release.layers:
        if layer.kind != "inline":
            _require_mapping(layer)


def fingerprint(layers: Sequence[Layer], chart: ChartRef, listing: Callable[[Path], str]) -> str:
    """What a plan binds: the bytes of the layers and of the chart."""
    files = listing(chart.path) if chart.path else f"{chart.reference} {chart.version}"
    return helm.fingerprint([layer.content for layer in layers], files)


def pick(releases: Sequence[Release], name: str) -> tuple[Release, ...]:
    """The one release called `name`.

    Raises:
        UnknownName: there is none; near matches are named.
    """
    chosen = tuple(release for release in releases if release.target.release == name)
    if not chosen:
        raise unknown("release", name, [release.target.release for release in releases])
    return chosen


def from_state(
    repository: Repository,
    service: Service,
    environment: Environment,
    state: State,
    *,
    listing: Callable[[Path], str] = helm.chart_listing,
) -> tuple[Release, ...]:
    """The releases that a recorded state describes; reads charts, asks no program.

    `listing` lists a chart's files; who evaluates many releases remembers it.
    """
    body = yaml.load(state.build, Loader=documents.HelmLoader)  # noqa: S506 (a safe loader)
    recorded = {_name_and_namespace(call): call for call in state.calls}
    found = []
    for spec in body.get("releases") or []:
        call = recorded.get((str(spec["name"]), str(spec.get("namespace", ""))))
        found.append(_release(repository, service, environment, spec, body, call, listing))
    return tuple(_in_order(found))


def _release(
    repository: Repository, service: Service, environment: Environment,
    spec: Mapping[str, Any], body: Mapping[str, Any], call: Call | None,
    listing: Callable[[Path], str],
) -> Release:  # fmt: skip
    target = Target(service.name, environment.name, str(spec["name"]))
    installed = bool(spec.get("installed", True)) and call is not None
    layers, missing = _layers(repository, service, environment, spec, call)
    chart = _chart(service, spec)
    return Release(
        target=target,
        namespace=str(spec.get("namespace", "")),
        chart=chart,
        layers=layers,
        missing=missing,
        needs=tuple(str(need).rpartition("/")[2] for need in spec.get("needs") or ()),
        labels={str(key): str(value) for key, value in (spec.get("labels") or {}).items()},
        hooked=bool(spec.get("hooks")),
        installed=installed,
        argv=_render_argv(call) if call else (),
        folder=call.folder if call else service.folder,
        fingerprint=fingerprint(layers, chart, listing),
        state_file=service.state_file,
        aim=stateaim.aim(spec, body, call),
        switches=stateaim.switches(spec, body),
    )


def _layers(
    repository: Repository, service: Service, environment: Environment,
    spec: Mapping[str, Any], call: Call | None,
) -> tuple[tuple[Layer, ...], tuple[str, ...]]:  # fmt: skip
    """The recorded bytes, each with the file that `build` names for it; and the missing files."""
    contents = list(call.layers) if call else []
    entries = [*(spec.get("values") or []), *(spec.get("secrets") or [])]
    encrypted = len(spec.get("values") or [])
    named: list[tuple[Source, Literal["file", "template", "inline"], bool]] = []
    missing = []
    for index, entry in enumerate(entries):
        if not isinstance(entry, str):
            named.append((Source(repository.shown(service.state_file)), "inline", False))
            continue
        linked = service.folder / entry
        path = linked.resolve()
        if not path.is_file():
            missing.append(repository.shown(path))
            continue
        kind: Literal["file", "template"] = "template" if entry.endswith(".gotmpl") else "file"
        secret = (
            index >= encrypted
            or path == environment.private_layer_of(service.name).resolve()
            or secretpaths.is_secret(linked, repository.root, environment.secret_paths)
            or _FETCHED in path.read_bytes()  # helmfile fetches secrets into it (`ref+vault://…`)
        )
        named.append((Source(repository.shown(path)), kind, secret))
    if call is not None and len(named) != len(contents):
        # Globs and remote files: which bytes came from where is not known, so all may be secret.
        named = [(Source(repository.shown(service.state_file)), "inline", True)] * len(contents)
    layers = tuple(
        Layer(source, kind, secret, hashlib.sha256(content).hexdigest(), content)
        for (source, kind, secret), content in zip(named, contents, strict=False)
    )
    return layers, tuple(missing)


def _require_mapping(layer: Layer) -> None:
    body = documents.load(layer.content, layer.source)
    if body is not None and not isinstance(body, dict):
        raise UserError(
            "a values file must be a mapping",
            where=layer.source,
            why=f"it is a {type(body).__name__}",
        )


def _chart(service: Service, spec: Mapping[str, Any]) -> ChartRef:
    reference = str(spec["chart"])
    path = (service.folder / reference).resolve()
    local = path if (path / "Chart.yaml").is_file() else None
    if local is None and reference.startswith((".", "/")):
        raise UserError(
            f"the chart {reference} is not there",
            where=service.state_file,
            next_step=f"ls {path.parent}",
        )
    return ChartRef(reference, str(spec.get("version", "")), local)


def _render_argv(call: Call) -> tuple[str, ...]:
    """The recorded arguments without values files and credentials: a render needs no cluster."""
    kept = []
    skip = False
    for word in call.argv:
        if skip:
            skip = False
        elif word in {"--values", "-f", "--kubeconfig", "--kube-context"}:
            skip = True
        else:
            kept.append(word)
    return tuple(kept)


def _name_and_namespace(call: Call) -> tuple[str, str]:
    position = call.argv.index("template")
    namespaces = [
        value for flag, value in itertools.pairwise(call.argv) if flag in {"--namespace", "-n"}
    ]
    return call.argv[position + 1], namespaces[-1] if namespaces else ""


def _in_order(releases: Sequence[Release]) -> list[Release]:
    """By needs, otherwise as the state lists them."""
    waiting = list(releases)
    ordered: list[Release] = []
    names = {release.target.release for release in releases}
    while waiting:
        done = {release.target.release for release in ordered}
        ready = [r for r in waiting if all(n in done or n not in names for n in r.needs)]
        chosen = ready[0] if ready else waiting[0]
        waiting.remove(chosen)
        ordered.append(chosen)
    return ordered
