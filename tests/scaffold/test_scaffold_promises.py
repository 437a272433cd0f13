"""What every generated chart promises, on rendered manifests: closed, limited, observed, probed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploycharts.documents import Document, parse_manifest
from deploycharts.scaffold import build, podsecurity
from deploycharts.tools import programs
from tests.scaffold.scaffold_builders import TEMPLATES, answers, facts, repository

pytestmark = pytest.mark.slow

KINDS: dict[str, dict[str, Any]] = {
    "service": {},
    "everything": {
        "tls": True, "ingress": True, "nodeport": True, "cronjobs": True, "volumes": True,
        "sidecars": True,
    },
    "worker": {"kind": "worker"},
    "cronjob": {"kind": "cronjob"},
    "php": {"runtime": "php"},
    "java": {"runtime": "java"},
}  # fmt: skip
SIDECAR = {"sidecars": {"x": {"image": "r.example.org/x:1", "resources": {
    "requests": {"cpu": "10m", "memory": "8Mi", "ephemeral-storage": "8Mi"},
    "limits": {"memory": "8Mi", "ephemeral-storage": "8Mi"}}}}}  # fmt: skip


def rendered(root: Path, more: dict[str, Any] | None = None, **given: Any) -> tuple[Document, ...]:
    """The main release of a new service, with more values over its own."""
    if not (root / "helmfile.d").is_dir():
        repository(root)
    for path, text in build.build(TEMPLATES, answers(facts(root), **given)).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "more.yaml").write_text(json.dumps(more or {}))
    values = [root / "helmfile.d/services/demo/values.yaml", root / "more.yaml"]
    layers = [word for path in values for word in ("--values", str(path))]
    argv = [str(programs.find("helm")), "template", "main", str(root / "charts/demo"), *layers]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return parse_manifest(done.stdout)


def containers(found: tuple[Document, ...]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every container, with the object it is in and its pod."""
    for document in found:
        pod = podsecurity.pod_spec(document.body)
        if pod is not None:
            for one in [*(pod.get("initContainers") or []), *pod["containers"]]:
                yield f"{document.key}: {one['name']}", one, dict(pod)


def policy(found: tuple[Document, ...]) -> dict[str, Any]:
    spec: Any = next(d for d in found if d.key.kind == "NetworkPolicy").body["spec"]
    return dict(spec)


