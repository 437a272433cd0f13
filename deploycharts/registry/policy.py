"""What must hold before a roll-out goes on, and what happens when it fails: declared, not coded.

Defaults stand with each environment in environments.yaml, a service's own wishes in its
service.yaml, there also for one environment:

    gates:
      bakeSeconds: 300
      environments:
        eqiad: {pause: true}
    onFailure: hold
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from deploycharts.errors import UserError, unknown
from deploycharts.registry.marks import KeyPath
from deploycharts.source import Source

_SPELLED = {"staging": "staging", "merged": "merged", "bake_s": "bakeSeconds", "pause": "pause"}
_TYPES: Mapping[str, type] = {
    "staging": bool, "merged": bool, "bakeSeconds": int, "pause": bool,
}  # fmt: skip


class OnFailure(Enum):
    """What happens with all that a deployment touched when a step of it fails."""

    ROLL_BACK = "rollback"
    HOLD = "hold"
    GO_ON = "go-on"


@dataclass(frozen=True, slots=True)
class Gates:
    """What must hold before a service's roll-out goes on in one environment; None: not said.

    Attributes:
        staging: staging ran the same artifact successfully.
        merged: the tree is the main branch's, without uncommitted changes.
        bake_s: seconds that the canary must run without trouble before main follows.
        pause: a person says yes once more before the environment is begun.
    """

    staging: bool | None = None
    merged: bool | None = None
    bake_s: int | None = None
    pause: bool | None = None

    def over(self, lower: Gates) -> Gates:
        """These where they say something, else the lower ones."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        said = {name: value for name, value in own.items() if value is not None}
        return Gates(**{field.name: getattr(lower, field.name) for field in fields(self)} | said)


@dataclass(frozen=True, slots=True)
class Policy:
    """A service's own wishes."""

    gates: Gates = Gates()
    by_environment: tuple[tuple[str, Gates], ...] = ()
    on_failure: OnFailure = OnFailure.ROLL_BACK

    def gates_in(self, environment: str, defaults: Gates) -> Gates:
        """The gates of the service in one environment."""
        own = dict(self.by_environment).get(environment, Gates())
        return own.over(self.gates).over(defaults)


def parse_gates(
    declared: object, source: Source, lines: Mapping[KeyPath, int], path: KeyPath
) -> tuple[Gates, list[UserError]]:
    """The gates that a mapping declares, and what is wrong with it.

    Args:
        declared: the mapping at `path`, or None.
        source: the file.
        lines: of its keys, see `registry.marks`.
        path: where the mapping stands in the file.
    """
    if declared is None:
        return Gates(), []
    if not isinstance(declared, Mapping):
        return Gates(), [UserError("gates must be a mapping", where=_at(source, lines, path))]
    found: dict[str, Any] = {}
    problems: list[UserError] = []
    for key, value in declared.items():
        here = _at(source, lines, (*path, str(key)))
        if key not in _TYPES:
            problems.append(_misspelled("gate", str(key), _TYPES, here))
        elif type(value) is not _TYPES[key] or (isinstance(value, int) and value < 0):
            wanted = "true or false" if _TYPES[key] is bool else "a number of seconds"
            problems.append(UserError(f"gate {key} is {value!r}, not {wanted}", where=here))
        else:
            found[key] = value
    return Gates(**{name: found.get(key) for name, key in _SPELLED.items()}), problems


def parse_policy(
    body: Mapping[str, Any],
    source: Source,
    lines: Mapping[KeyPath, int],
    environments: Sequence[str],
) -> tuple[Policy, list[UserError]]:
    """What a service.yaml says of gates and failures, and what is wrong with it."""
    declared = body.get("gates")
    by_environment: list[tuple[str, Gates]] = []
    problems: list[UserError] = []
    if isinstance(declared, Mapping):
        own = dict(declared)
        named = own.pop("environments", None) or {}
        path: KeyPath = ("gates", "environments")
        if not isinstance(named, Mapping):
            problems.append(
                UserError("environments must be a mapping", where=_at(source, lines, path))
            )
            named = {}
        for name, each in named.items():
            if name not in environments:
                here = _at(source, lines, (*path, str(name)))
                problems.append(_misspelled("environment", str(name), environments, here))
            gates, wrong = parse_gates(each, source, lines, (*path, str(name)))
            by_environment.append((str(name), gates))
            problems += wrong
        declared = own
    gates, wrong = parse_gates(declared, source, lines, ("gates",))
    on_failure = body.get("onFailure", OnFailure.ROLL_BACK.value)
    known = [each.value for each in OnFailure]
    if on_failure not in known:
        where = _at(source, lines, ("onFailure",))
        problems.append(_misspelled("failure policy", str(on_failure), known, where))
        on_failure = OnFailure.ROLL_BACK.value
    return Policy(gates, tuple(by_environment), OnFailure(on_failure)), problems + wrong


def _misspelled(kind: str, name: str, known: Iterable[str], where: Source) -> UserError:
    error = unknown(kind, name, known)
    return UserError(error.what, where=where, why=error.why)


def _at(source: Source, lines: Mapping[KeyPath, int], path: KeyPath) -> Source:
    return Source(source.path, lines.get(path, source.line))
