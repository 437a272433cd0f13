"""Making pods anew, and taking services away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.objects import Objects
from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]

ObjectsOf = Callable[[str], Objects]


def _pods(service: Deployable, environment: str) -> set[str]:
    cluster = Cluster(service.kubeconfig(environment), name=environment)
    try:
        found = Objects(cluster).list("v1", "pods", namespace=service.name)
        return {pod["metadata"]["uid"] for pod in found}
    finally:
        cluster.close()


def test_a_restart_makes_all_pods_anew_and_changes_nothing_else(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    before = _pods(service, "staging")

    ended = service.deploy("restart", "staging")

    assert ended.code == 0, ended.err
    assert f"staging {service.name}/canary: restarts 1 pod of Deployment" in ended.err
    assert not before & _pods(service, "staging")
    assert service.history("staging", "main") == [(1, "deployed")]
    assert service.deploy("diff", "staging", "--exit-code").code == 0
    acts = [line["target"] for line in service.journal() if line["kind"] == "intent"]
    assert acts == [f"staging {service.name}/canary", f"staging {service.name}/main"]


def test_pods_that_do_not_start_again_are_explained_and_the_old_ones_stay(
    make: Make, objects: ObjectsOf
) -> None:
    service = make("staging")
    service.deploy("staging")
    before = _pods(service, "staging")
    staging = objects("staging")
    (quota,) = staging.list("v1", "resourcequotas", namespace=service.name)
    full = {"spec": {"hard": {"pods": str(len(before))}}}
    staging.patch("v1", "resourcequotas", quota["metadata"]["name"], full, namespace=service.name)

    ended = service.deploy("restart", "staging")

    assert ended.code == 6, ended.err
    assert "exceeded quota" in ended.err
    assert f"rolled back: staging {service.name}/canary" in ended.err
    assert _pods(service, "staging") == before


def test_production_is_restarted_on_a_word_only(make: Make) -> None:
    service = make("codfw")
    service.deploy("codfw", "--yes")

    refused = service.deploy("restart", "codfw")

    assert refused.code == 4
    assert "deploy restart codfw" in refused.err


def test_a_service_can_leave_one_environment(make: Make) -> None:
    service = make("staging", "codfw")
    service.deploy("staging")
    service.deploy("codfw", "--yes")

    refused = service.deploy("remove", "staging")
    ended = service.deploy("remove", "staging", "--yes")

    assert refused.code == 4
    assert ended.code == 0, ended.err
    assert "git still declares it" in ended.err
    assert service.history("staging", "main") == [(1, "uninstalled")]
    assert service.history("codfw", "main") == [(1, "deployed")]
    assert service.folder.is_dir()


def test_a_service_can_leave_altogether_and_its_files_with_it(make: Make) -> None:
    service = make("staging", "codfw", "eqiad")
    service.deploy("staging")
    service.commit("Begin")
    service.greet("not committed")

    dirty = service.run("deploy", "remove", service.name, "--yes")
    service.commit("Greet")
    ended = service.run("deploy", "remove", service.name, "--yes")

    assert dirty.code == 4
    assert "has changes that are not committed" in dirty.err
    assert ended.code == 0, ended.err
    assert f"file: helmfile.d/services/{service.name}" in ended.err
    assert service.history("staging", "main") == [(1, "uninstalled")]
    assert not service.folder.exists()
    assert not (service.root / "charts" / "echoserver").exists()
    assert not list((service.root / "helmfile.d" / "cluster" / "services").iterdir())
    assert "files changed" in ended.out
    assert f"kubectl delete namespace {service.name}" in ended.err


def _add_template(service: Deployable, name: str, text: str) -> None:
    """Let main's chart make one more object, by hand as owners do."""
    path = service.root / "charts" / "echoserver" / "templates" / f"{name}.yaml"
    path.write_text(f'{{{{- if eq .Release.Name "main" }}}}\n{text}\n{{{{- end }}}}\n')