def namespaces(rules: list[dict[str, Any]], side: str) -> set[str]:
    return {
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for rule in rules for peer in rule.get(side, []) if "namespaceSelector" in peer
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_container_is_limited_and_unprivileged(tmp_path: Path, kind: str) -> None:
    more: dict[str, Any] = SIDECAR if kind == "everything" else {}
    versions: Any = {"versions": {"next": {"folder": "/srv/app", "image": "r.example.org/next:2"}}}
    more = {**more, **({"php": versions} if kind == "php" else {})}
    all_of_them = list(containers(rendered(tmp_path, more, **KINDS[kind])))
    assert all_of_them
    for name, container, pod in all_of_them:
        resources = container["resources"]
        assert {"cpu", "memory", "ephemeral-storage"} <= resources["requests"].keys(), name
        assert {"memory", "ephemeral-storage"} <= resources["limits"].keys(), name
        assert container["imagePullPolicy"] == "IfNotPresent", name
        own = container["securityContext"]
        assert own["runAsUser"] > 0, name
        assert own["runAsGroup"] > 0, name
        assert own["readOnlyRootFilesystem"] is True, name
        assert pod["automountServiceAccountToken"] is False, name


@pytest.mark.parametrize("kind", KINDS)
def test_every_pod_is_closed_in_both_directions(tmp_path: Path, kind: str) -> None:
    found = rendered(tmp_path, **KINDS[kind])
    spec = policy(found)
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    for document in found:
        body: Any = document.body
        if document.key.kind == "Deployment":
            labels = body["spec"]["template"]["metadata"]["labels"]
            assert spec["podSelector"]["matchLabels"].items() <= labels.items()
    is_open_by_node_port = kind == "everything"
    open_rules = [rule for rule in spec["ingress"] or [] if not rule.get("from")]
    assert len(open_rules) == is_open_by_node_port
    assert all(rule.get("to") for rule in spec["egress"])
    assert "kube-system" in namespaces(spec["egress"], "to")


def test_the_policy_names_the_gateway_the_peers_and_the_collectors(tmp_path: Path) -> None:
    traces = {"telemetry": {"opentelemetry": {"endpoint": "http://otel.monitoring:4319"}}}
    given = {"ingress": True, "callers": ["frontend"], "calls": ["search:9200", "search:9300"]}
    spec = policy(rendered(tmp_path, traces, **given))
    assert namespaces(spec["ingress"], "from") == {"gateway", "frontend", "monitoring"}
    assert namespaces(spec["egress"], "to") == {"kube-system", "search", "monitoring"}
    ports = [[port["port"] for port in rule["ports"]] for rule in spec["egress"]]
    assert [9200, 9300] in ports
    assert [4319] in ports


@pytest.mark.parametrize("kind", ["service", "worker", "php", "java"])
def test_telemetry_and_probes_are_on(tmp_path: Path, kind: str) -> None:
    found = rendered(tmp_path, **KINDS[kind])
    body: Any = next(d for d in found if d.key.kind == "Deployment").body
    template = body["spec"]["template"]
    assert template["metadata"]["annotations"]["prometheus.io/scrape"] == "true"
    probed = [c for c in template["spec"]["containers"] if "readinessProbe" in c]
    assert len(probed) == 1
    assert {"startupProbe", "livenessProbe"} <= probed[0].keys()
    if kind == "java":
        startup = probed[0]["startupProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 180


def test_what_is_off_says_why_in_the_values_and_on_the_workload(tmp_path: Path) -> None:
    why = {"telemetry": "No metrics {{ yet }}", "networkpolicy": "Peers unknown", "probes": "Batch"}
    found = rendered(tmp_path, telemetry=False, networkpolicy=False, probes=False, reasons=why)
    assert "NetworkPolicy" not in {document.key.kind for document in found}
    body: Any = next(d for d in found if d.key.kind == "Deployment").body
    assert body["metadata"]["annotations"] == {
        "deploycharts/no-telemetry": "No metrics {{ yet }}",
        "deploycharts/no-network-policy": "Peers unknown",
        "deploycharts/no-probes": "Batch",
    }
    assert not [c for _, c, _ in containers(found) if "readinessProbe" in c]
    values = (tmp_path / "helmfile.d/services/demo/values.yaml").read_text()
    assert all(reason in values for reason in why.values())


@pytest.mark.parametrize("off", ["networkPolicy", "telemetry", "probes"])
def test_a_default_cannot_be_switched_off_without_a_reason(tmp_path: Path, off: str) -> None:
    rendered(tmp_path)
    argv = [str(programs.find("helm")), "template", "main", str(tmp_path / "charts/demo")]
    words = [*argv, "--set", f"{off}.enabled=false"]
    refused = subprocess.run(words, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "reason" in refused.stderr
    words += ["--set", f"{off}.reason=because"]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_java_takes_its_heap_from_the_limit(tmp_path: Path) -> None:
    found = rendered(tmp_path, {"java": {"heapPercent": 60}}, runtime="java")
    app = next(c for _, c, _ in containers(found) if c["name"] == "app")
    options = next(one["value"] for one in app["env"] if one["name"] == "JAVA_TOOL_OPTIONS")
    assert "-XX:MaxRAMPercentage=60" in options


def php_config(found: tuple[Document, ...]) -> dict[str, str]:
    maps = [d.body for d in found if d.key.kind == "ConfigMap" and d.key.name.endswith("-php")]
    data: Any = maps[0]["data"]
    return dict(data)


@pytest.mark.parametrize(
    ("limit", "workers"), [("256Mi", 3), ("1Gi", 15), ("128Mi", 1), ("1048576Ki", 15)]
)
def test_php_workers_follow_the_memory_limit(tmp_path: Path, limit: str, workers: int) -> None:
    found = rendered(tmp_path, {"resources": {"limits": {"memory": limit}}}, runtime="php")
    assert f"pm.max_children = {workers}\n" in php_config(found)["fpm.conf"]


def test_php_versions_run_side_by_side_with_a_switch_per_host(tmp_path: Path) -> None:
    versions = {
        "stable": {"folder": "/srv/app"},
        "next": {"folder": "/srv/next", "image": "r.example.org/wiki:2"},
    }
    sites: dict[str, Any] = {
        "wiki": {"hosts": ["w.example.org"], "version": "stable", "documentRoot": "public"},
        "test": {"hosts": ["t.example.org"], "version": "next", "folders": {"/skins": "skins"}},
    }
    php = {"versions": versions, "sites": sites, "defaultSite": "wiki"}
    before = rendered(tmp_path, {"php": php}, runtime="php")
    config = php_config(before)["httpd.conf"]
    wiki, test = config.split("<VirtualHost")[1:]
    assert 'ServerName w.example.org\n  DocumentRoot "/srv/app/public"' in wiki
    assert 'ServerName t.example.org\n  DocumentRoot "/srv/versions/next"' in test
    assert 'Alias "/skins" "/srv/versions/next/skins"' in test
    sites["wiki"]["version"] = "next"
    after = rendered(tmp_path, {"php": php}, runtime="php")
    assert 'DocumentRoot "/srv/versions/next/public"' in php_config(after)["httpd.conf"]
    checksums = [
        d.body["spec"]["template"]["metadata"]["annotations"]["checksum/php"]  # type: ignore[index,call-overload]
        for found in (before, after) for d in found if d.key.kind == "Deployment"
    ]  # fmt: skip
    assert checksums[0] != checksums[1]


def test_a_mounted_configuration_file_restarts_php(tmp_path: Path) -> None:
    sums = []
    for content in ("<?php $a = 1;", "<?php $a = 2;"):
        files = {"config": {"files": {"LocalSettings.php": content}}}
        found = rendered(tmp_path, files, runtime="php")
        body: Any = next(d for d in found if d.key.kind == "Deployment").body
        sums.append(body["spec"]["template"]["metadata"]["annotations"]["checksum/files"])
    assert sums[0] != sums[1]


def test_maintenance_scripts_are_jobs_that_never_start_by_themselves(tmp_path: Path) -> None:
    found = rendered(tmp_path, runtime="php")
    jobs: list[Any] = [d.body for d in found if d.key.kind == "CronJob"]
    assert [job["spec"]["suspend"] for job in jobs] == [True]
    job = jobs[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert job["command"] == ["php"]
    readme = (tmp_path / "charts/demo/README.md").read_text()
    assert f"--from=cronjob/{jobs[0]['metadata']['name']}" in readme
