"""How nodes, pods and volumes behave: kwok's configuration, made from the files in kwok/."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

from deploycharts.sandbox.layout import Layout, write_private

API = "kwok.x-k8s.io/v1alpha1"


def config_path(layout: Layout, environment: str, *, port: int) -> Path:
    """Where the configuration of an environment's kwok is.

    The name of the file says what is in it: kwok does not read a changed file again, but a changed
    command line makes the next `up` start it again.
    """
    text = config(layout.pod_logs, port=port)
    return layout.kwok(environment) / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"


def write_config(layout: Layout, environment: str, *, port: int) -> None:
    """Write the configuration of an environment's kwok and remove earlier ones."""
    path = config_path(layout, environment, port=port)
    write_private(path, config(layout.pod_logs, port=port))
    for outdated in set(path.parent.glob("*.json")) - {path}:
        outdated.unlink()


def write_logs(layout: Layout) -> None:
    """Write what pods seem to have written."""
    for file in (resources.files(__package__) / "kwok" / "logs").iterdir():
        write_private(layout.pod_logs / file.name, file.read_text())


def config(pod_logs: Path, *, port: int) -> str:
    """The whole configuration of a kwok that listens on `port`, in JSON, which is YAML too."""
    files = resources.files(__package__) / "kwok"
    documents = [
        stage
        for file in sorted(files.iterdir(), key=lambda each: each.name)
        if file.name.endswith(".yaml")
        for stage in stages(_filled(file.read_text(), pod_logs, port))
    ]
    documents.append(
        {
            "apiVersion": API, "kind": "ClusterLogs", "metadata": {"name": "all"},
            "spec": {"logs": [_logs(pod_logs, "default")]},
        }
    )  # fmt: skip
    return "\n---\n".join(json.dumps(each, indent=1) for each in documents) + "\n"


def stages(text: str) -> list[dict[str, Any]]:
    """The stages of one file.

    The file names the kind that its stages are for, conditions and jq expressions for all of them
    (as YAML anchors), and a `prelude` that comes before each template.
    """
    import yaml

    file = yaml.safe_load(text)
    prelude = file.get("prelude", "")
    return [
        {
            "apiVersion": API,
            "kind": "Stage",
            "metadata": {"name": stage["name"]},
            "spec": _spec(stage, file["for"], prelude),
        }
        for stage in file["stages"]
    ]


def _spec(stage: dict[str, Any], resource: dict[str, str], prelude: str) -> dict[str, Any]:
    conditions = [each if "cel" in each else {"jq": each} for each in stage.get("when", [])]
    spec = {
        "resourceRef": resource,
        "selector": {"matchExpressions": conditions},
        "steps": [_step(step, prelude) for step in stage["steps"]],
    }
    if "weight" in stage:
        spec["weight"] = stage["weight"]
    if "after" in stage:
        spec["delay"] = _delay(stage["after"])
    return spec


def _delay(after: dict[str, Any]) -> dict[str, Any]:
    delay: dict[str, Any] = {"durationMilliseconds": after.get("milliseconds", 0)}
    if "jq" in after:
        delay["durationFrom"] = {"jq": {"expression": after["jq"]}}
    return delay


def _step(step: dict[str, Any], prelude: str) -> dict[str, Any]:
    if "status" in step:
        template = prelude + step["status"]
        patch = {"subresource": "status", "root": "status", "template": template}
        return {"patch": patch | ({"type": step["type"]} if "type" in step else {})}
    if "metadata" in step:
        return {"patch": {"root": "metadata", "type": "merge", "template": step["metadata"]}}
    if "apply" in step:
        return {"apply": {"template": prelude + step["apply"]}}
    return step


def _filled(text: str, pod_logs: Path, port: int) -> str:
    return text.replace("POD_LOGS", str(pod_logs)).replace("KWOK_PORT", str(port))


def _logs(folder: Path, name: str) -> dict[str, str]:
    path = str(folder / f"{name}.log")
    return {"logsFile": path, "previousLogsFile": path}
