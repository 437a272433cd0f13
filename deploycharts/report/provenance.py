"""Values, where they come from and which are set in vain, as text and as JSON.

What comes in here must be masked before (`rendering.visible`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from deploycharts.documents import HelmLoader, Json

if TYPE_CHECKING:
    from deploycharts.rendering.marked import Origin
    from deploycharts.rendering.provenance import Provenance
    from deploycharts.rendering.unused import Unused

_LONGEST = 40

Style: TypeAlias = Callable[..., str]


class _Dumper(yaml.SafeDumper):
    """Writes texts so that Helm reads them as texts again."""


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    if style is None and not isinstance(_as_helm_reads(text), str):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def values_text(value: Json) -> str:
    """Values as YAML."""
    if not isinstance(value, dict | list):
        return _inline(value)
    text = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=4096)
    return str(text).rstrip("\n")


def explained_text(explained: Sequence[Provenance], *, style: Style) -> str:
    """Each key with its value, the line that sets it and the lines that it shadows."""
    return "\n".join(line for each in explained for line in _explained_lines(each, style))


def unused_text(found: Sequence[Unused], *, style: Style) -> str:
    """The keys that are set in vain: those that nothing reads, then those without effect."""
    never = [each for each in found if each.read_at is None]
    now = [each for each in found if each.read_at is not None]
    lines = []
    if never:
        lines.append(style("no template reads:", "bold"))
    for each in never:
        near = f": did you mean {' or '.join(each.near)}?" if each.near else ""
        lines.append(f"  {each.name}{near}")
        lines.append(style(f"    {each.line.source}", "dim"))
    if now:
        lines.append(style("no effect now, another value renders the same:", "bold"))
    for each in now:
        lines.append(f"  {each.name}")
        lines.append(style(f"    {each.line.source}", "dim"))
        lines.append(style(f"    read by {each.read_at}", "dim"))
    return "\n".join(lines)


def explained_json(each: Provenance) -> dict[str, Json]:
    """One value and where it comes from."""
    return {
        "key": each.name,
        "value": each.value,
        "deleted": each.is_deleted,
        "secret": each.is_secret,
        "source": _origin_json(each.winner) if each.winner else None,
        "shadowed": [_origin_json(origin) for origin in each.shadowed],
        "unknown": each.unknown or None,
    }


def unused_json(each: Unused) -> dict[str, Json]:
    """One key that is set in vain."""
    return {
        "key": each.name,
        "source": {"path": each.line.source.path, "line": each.line.source.line},
        "kind": "never read" if each.read_at is None else "no effect now",
        "readAt": str(each.read_at) if each.read_at else None,
        "near": list(each.near),
    }


def _explained_lines(each: Provenance, style: Style) -> list[str]:
    value = "deleted by null" if each.is_deleted else _inline(each.value)
    lines = [f"{style(each.name, 'bold')}: {value}"]
    if each.unknown:
        lines.append(style(f"  unknown: {each.unknown}", "yellow"))
    if each.winner is not None:
        lines.append(f"  {'perhaps ' if each.unknown else ''}{each.winner.source}")
        lines += [f"    through {also}" for also in each.winner.also if also.line]
    for origin in each.shadowed:
        lines.append(style(f"  over {_short(origin.value)} in {origin.source}", "dim"))
    return lines


def _inline(value: Json) -> str:
    if isinstance(value, str) and value and "\n" not in value and value == value.strip():
        return value if isinstance(_as_helm_reads(value), str) else json.dumps(value)
    return json.dumps(value, ensure_ascii=False)


def _short(value: Json) -> str:
    text = _inline(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _as_helm_reads(text: str) -> Any:
    try:
        return yaml.load(text, Loader=HelmLoader)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, ValueError):
        return None


def _origin_json(origin: Origin) -> dict[str, Json]:
    return {
        "path": origin.source.path,
        "line": origin.source.line,
        "lastLine": origin.last_line,
        "through": [str(also) for also in origin.also],
        "value": origin.value,
    }
