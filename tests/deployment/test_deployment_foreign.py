"""Services that people wrote by hand, and releases that others made."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from textwrap import dedent

import pytest

from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.objects import Objects
from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]

_CHART = {
    "Chart.yaml": "apiVersion: v2\nname: legacy\nversion: 0.3.1\n",
    "values.yaml": "image: example/legacy:1\nword: hello\nmigrate: true\nfault: ''\n",
    "templates/web.yaml": """\
        apiVersion: apps/v1
        kind: StatefulSet
        metadata:
          name: {{ .Release.Name }}
        spec:
          serviceName: {{ .Release.Name }}
          selector: {matchLabels: {app: {{ .Release.Name }}}}
          template:
            metadata:
              labels: {app: {{ .Release.Name }}}
              annotations: {sandbox.deploycharts/fault: {{ .Values.fault | quote }}}
            spec:
              securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
              containers:
                - name: web
                  image: {{ .Values.image }}
                  env: [{name: WORD, value: {{ .Values.word | quote }}}]
                  securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
        """,
    "templates/migrate.yaml": """\
        {{- if .Values.migrate }}
        apiVersion: batch/v1
        kind: Job
        metadata:
          name: {{ .Release.Name }}-migrate
          annotations:
            helm.sh/hook: pre-install,pre-upgrade
            helm.sh/hook-delete-policy: before-hook-creation
        spec:
          backoffLimit: 0
          template:
            metadata:
              annotations: {sandbox.deploycharts/fault: {{ .Values.hookFault | quote }}}
            spec:
              restartPolicy: Never
              securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
              containers:
                - name: migrate
                  image: {{ .Values.image }}
                  securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
        {{- end }}
        """,
}
_STATE = """\
    environments:
      staging:
      codfw:
    ---
    helmDefaults:
      args: [--kubeconfig, {kubeconfig}]
      createNamespace: false
      wait: true
      timeout: 60
    releases:
      - name: worker
        namespace: {namespace}
        chart: ./legacy
        needs: [{namespace}/production]
        values: [common.yaml, worker.yaml.gotmpl, {{migrate: false}}]
      - name: production
        namespace: {namespace}
        chart: ./legacy
        values: [common.yaml]
        hooks:
          - events: [presync]
            command: touch
            args: [{marker}]
    """


@pytest.fixture
def legacy(make: Make, tmp_path: Path) -> Deployable:
    """A service as an unsuspecting team wrote it."""
    service = make("staging")
    for file in service.folder.iterdir():
        file.unlink()
    for name, text in _CHART.items():
        path = service.folder / "legacy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    state = dedent(_STATE).format(
        kubeconfig=service.kubeconfig("staging"), namespace=service.name,
        marker=tmp_path / "presync",
    )  # fmt: skip
    (service.folder / "helmfile.yaml").write_text(state)
    (service.folder / "common.yaml").write_text("word: hello\n")
    (service.folder / "worker.yaml.gotmpl").write_text('word: {{ "from a template" | quote }}\n')
    return service


def test_a_service_of_another_shape_rolls_out_by_its_needs_and_hooks(
    legacy: Deployable, tmp_path: Path
) -> None:
    ended = legacy.deploy("staging")
    marked = (tmp_path / "presync").exists()
    again = legacy.deploy("diff", "staging", "--exit-code")

    assert ended.code == 0, ended.err
    acts = [line["target"] for line in legacy.journal() if line["kind"] == "intent"]
    assert acts == [f"staging {legacy.name}/production", f"staging {legacy.name}/worker"]
    assert marked
    assert again.code == 0, again.out


def test_a_hook_that_fails_is_explained_and_all_goes_back(legacy: Deployable) -> None:
    legacy.deploy("staging")
    (legacy.folder / "common.yaml").write_text("word: good day\nhookFault: fail\n")

    ended = legacy.deploy("staging")

    assert ended.code == 6, ended.err
    assert "production-migrate" in ended.err
    assert "container migrate" in ended.err
    assert legacy.history("staging", "production")[-1][1] == "deployed"
    assert legacy.history("staging", "worker") == [(1, "deployed")]


def test_a_stateful_set_that_crashes_is_explained(legacy: Deployable) -> None:
    legacy.deploy("staging")
    (legacy.folder / "common.yaml").write_text("fault: crash\n")

    ended = legacy.deploy("staging")

    assert ended.code == 6, ended.err
    assert "Pod/production-0, container web: CrashLoopBackOff, exit code 1" in ended.err
    assert "(helmfile.d/services/" in ended.err.partition("most likely")[2]


def test_a_release_that_helm_3_made_is_continued_and_gone_back_to(legacy: Deployable) -> None:
    first = legacy.helm(
        "staging", "install", "production", str(legacy.folder / "legacy"), "--server-side=false",
        "--values", str(legacy.folder / "common.yaml"), "--set", "migrate=false",
    )  # fmt: skip
    assert first.code == 0, first.err
    _as_helm_3_wrote_it(legacy, "production")
    (legacy.folder / "common.yaml").write_text("word: good day\n")

    ended = legacy.deploy("staging")
    back = legacy.run("deploy", "rollback", "staging", legacy.name, "--release", "production")

    assert ended.code == 0, ended.err
    assert back.code == 0, back.err
    assert [status for _, status in legacy.history("staging", "production")] == [
        "superseded", "superseded", "deployed",
    ]  # fmt: skip


def _as_helm_3_wrote_it(service: Deployable, release: str) -> None:
    """Helm 3 knew one way to apply, and did not write it down."""
    cluster = Cluster(service.kubeconfig("staging"), name="staging")
    try:
        objects = Objects(cluster)
        name = f"sh.helm.release.v1.{release}.v1"
        secret = objects.get("v1", "secrets", name, namespace=service.name)
        assert secret is not None
        text = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        body = json.loads(gzip.decompress(text))
        body.pop("apply_method", None)
        packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(body).encode())))
        objects.patch(
            "v1", "secrets", name, {"data": {"release": packed.decode()}}, namespace=service.name
        )
    finally:
        cluster.close()
