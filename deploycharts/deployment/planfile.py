"""A plan as a file: what was shown and agreed to, and whether it still is what would be done.

No value is in it: layers are named with the digest of their bytes, secret ones without. Whoever
applies it makes the plan again and compares.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploycharts.deployment.journal import now
from deploycharts.deployment.plan import Plan, Step, Wish
from deploycharts.documents import Json
from deploycharts.errors import StalePlan, UserError
from deploycharts.tools import helm

_SCHEMA = 1
_KIND = "deploycharts plan"

WhoChanged = Callable[[str], str]
"""Who changed a file of the repository since the plan was made, as words; empty if unknown."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A plan that was read from a file.

    Attributes:
        environment: the word that chose the environments.
        facts: the plan as `Plan.as_json` told it, each step with its inputs.
    """

    path: Path
    environment: str
    services: tuple[str, ...]
    wish: Wish
    facts: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The ID of the plan."""
        return str(self.facts["plan"])

    @property
    def commit(self) -> str:
        """The commit that it was made from."""
        return str(self.facts["commit"])


def write(path: Path, plan: Plan, environment: str, changes: Json) -> None:
    """Write a plan, readable by its owner only.

    Args:
        path: the file; one that is there is replaced.
        plan: the plan.
        environment: the word that chose the environments.
        changes: what it changes, as `deploy diff -o json` says it; secrets are masked.

    Raises:
        UserError: it cannot be written.
    """
    body = {
        "kind": _KIND,
        "schemaVersion": _SCHEMA,
        "made": now().isoformat(timespec="seconds"),
        "environment": environment,
        "services": [*plan.services],
        "wish": asdict(plan.wish),
        "plan": {**plan.as_json(), "inputs": {str(s.target): _inputs(s) for s in plan.steps}},
        "changes": changes,
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            json.dump(body, file, indent=1, ensure_ascii=False)
        temporary.replace(path)
    except OSError as error:
        raise UserError("the plan cannot be written", where=path, why=str(error)) from None


def read(path: Path) -> Saved:
    """Read a plan.

    Raises:
        UserError: the file is none.
    """
    try:
        body = json.loads(path.read_text())
        if body["kind"] != _KIND or body["schemaVersion"] != _SCHEMA:
            raise ValueError(f"it is a {body['kind']}, version {body['schemaVersion']}")
        wish: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in body["wish"].items()
        }
        names = tuple(str(name) for name in body["services"])
        return Saved(path, str(body["environment"]), names, Wish(**wish), body["plan"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            "this is no plan",
            where=path,
            why=str(error),
            next_step=f"deploy plan ENVIRONMENT SERVICE --out {path}",
        ) from None


def require_same(saved: Saved, plan: Plan, who_changed: WhoChanged) -> None:
    """Make sure that a plan that was made again is the one that was saved.

    Raises:
        StalePlan: it is another; what moved is told, and who moved it where that is known.
    """
    if plan.id == saved.id:
        return
    words = " ".join([saved.environment, *saved.services])
    raise StalePlan(
        f"the plan {saved.id} is stale, it would be {plan.id} now",
        where=saved.path,
        why="\n".join(moved(saved, plan, who_changed)) or "the steps are others",
        next_step=f"deploy plan {words} --out {saved.path}",
    )


def moved(saved: Saved, plan: Plan, who_changed: WhoChanged) -> list[str]:
    """What differs between a saved plan and the one that would be made now, a line each."""
    before = {each["target"]: each for each in saved.facts["steps"]}
    after = {str(step.target): step for step in plan.steps}
    lines = [f"{name}: is not planned any more" for name in before if name not in after]
    for name, step in after.items():
        if name not in before:
            lines.append(f"{name}: was not planned")
            continue
        lines += _moved(before[name], saved.facts["inputs"][name], step, who_changed)
    return list(dict.fromkeys(lines))


def _moved(
    before: Mapping[str, Any], inputs: Mapping[str, Any], step: Step, who_changed: WhoChanged
) -> Iterator[str]:
    revision = before["expected_revision"]
    if revision != step.expected_revision:
        by = f", {step.current}" if step.current else ""
        yield f"{step.target}: revision {revision} → {step.expected_revision}{by}"
    now_inputs = _inputs(step)
    layers: Mapping[str, str] = now_inputs["layers"]
    for path in dict.fromkeys([*inputs["layers"], *layers]):
        if inputs["layers"].get(path) != layers.get(path):
            yield _changed(path, who_changed)
    if inputs["chart"] != now_inputs["chart"]:
        yield _changed(now_inputs["chartPath"], who_changed)
    same = inputs["layers"] == layers and inputs["chart"] == now_inputs["chart"]
    if same and before["fingerprint"] != step.release.fingerprint:
        yield f"{step.target}: a secret layer changed"


def _changed(path: str, who_changed: WhoChanged) -> str:
    who = who_changed(path)
    return f"{path} changed{f', {who}' if who else ''}"


def _inputs(step: Step) -> dict[str, Any]:
    chart = step.release.chart
    listing, shown = f"{chart.reference} {chart.version}", str(chart)
    if chart.path is not None:
        listing = helm.chart_listing(chart.path)
        root = step.place.environment.root
        inside = chart.path.is_relative_to(root)
        if not chart.is_copy:
            shown = str(chart.path.relative_to(root)) if inside else str(chart.path)
    return {
        "layers": dict(_layers(step)),
        "chart": hashlib.sha256(listing.encode()).hexdigest()[:16],
        "chartPath": shown,
    }


def _layers(step: Step) -> Iterator[tuple[str, str]]:
    numbers: dict[str, int] = {}
    for layer in step.release.layers:
        name = str(layer.source)
        numbers[name] = numbers.get(name, 0) + 1
        key = name if numbers[name] == 1 else f"{name} ({numbers[name]})"
        yield key, "" if layer.secret else layer.digest[:16]
