"""What the tests of failing deployments put into a service, and what they ask of the end."""

from __future__ import annotations

from typing import Any

import yaml

from tests.services import Deployable, Ended

NOT_A_REASON = ("timed out waiting", "context canceled", "hooks failed", "Traceback")


def put(service: Deployable, document: dict[str, Any], *, only: str = "") -> None:
    """Add an object to the service's chart, `only` to the release of that name.

    Its name gets the release's name behind it.
    """
    metadata = document["metadata"]
    named = {**document, "metadata": {**metadata, "name": metadata["name"] + "-RELEASE"}}
    text = yaml.safe_dump(named).replace("RELEASE", "{{ .Release.Name }}")
    if only:
        text = f'{{{{- if eq .Release.Name "{only}" }}}}\n{text}{{{{- end }}}}\n'
    folder = service.root / "charts" / "echoserver" / "templates"
    (folder / f"{metadata['name']}.yaml").write_text(text)


def take(service: Deployable, name: str) -> None:
    """Take an object of `put` out of the chart."""
    (service.root / "charts" / "echoserver" / "templates" / f"{name}.yaml").unlink()


def job(
    name: str, *, hook: str = "", fault: str = "", policy: str = "before-hook-creation"
) -> dict[str, Any]:
    """A Job that tries once."""
    annotations = {"sandbox.deploycharts/fault": fault} if fault else {}
    body = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "backoffLimit": 0,
            "template": {"metadata": {"annotations": annotations}, "spec": pod_spec("migrate")},
        },
    }
    if hook:
        body["metadata"]["annotations"] = {  # type: ignore[index]
            "helm.sh/hook": hook, "helm.sh/hook-delete-policy": policy,
        }  # fmt: skip
    return body


def pod_spec(container: str) -> dict[str, Any]:
    """A pod that a `restricted` namespace takes."""
    return {
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True, "runAsUser": 900, "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": container,
                "image": "registry.example.org/tool:1",
                "securityContext": {
                    "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }  # fmt: skip


def declare(service: Deployable, *names: str) -> None:
    """Declare the service's releases anew."""
    state = service.folder / "helmfile.yaml.gotmpl"
    text = state.read_text()
    start, end = text.index("(list "), text.index(") }}", text.index("(list "))
    listed = " ".join(f'"{name}"' for name in names)
    state.write_text(text[:start] + f"(list {listed}" + text[end:])


def install(service: Deployable, condition: str) -> None:
    """Say in the template of all releases which of them are installed."""
    template = service.root / "helmfile.d" / "release.yaml.gotmpl"
    name = "  - name: {{ $release }}\n"
    installed = f"    installed: {{{{ {condition} }}}}\n"
    template.write_text(template.read_text().replace(name, name + installed))


def require_back(service: Deployable, ended: Ended, *words: str) -> None:
    """The deployment went back together, said why, and left nothing in the middle."""
    assert ended.code == 6, ended.err
    for word in words:
        assert word in ended.err, ended.err
    for word in NOT_A_REASON:
        assert word not in ended.err, ended.err
    for release in ("canary", "main"):
        for _, status in service.history("staging", release):
            assert not status.startswith("pending"), service.history("staging", release)


def require_refused(service: Deployable, ended: Ended, *words: str, at: int) -> None:
    """The deployment was refused for what the words say, and all releases are still at `at`."""
    assert ended.code == 4, ended.err
    reason = ended.err.partition("error: ")[2]
    for word in words:
        assert word in reason, ended.err
    for release in ("canary", "main"):
        assert service.history("staging", release)[-1] == (at, "deployed")


def require_next_works(service: Deployable) -> None:
    """A good deployment after it succeeds, and all is as deployed."""
    service.greet("good evening")
    ended = service.deploy("staging")
    assert ended.code == 0, ended.err
    status = service.deploy("status", "staging", "--exit-code")
    assert status.code == 0, status.out + status.err
