"""What a change does, in one sentence each."""

from __future__ import annotations

import re
from typing import Any

import pytest

from deploycharts.changes.compare import compare
from deploycharts.changes.consequences import Quota, consequences, image_differences
from deploycharts.changes.model import Consequence, ConsequenceKind, Op, Risk
from deploycharts.changes.summary import fold_consequences
from tests.changes.changes_builders import (
    CONTAINER,
    TARGET,
    Body,
    changed,
    config_map,
    deployment,
    documents,
    network_policy,
    secret,
    service,
    target,
    without,
)


def effects(base: list[Body], head: list[Body], **asked: Any) -> tuple[Consequence, ...]:
    before, after = documents(*base), documents(*head)
    return consequences(compare(TARGET, before, after), before, after, **asked)


def sentences(base: list[Body], head: list[Body], **asked: Any) -> list[str]:
    return [str(each) for each in effects(base, head, **asked)]


def the(kind: ConsequenceKind, found: tuple[Consequence, ...]) -> Consequence:
    (one,) = [each for each in found if each.kind is kind]
    return one


IMAGE = f"{CONTAINER}/image"


def with_checksum(body: Body, value: str) -> Body:
    annotations = {"checksum/config": value}
    return changed(body, "spec/template/metadata/annotations", annotations)


def test_a_new_image_restarts_the_pods_and_says_from_what_to_what() -> None:
    head = changed(deployment(), IMAGE, "registry.example/echo:1.2.4")
    assert sentences([deployment()], [head]) == [
        "restarts 2 pods of Deployment/echo-main: the image",
        "runs image echo 1.2.3 → 1.2.4 in Deployment/echo-main",
    ]


def test_a_checksum_is_explained_by_the_configuration_behind_it() -> None:
    new_config = config_map(**{"app.yaml": "port: 8081\n"})
    found = sentences(
        [deployment(), config_map()], [with_checksum(deployment(), "bbbb"), new_config]
    )
    assert "restarts 2 pods of Deployment/echo-main: ConfigMap/echo-config" in found
    assert not any("keep the old" in each for each in found)


def test_pods_that_restart_anyway_read_the_new_configuration() -> None:
    head = changed(deployment(), IMAGE, "registry.example/echo:1.2.4")
    found = effects([deployment(), config_map()], [head, config_map(a="1")])
    restart = the(ConsequenceKind.RESTARTS, found)
    assert str(restart).endswith("the image, ConfigMap/echo-config")
    assert {each.kind for each in found} == {ConsequenceKind.RESTARTS, ConsequenceKind.IMAGE}


def test_a_checksum_without_configuration_behind_it_says_so() -> None:
    (only,) = sentences([deployment()], [with_checksum(deployment(), "bbbb")])
    assert only.endswith("a checksum, though no configuration of this release changes")


def test_configuration_that_no_pod_will_notice() -> None:
    found = effects([deployment(), config_map()], [deployment(), config_map(a="1")])
    unnoticed = the(ConsequenceKind.UNNOTICED, found)
    assert "2 pods of Deployment/echo-main do not restart" in str(unnoticed)
    assert unnoticed.risk is Risk.MEDIUM


def test_a_variable_from_a_secret_keeps_its_old_value() -> None:
    variable = {"name": "P", "valueFrom": {"secretKeyRef": {"name": "echo-secret", "key": "p"}}}
    workload = changed(deployment(), f"{CONTAINER}/env", [variable])
    found = effects([workload, secret()], [workload, secret(password="<secret 2>")])
    assert the(ConsequenceKind.UNNOTICED, found).risk is Risk.HIGH


def test_configuration_that_nothing_uses() -> None:
    found = sentences([config_map("other", a="1")], [config_map("other", a="2")])
    assert found == ["ConfigMap/other changes, and nothing in this release uses it by name"]


def test_another_order_in_a_pod_template_restarts_pods_too() -> None:
    variables = [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]
    found = sentences([deployment()], [changed(deployment(), f"{CONTAINER}/env", variables)])
    assert found == ["restarts 2 pods of Deployment/echo-main: another order of env"]


def test_recreate_stops_everything_first() -> None:
    base = deployment(strategy={"type": "Recreate"})
    found = effects([base], [changed(base, IMAGE, "echo:2")])
    assert str(the(ConsequenceKind.RESTARTS, found)).startswith("stops all, then starts 2 pods")


