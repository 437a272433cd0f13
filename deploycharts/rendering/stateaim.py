"""What a state says of how and where helm acts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploycharts.rendering.aim import CONTEXT, Aim, aim_of
from deploycharts.tools.helmfile import Call

SWITCHES = ("force", "recreatePods", "atomic", "cleanupOnFail")
"""Keys of a state that change how helm upgrades or what it undoes by itself."""


def aim(spec: Mapping[str, Any], body: Mapping[str, Any], call: Call | None) -> Aim | None:
    """Where helm would act; not every helmfile gives renders the context that upgrades get."""
    if call is None:
        return None
    found = aim_of(call.argv, call.folder)
    declared = spec.get("kubeContext") or (body.get("helmDefaults") or {}).get("kubeContext")
    if declared and not found.value(CONTEXT):
        return Aim((*found.flags, (CONTEXT, str(declared))), found.folder)
    return found


def switches(spec: Mapping[str, Any], body: Mapping[str, Any]) -> frozenset[str]:
    """What a release asks for, or all of a state do unless it says otherwise."""
    defaults = body.get("helmDefaults") or {}
    asked = {name: spec.get(name, defaults.get(name)) for name in SWITCHES}
    return frozenset(name for name, value in asked.items() if value is True)
