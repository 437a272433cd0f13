"""A plan shows what helm will render when it acts: an upgrade, its revision, its cluster."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploycharts.changes.compare import compare
from deploycharts.cluster import releases
from deploycharts.cluster.connection import Cluster
from deploycharts.deployment.prepare import prepare
from tests.conftest import ObjectsOf
from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]

COUNTING = """\
{{- if .Release.IsInstall }}
apiVersion: v1
kind: ConfigMap
metadata: {name: welcome-{{ .Release.Name }}}
{{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: counting-{{ .Release.Name }}}
data:
  revision: {{ .Release.Revision | quote }}
  half: {{ div $.Release.Revision 1 | quote }}
  upgraded: {{ .Release.IsUpgrade | quote }}
"""
CLUSTER = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: cluster-{{ .Release.Name }}}
data:
  kubernetes: {{ .Capabilities.KubeVersion.Version | quote }}
  autoscaling: {{ .Capabilities.APIVersions.Has "autoscaling/v2/HorizontalPodAutoscaler" | quote }}
  found: {{ dig "data" "word" "none" (lookup "v1" "ConfigMap" .Release.Namespace "given") | quote }}
"""
RANDOM = """\
apiVersion: v1
kind: Secret
metadata: {name: random-{{ .Release.Name }}}
stringData: {password: {{ randAlphaNum 20 }}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: drawn-{{ .Release.Name }}}
data: {made: {{ now | date "150405.000000" | quote }}, word: "WORD"}
"""


def _template(service: Deployable, text: str) -> Path:
    path = service.root / "charts" / "echoserver" / "templates" / "more.yaml"
    path.write_text(text)
    return path


def _deploy(service: Deployable) -> None:
    ended = service.deploy("staging", "--release", "main")
    assert ended.code == 0, ended.err


def _diff(service: Deployable) -> tuple[int, str]:
    ended = service.deploy("diff", "staging", "--release", "main", "--exit-code")
    return ended.code, " ".join(f"{ended.out} {ended.err}".split())


def _require_as_planned(service: Deployable) -> None:
    """Deploy, and make sure that helm made exactly what the plan had."""
    repository = service.repository
    staging = repository.environment("staging")
    plan = prepare(repository, [staging], [repository.service(service.name)])
    (step,) = [each for each in plan.steps if each.target.release == "main"]
    _deploy(service)
    cluster = Cluster(staging.kubeconfig_of(service.name), name="staging")
    try:
        made = releases.revisions(cluster, service.name, "main")[-1].documents()
    finally:
        cluster.close()
    masked = step.place.mask.documents(made)
    assert compare(step.target, step.difference.head, masked).is_empty


def test_an_upgrade_is_shown_as_one_with_its_revision_and_counting_up_is_no_change(
    make: Make,
) -> None:
    service = make("staging")
    _template(service, COUNTING)
    _deploy(service)

    first = _diff(service)
    service.greet("good day")
    second = _diff(service)
    _require_as_planned(service)
    third = _diff(service)

    assert first[0] == 0, first[1]
    assert second[0] == 2
    assert 'data.revision "1" → "2"' in second[1] or '"1" → "2"' in second[1]
    assert "removes ConfigMap/welcome-main" in second[1]
    assert third[0] == 0, third[1]
    assert "nothing to do, revision 2 is already this" in third[1]


def test_the_cluster_answers_what_templates_ask_of_it(make: Make, objects: ObjectsOf) -> None:
    service = make("staging")
    _template(service, CLUSTER)
    metadata = {"name": "given", "namespace": service.name}
    given = {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"word": "first"},
    }  # fmt: skip
    objects("staging").create("v1", "configmaps", given)
    _require_as_planned(service)

    unedited = _diff(service)
    objects("staging").patch(
        "v1", "configmaps", "given", {"data": {"word": "second"}}, namespace=service.name
    )
    changed = _diff(service)

    assert unedited[0] == 0, unedited[1]
    assert changed[0] == 2
    assert "data.found first → second" in changed[1]
    assert "kubernetes" not in changed[1]


def test_random_values_are_said_to_be_random_and_are_no_change(make: Make) -> None:
    service = make("staging")
    _template(service, RANDOM)
    _deploy(service)

    unedited = _diff(service)
    _template(service, RANDOM.replace("WORD", "another"))
    changed = _diff(service)

    assert unedited[0] == 0, unedited[1]
    assert "random at each render, not compared: " in unedited[1]
    assert "ConfigMap/drawn-main data[made]" in unedited[1] or "data.made" in unedited[1]
    assert changed[0] == 2
    assert "WORD → another" in changed[1]
    shown = re.sub(r"random at each render.*?\)", "", changed[1])
    assert "made" not in shown
    assert "Secret/random-main" not in shown