@pytest.mark.parametrize(
    ("body", "path", "value"),
    [
        (deployment(), "spec/selector/matchLabels", {"a": "b"}),
        (
            {
                "apiVersion": "apps/v1",
                "kind": "StatefulSet",
                "metadata": {"name": "db"},
                "spec": {"serviceName": "a", "template": {}},
            },
            "spec/serviceName",
            "b",
        ),
        (
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {"name": "migrate"},
                "spec": {"template": {"spec": {"restartPolicy": "Never"}}},
            },
            "spec/template/spec/restartPolicy",
            "OnFailure",
        ),
        (
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": "data"},
                "spec": {"resources": {"requests": {"storage": "10Gi"}}},
            },
            "spec/resources/requests/storage",
            "5Gi",
        ),
    ],
)
def test_fields_that_cannot_be_changed(body: Body, path: str, value: Any) -> None:
    refused = the(ConsequenceKind.IMMUTABLE, effects([body], [changed(body, path, value)]))
    assert refused.risk is Risk.HIGH
    assert str(refused).startswith("the upgrade fails:")


def test_a_claim_may_grow() -> None:
    spec = {"resources": {"requests": {"storage": "10Gi"}}}
    body: Body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "d"}}
    body["spec"] = spec
    found = effects([body], [changed(body, "spec/resources/requests/storage", "20Gi")])
    assert ConsequenceKind.IMMUTABLE not in {each.kind for each in found}


def test_scaling() -> None:
    found = effects([deployment()], [deployment(replicas=4)])
    scales = the(ConsequenceKind.SCALES, found)
    assert str(scales) == "scales Deployment/echo-main from 2 to 4 pods"
    requests = the(ConsequenceKind.REQUESTS, found)
    assert str(requests) == "requests cpu 0.2 → 0.4, memory 256Mi → 512Mi"
    to_zero = the(ConsequenceKind.SCALES, effects([deployment()], [deployment(replicas=0)]))
    assert to_zero.risk is Risk.HIGH


HPA: Body = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "echo"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "echo-main"},
        "minReplicas": 3,
        "maxReplicas": 6,
    },
}


def test_replicas_fight_the_autoscaler() -> None:
    found = effects([deployment(), HPA], [deployment(replicas=4), HPA])
    assert "fights the autoscaler" in str(the(ConsequenceKind.AUTOSCALER, found))
    removed = without(deployment(), "spec/replicas")
    found = effects([deployment(), HPA], [removed, HPA])
    assert "leaves the number of pods" in str(the(ConsequenceKind.SCALES, found))


def test_the_autoscaler_counts_for_restarts_and_requests() -> None:
    head = changed(deployment(), IMAGE, "echo:2")
    assert "restarts 3 pods" in sentences([deployment(), HPA], [head, HPA])[0]
    running = {documents(deployment())[0].key: 5}
    assert "restarts 5 pods" in sentences([deployment(), HPA], [head, HPA], running=running)[0]


def test_more_than_the_quota_has() -> None:
    quota = Quota(hard={"requests.cpu": "500m"}, used={"requests.cpu": "400m"})
    found = effects([deployment()], [deployment(replicas=4)], quota=quota)
    beyond = the(ConsequenceKind.REQUESTS, found)
    assert beyond.risk is Risk.HIGH
    assert "needs more cpu than the quota has: 0.6 of 0.5" in str(beyond)
    roomy = Quota(hard={"requests.cpu": "5"}, used={"requests.cpu": "400m"})
    found = effects([deployment()], [deployment(replicas=4)], quota=roomy)
    assert "0.6 of 5 cpu of the quota" in str(the(ConsequenceKind.REQUESTS, found))


def test_the_network_opens_and_closes_by_connection() -> None:
    peer = {"to": [{"ipBlock": {"cidr": "10.0.0.9/32"}}], "ports": [{"port": 443}]}
    base = network_policy()
    head = changed(base, "spec/egress", [*base["spec"]["egress"][:1], peer])
    found = sentences([base], [head])
    assert "opens egress to 10.0.0.9/32:443 (NetworkPolicy/echo-main)" in found
    assert "closes egress to 10.0.0.2/32:3306 (NetworkPolicy/echo-main)" in found


def test_egress_to_anywhere_is_a_high_risk() -> None:
    head = changed(network_policy(), "spec/egress", [{}])
    found = effects([network_policy()], [head])
    assert the(ConsequenceKind.OPENS, found).risk is Risk.HIGH


def test_a_policy_that_goes_opens() -> None:
    assert the(ConsequenceKind.OPENS, effects([network_policy()], [])).risk is Risk.HIGH