def test_what_does_not_roll_by_itself_is_told_and_not_waited_for(
    make: Make, objects: ObjectsOf
) -> None:
    service = make("staging")
    service.deploy("staging")
    objects("staging").patch(
        "apps/v1", "deployments", f"{service.name}-main", {"spec": {"paused": True}},
        namespace=service.name,
    )  # fmt: skip

    both = service.deploy("restart", "staging")
    alone = service.deploy("restart", "staging", "--release", "main")

    assert both.code == 0, both.err
    assert f"not Deployment/{service.name}-main, it is paused" in both.err
    acts = [line["target"] for line in service.journal() if line["kind"] == "intent"]
    assert acts == [f"staging {service.name}/canary"]
    assert alone.code == 1
    assert "it is paused" in alone.err


def test_a_restart_counts_as_no_edit(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.deploy("restart", "staging")
    service.greet("good day")

    shown = service.deploy("diff", "staging")
    upgraded = service.deploy("staging")

    assert "by hand" not in shown.err
    assert upgraded.code == 0, upgraded.err


def test_what_holds_data_and_what_hooks_made_is_told_before_it_is_removed(make: Make) -> None:
    service = make("staging")
    claim = "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}"
    _add_template(service, "claims", f"""
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: lost}}
spec: {{{claim}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: kept, annotations: {{helm.sh/resource-policy: keep}}}}
spec: {{{claim}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: noted, annotations: {{helm.sh/hook: post-install}}}}
""")  # fmt: skip
    assert service.deploy("staging").code == 0
    target = f"staging {service.name}/main"

    shown = service.deploy("remove", "staging", "--dry-run")
    removed = service.deploy("remove", "staging", "--yes")

    assert f"{target}: GOES WITH ITS DATA: PersistentVolumeClaim/lost" in shown.err
    assert f"{target}: stays, as its chart says: PersistentVolumeClaim/kept" in shown.err
    assert f"{target}: stays, since hooks and tests made it: ConfigMap/noted" in shown.err
    assert removed.code == 0, removed.err
    cluster = Cluster(service.kubeconfig("staging"), name="staging")
    there = Objects(cluster).get("v1", "configmaps", "noted", namespace=service.name)
    claims = Objects(cluster).list("v1", "persistentvolumeclaims", namespace=service.name)
    cluster.close()
    assert there is not None
    assert "kept" in [each["metadata"]["name"] for each in claims]


def test_nothing_goes_anywhere_while_a_cluster_does_not_answer(make: Make) -> None:
    service = make("staging", "codfw", "eqiad")
    service.deploy("staging")
    service.commit("Begin")
    service.kubeconfig("eqiad").write_text(
        service.kubeconfig("eqiad").read_text().replace("127.0.0.1:", "127.0.0.1:1")
    )

    ended = service.run("deploy", "remove", service.name, "--yes")

    assert ended.code == 1
    assert "nothing was removed anywhere" in ended.err
    assert service.history("staging", "main") == [(1, "deployed")]
    assert service.folder.is_dir()


def test_another_service_in_the_same_namespace_is_left_alone(make: Make) -> None:
    first = make("staging")
    first.deploy("staging")
    second = Deployable(first.root, first.sandbox, name=f"{first.name}-b")
    state = second.folder / "helmfile.yaml.gotmpl"
    declared = f'"namespace" "{first.name}" "releases" (list "other")'
    state.write_text(state.read_text().replace('"releases" (list "canary" "main")', declared))
    entry = first.root / "helmfile.d" / "cluster" / "services" / f"{second.name}.yaml"
    entry.write_text(f"namespace: {first.name}\n")
    second.kubeconfig("staging").write_bytes(first.kubeconfig("staging").read_bytes())
    assert second.deploy("staging").code == 0

    restarted = second.deploy("restart", "staging")
    removed = second.deploy("remove", "staging", "--yes")

    assert restarted.code == removed.code == 0, restarted.err + removed.err
    assert first.name + "/main" not in restarted.err + removed.err
    assert first.history("staging", "other") == [(1, "uninstalled")]
    assert first.history("staging", "main") == [(1, "deployed")]
    assert "other" not in first.deploy("status", "staging").out
