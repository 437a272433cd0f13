"""The environments, as `helmfile.d/environments.yaml` declares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import yaml

from deploycharts.documents import HelmLoader, invalid_yaml
from deploycharts.errors import Problems, UserError
from deploycharts.registry import secretpaths
from deploycharts.registry.marks import KeyPath, lines_of
from deploycharts.registry.policy import Gates, parse_gates
from deploycharts.source import Source

Kind = Literal["staging", "production"]

GROUP = "production"
"""The word for all environments of kind production."""

_NAMES = {
    "adminKubeconfig": "admin_kubeconfig",
    "timeoutSeconds": "timeout_s",
    "tolerateSeconds": "tolerate_s",
}
_TYPES: dict[str, type] = {
    "kind": str, "datacenter": str, "order": int, "primary": bool, "sandbox": bool,
    "kubeconfig": str, "admin_kubeconfig": str, "private": str, "timeout_s": int,
    "tolerate_s": int,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Environment:
    """One place to deploy to; the fields are described in environments.yaml itself.

    `kubeconfig`, `admin_kubeconfig` and `private` are templates of {service} and {environment}:
    use the methods. `prometheus` may be empty.
    """

    name: str
    kind: Kind
    datacenter: str
    order: int
    primary: bool
    sandbox: bool
    kubeconfig: str
    admin_kubeconfig: str
    private: str
    timeout_s: int
    tolerate_s: int
    gates: Gates
    root: Path
    source: Source
    prometheus: str = ""
    secret_paths: tuple[str, ...] = secretpaths.DEFAULT

    @property
    def is_production(self) -> bool:
        """Whether a change here needs a person's word."""
        return self.kind == "production"

    def kubeconfig_of(self, service: str) -> Path:
        """The file with the service's own credentials."""
        return self._path(self.kubeconfig, service)

    def admin_kubeconfig_path(self) -> Path:
        """The file with the administrators' credentials."""
        return self._path(self.admin_kubeconfig, "")

    def private_layer_of(self, service: str) -> Path:
        """The file with the service's secret values."""
        return self._path(self.private, service)

    def _path(self, template: str, service: str) -> Path:
        filled = template.replace("{service}", service).replace("{environment}", self.name)
        return self.root / filled


def read(root: Path) -> tuple[Environment, ...]:
    """The environments of the repository at `root`, in roll-out order.

    Raises:
        UserError: the file is missing or says something that we do not understand.
    """
    path = root / "helmfile.d" / "environments.yaml"
    shown = str(path.relative_to(root))
    try:
        text = path.read_text()
        node = yaml.compose(text, Loader=HelmLoader)
        body = yaml.load(text, Loader=HelmLoader)  # noqa: S506 (a safe loader)
    except OSError as error:
        raise UserError("cannot read the environments", where=shown, why=str(error)) from None
    except yaml.YAMLError as error:
        raise invalid_yaml(error, Source(shown)) from None
    declared = body.get("environments") if isinstance(body, dict) else None
    if not isinstance(declared, dict) or not declared:
        raise UserError("no environments are declared", where=Source(shown, 1))
    lines = lines_of(node)
    problems: list[UserError] = []
    found = []
    for name, spec in declared.items():
        source = Source(shown, lines.get(("environments", name)))
        facts = _facts(spec)
        gates, wrong = _gates(facts, source, lines)
        problems += wrong
        try:
            found.append(_environment(str(name), facts, gates, root, source))
        except UserError as error:
            problems.append(error)
    _refuse_bad_names(found, problems)
    if problems:
        raise Problems("the environments are not declared properly", problems)
    return tuple(sorted(found, key=lambda environment: environment.order))


def _facts(spec: Any) -> Mapping[str, Any]:
    """All inline values of one environment; files named there are helmfile's business."""
    values: Sequence[Any] = (spec or {}).get("values") or []
    facts: dict[str, Any] = {}
    for entry in values:
        if isinstance(entry, dict):
            facts |= entry
    return facts


def _gates(
    facts: Mapping[str, Any], source: Source, lines: Mapping[KeyPath, int]
) -> tuple[Gates, list[UserError]]:
    """The defaults of an environment: production wants what staging ran and main has."""
    found, problems = parse_gates(facts.get("gates"), source, lines, ("gates",))
    production = facts.get("kind") == "production"
    return found.over(Gates(staging=production, merged=production, bake_s=0, pause=False)), problems


def _environment(
    name: str, facts: Mapping[str, Any], gates: Gates, root: Path, source: Source
) -> Environment:
    known = {_NAMES.get(key, key): value for key, value in facts.items()}
    missing = [key for key in _TYPES if key not in known]
    if missing:
        raise UserError(
            f"environment {name} does not say: {', '.join(_spelled(key) for key in missing)}",
            where=source,
        )
    for key, wanted in _TYPES.items():
        value = known[key]
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise UserError(
                f"environment {name}: {_spelled(key)} is {value!r}, not a {wanted.__name__}",
                where=source,
            )
    if known["kind"] not in {"staging", "production"}:
        raise UserError(
            f"environment {name}: kind is {known['kind']!r}, not staging or production",
            where=source,
        )
    wanted_fields = {field.name for field in fields(Environment)} & _TYPES.keys()
    chosen = {key: known[key] for key in wanted_fields}
    return Environment(
        name=name,
        root=root,
        source=source,
        gates=gates,
        prometheus=_prometheus(name, facts, source),
        secret_paths=_secret_paths(name, facts, source),
        **chosen,
    )


def _secret_paths(name: str, facts: Mapping[str, Any], source: Source) -> tuple[str, ...]:
    found = facts.get("secretPaths", [*secretpaths.DEFAULT])
    if not isinstance(found, list) or not all(isinstance(each, str) and each for each in found):
        raise UserError(
            f"environment {name}: secretPaths is {found!r}, not a list of patterns", where=source
        )
    return tuple(found)


def _prometheus(name: str, facts: Mapping[str, Any], source: Source) -> str:
    url = facts.get("prometheus") or ""
    if url and not str(url).startswith(("http://", "https://")):
        raise UserError(
            f"environment {name}: prometheus is {url!r}, which does not begin with http",
            where=source,
        )
    return str(url)


def _refuse_bad_names(found: Sequence[Environment], problems: list[UserError]) -> None:
    orders: dict[int, str] = {}
    for environment in found:
        if environment.name == GROUP:
            problems.append(
                UserError(
                    f"an environment cannot be called {GROUP}: that is the group",
                    where=environment.source,
                )
            )
        if environment.order in orders:
            problems.append(
                UserError(
                    f"environments {orders[environment.order]} and {environment.name} have the "
                    f"same order {environment.order}",
                    where=environment.source,
                )
            )
        orders[environment.order] = environment.name


def _spelled(field: str) -> str:
    return next((key for key, value in _NAMES.items() if value == field), field)