def test_a_service_gets_another_port() -> None:
    head = changed(service(), "spec/ports/0/port", 8080)
    found = sentences([service()], [head])
    assert "opens port 8080 (Service/echo-main)" in found
    assert "closes port 80 (Service/echo-main)" in found


def test_a_stateful_set_goes() -> None:
    body: Body = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}}
    assert the(ConsequenceKind.REMOVES_STATE, effects([body], [])).risk is Risk.HIGH


def test_what_is_kept_stays() -> None:
    body = config_map()
    body["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
    (found,) = sentences([body], [])
    assert found.startswith("leaves ConfigMap/echo-config in the cluster")


def test_a_workload_under_another_name_is_another_workload() -> None:
    found = sentences([deployment("echo-main")], [deployment("echo-production")])
    assert found == [
        "recreates Deployment/echo-main as Deployment/echo-production, with 2 pods anew"
    ]


def test_what_a_release_leaves_in_another_namespace_stays() -> None:
    old = documents(deployment(), namespace="before")
    new = documents(deployment(), namespace="after")

    found = consequences(compare(TARGET, (), new), (), new, left=old)

    told = str(the(ConsequenceKind.STAYS, found))
    assert told == (
        "moves to the namespace after: everything is created there, and what is in before stays, "
        "with 2 pods: Deployment/echo-main"
    )
    assert "recreates" not in " ".join(str(each) for each in found)


def test_an_object_in_another_namespace_is_another_object() -> None:
    old = documents(deployment(), namespace="before")
    new = documents(deployment(), namespace="after")

    found = compare(TARGET, old, new)

    assert {each.op for each in found.changes} == {Op.ADD, Op.REMOVE}


def test_what_is_kept_is_not_renamed() -> None:
    kept, other = config_map(), config_map()
    kept["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
    other["metadata"]["name"] = "echo-other"

    found = sentences([kept], [other])

    assert any(each.startswith("leaves ConfigMap/echo-config in the cluster") for each in found)
    assert "creates ConfigMap/echo-other" in found


def test_a_label_alone_restarts_nothing() -> None:
    head = changed(deployment(), "metadata/labels", {"team": "a"})
    found = effects([deployment()], [head])
    assert {each.kind for each in found} == {ConsequenceKind.OTHER}
    assert "updates Deployment/echo-main in place" in str(found[0])


def test_nothing_and_noise_have_no_effect() -> None:
    (found,) = effects([deployment()], [deployment()])
    assert found.kind is ConsequenceKind.NO_EFFECT
    noise = changed(deployment(), "metadata/labels", {
        **deployment()["metadata"]["labels"], "helm.sh/chart": "echo-0.2.0"})  # fmt: skip
    (found,) = effects([deployment()], [noise])
    assert str(found) == "no effect: only the chart's version in a label"


def test_every_change_has_a_consequence() -> None:
    base, head = deployment(), deployment()
    head["spec"]["revisionHistoryLimit"] = 3
    before, after = documents(base), documents(head)
    change_set = compare(TARGET, before, after)
    found = consequences(change_set, before, after)
    because = [change for each in found for change in each.because]
    assert all(change in because for change in change_set.changes)


def test_duplicates_are_told() -> None:
    found = effects([service()], [service(), service()])
    assert "rendered more than once" in str(the(ConsequenceKind.DUPLICATE, found))


def test_where_environments_run_different_images() -> None:
    heads = {
        target(each): documents(changed(deployment(), IMAGE, f"registry.example/echo:{tag}"))
        for each, tag in (("staging", "1.3.0"), ("codfw", "1.2.4"), ("eqiad", "1.2.4"))
    }
    (found,) = image_differences(heads)
    text = "environments run different images of echo: staging 1.3.0; codfw, eqiad 1.2.4"
    assert str(found) == text


def test_consequences_of_many_targets_fold() -> None:
    found: list[Consequence] = []
    for name in ("echo", "foo"):
        for environment in ("codfw", "eqiad"):
            base, head = deployment(f"{name}-main"), deployment(f"{name}-main", replicas=4)
            before, after = documents(base), documents(head)
            where = target(environment, name)
            found += consequences(compare(where, before, after), before, after)
    folded = [each for each in fold_consequences(found) if each.kind is ConsequenceKind.SCALES]
    assert len(folded) == 1
    assert len(folded[0].targets) == 4
    assert re.search("Deployment/⟦service⟧-⟦release⟧", folded[0].sentence)
