"""Who did it: of many edits the one that made the roll-out fail, with its line."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.objects import Objects
from deploycharts.cluster.workloads import snapshot
from deploycharts.deployment.evidence import Evidence
from deploycharts.deployment.plan import Plan, Step
from deploycharts.deployment.prepare import prepare
from deploycharts.deployment.run import run
from deploycharts.deployment.snapshot import taken
from deploycharts.deployment.suspicion import of_evidence, suspicion
from deploycharts.deployment.symptoms import Trouble, diagnose
from deploycharts.documents import Document
from deploycharts.sandbox.lifecycle import Sandbox
from deploycharts.tools.git import Tree
from tests.deployment.suspect_builders import Changed
from tests.deployment.suspect_cases import REAL, TOLD, VALUES, Edit, Said
from tests.services import Make
from tests.waiting import wait_until

ObjectsOf = Callable[[str], Objects]

_PLURALS = {"Deployment": ("apps/v1", "deployments"), "ConfigMap": ("v1", "configmaps"),
            "ServiceAccount": ("v1", "serviceaccounts")}  # fmt: skip


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Changed:
    return Changed(tmp_path_factory.mktemp("suspects").resolve())


@pytest.fixture
def changed(service: Changed) -> Iterator[Changed]:
    service.restore()
    service.edit_innocently()
    yield service
    service.restore()


@pytest.mark.slow
@pytest.mark.xdist_group("suspects")
@pytest.mark.parametrize("case", TOLD)
def test_the_guilty_line_is_named(changed: Changed, case: str) -> None:
    edit, said = TOLD[case]
    line = changed.edit(edit)
    step = changed.step()
    trouble = said.trouble(changed.service.name)

    found = suspicion(changed.service.repository, step, trouble, changed.commit, said=said.log)

    assert found is not None
    assert [str(each) for each in found.sources] == [line], found.sentence
    assert line in found.sentence


@pytest.mark.slow
@pytest.mark.xdist_group("suspects")
@pytest.mark.parametrize("commit", ["", "0" * 40], ids=["no commit", "a commit that is not here"])
@pytest.mark.parametrize(
    "case",
    [
        "arguments of a release",
        "an environment variable of an environment",
        "a lower memory limit",
        "the path of a probe",
        "a secret that is not there",
        "a hook's arguments",
    ],
)
def test_a_value_is_found_without_knowing_what_was_deployed(
    changed: Changed, case: str, commit: str
) -> None:
    edit, said = TOLD[case]
    line = changed.edit(edit)

    found = suspicion(
        changed.service.repository, changed.step(), said.trouble(changed.service.name), commit,
        said=said.log,
    )  # fmt: skip

    assert found is not None
    assert [str(each) for each in found.sources] == [line], found.sentence


@pytest.mark.slow
@pytest.mark.xdist_group("suspects")
def test_of_a_first_install_the_field_and_its_value_are_named(changed: Changed) -> None:
    line = changed.edit(Edit(VALUES, "tag: 1.0.0", "tag: 1.0.1-typo", "tag:"))
    changed.base, base = (), changed.base
    step = changed.step()
    changed.base = base
    trouble = Said("ErrImagePull", "not found").trouble(changed.service.name)

    found = suspicion(changed.service.repository, step, trouble, "")

    assert found is not None
    assert line in [str(each) for each in found.sources]
    assert found.sentence.startswith("image of container app in Deployment/")


@pytest.mark.slow
@pytest.mark.xdist_group("suspects")
def test_of_the_values_in_a_field_the_new_one_is_named(changed: Changed) -> None:
    line = changed.edit(Edit(VALUES, "tag: 1.0.0", "tag: 1.0.1-typo", "tag:"))
    trouble = Said("ErrImagePull", "not found").trouble(changed.service.name)

    found = suspicion(changed.service.repository, changed.step(), trouble, "")

    assert found is not None
    assert [str(each) for each in found.sources] == [line]


@pytest.mark.slow
@pytest.mark.xdist_group("suspects")
def test_without_time_for_the_line_there_is_still_the_change(changed: Changed) -> None:
    edit, said = TOLD["the image, made by a helper"]
    changed.edit(edit)
    step = changed.step()

    found = suspicion(
        changed.service.repository, step, said.trouble(changed.service.name), changed.commit,
        patience_s=-1,
    )  # fmt: skip

    assert found is not None
    assert found.change.path[-1] == "image"


@pytest.mark.slow
@pytest.mark.xdist_group("suspects")
def test_what_was_deployed_may_never_have_been_committed(changed: Changed) -> None:
    committed = changed.base
    values = changed.service.folder / "values.yaml"
    text = values.read_text()
    values.write_text(text.replace("GREETING: good day", "GREETING: never committed"))
    changed.base = changed.rendered().documents
    values.write_text(text)
    edit, said = TOLD["the image, made by a helper"]
    line = changed.edit(edit)
    step = changed.step()
    changed.base = committed

    found = suspicion(
        changed.service.repository, step, said.trouble(changed.service.name), changed.commit
    )

    assert found is not None
    assert [str(each) for each in found.sources] == [line]


@pytest.mark.slow
@pytest.mark.xdist_group("suspects")
@pytest.mark.parametrize(
    "case", ["the image, made by a helper", "a configuration file in the values"]
)
def test_the_files_of_the_snapshot_count_not_those_of_now(changed: Changed, case: str) -> None:
    edit, said = TOLD[case]
    line = changed.edit(edit)
    step = changed.step()
    plan = Plan("0", (step,), Tree(changed.commit, dirty=True), "somebody")
    with taken(plan) as frozen:
        changed.restore()
        found = suspicion(
            changed.service.repository, frozen.steps[0], said.trouble(changed.service.name),
            changed.commit, said=said.log,
        )  # fmt: skip

    assert found is not None
    assert [str(each) for each in found.sources] == [line]


@pytest.mark.slow
@pytest.mark.xdist_group("suspects")
def test_helmfile_is_asked_where_it_makes_a_layer(changed: Changed) -> None:
    state = changed.service.root / "helmfile.d" / "release.yaml.gotmpl"
    text = state.read_text()
    layer = "      - values-{{ $env }}.yaml"
    inline = "      - config: {env: {SHARD: {{ $env | upper | quote }}}}"
    state.write_text(text.replace(layer, f"{layer}\n{inline}"))
    line = len(state.read_text().partition("SHARD")[0].splitlines())
    said = Said("CrashLoopBackOff", "", 1, ("fatal: no such SHARD: STAGING",))

    found = suspicion(
        changed.service.repository, changed.step(), said.trouble(changed.service.name),
        changed.commit, said=said.log,
    )  # fmt: skip

    assert found is not None
    assert [str(each) for each in found.sources] == [f"helmfile.d/release.yaml.gotmpl:{line}"]


@pytest.mark.slow
@pytest.mark.xdist_group("suspects")
def test_a_secret_is_not_told(changed: Changed) -> None:
    private = changed.service.folder / "private.example.yaml"
    private.write_text("secrets:\n  env:\n    API_TOKEN: hunter2-hunter2\n")
    step = changed.step()
    log = (step.place.mask.text("fatal: API_TOKEN hunter2-hunter2 was refused"),)
    trouble = Said("CrashLoopBackOff", "", 1).trouble(changed.service.name)

    found = suspicion(changed.service.repository, step, trouble, changed.commit, said=log)

    assert found is not None
    assert found.change.object.kind == "Secret"
    assert "API_TOKEN" in found.sentence
    assert "hunter2" not in repr(found)
    assert [each.path for each in found.sources] == [
        f"helmfile.d/services/{changed.service.name}/private.example.yaml"
    ]


@pytest.mark.sandbox
@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.xdist_group("suspects")
@pytest.mark.parametrize("case", REAL)
def test_the_guilty_line_of_a_real_failure_is_named(
    changed: Changed, case: str, sandbox: Sandbox, objects: ObjectsOf
) -> None:
    edit, reason = REAL[case]
    line = changed.edit(edit)
    step = changed.step()
    trouble = _real_trouble(step, reason, sandbox, objects)

    found = suspicion(changed.service.repository, step, trouble, changed.commit)

    assert found is not None
    assert [str(each) for each in found.sources] == [line], found.sentence


@pytest.mark.sandbox
@pytest.mark.thorough
@pytest.mark.slow
def test_what_helm_is_refused_is_named_with_its_line(make: Make) -> None:
    service = make("staging")
    _commit(service.root)
    assert service.deploy("staging").code == 0
    helper = service.root / "charts" / "echoserver" / "templates" / "_base.tpl"
    text = helper.read_text().replace("component: {{ index . 1 }}", "component: web")
    helper.write_text(text)
    service.greet("good day")
    repository = service.repository
    plan = prepare(repository, repository.select("staging"), [repository.service(service.name)])
    steps = plan.acting
    # The command refuses it beforehand; here helm has to say it.
    outcome = run(plan, listen=lambda _: None, folder=service.root / ".journals")
    assert outcome.exit == 6
    [failed] = [line for line in service.journal() if line["kind"] == "result" and not line["ok"]]
    words = failed["evidence"]["helm"]
    step = next(each for each in steps if str(each.target) == failed["target"])

    found = of_evidence(repository, step, Evidence((), (), (), words))

    assert found is not None
    line = text.splitlines().index("app.kubernetes.io/component: web") + 1
    assert [str(each) for each in found.sources] == [
        f"charts/echoserver/templates/_base.tpl:{line}"
    ], (words, found.sentence)


def _commit(root: Path) -> None:
    (root / ".gitignore").write_text(".journals\n.credentials\n")
    for words in (["add", "--all"], ["commit", "-q", "-m", "Begin"]):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *words], cwd=root, check=True)


def _real_trouble(step: Step, reason: str, sandbox: Sandbox, objects: ObjectsOf) -> Trouble:
    """Apply what the step brings in a namespace of its own, and wait until it is in trouble."""
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    made = objects("staging")
    found: list[Trouble] = []
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": namespace, "labels": labels}
    made.create("v1", "namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    try:
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "20"}},
                 "metadata": {"name": "quota", "namespace": namespace}}  # fmt: skip
        made.create("v1", "resourcequotas", quota)
        for each in sorted(step.difference.head, key=_workloads_last):
            if each.key.kind in _PLURALS:
                body = {**each.body, "metadata": {**_metadata(each), "namespace": namespace}}
                made.apply(*_PLURALS[each.key.kind], body, manager="test")
        cluster = Cluster(sandbox.kubeconfig("staging"), name="staging")
        keys = [key for key in step.place.workloads if key.kind == "Deployment"]

        def is_in_trouble() -> bool:
            seen = diagnose(step.target, snapshot(cluster, namespace, keys), keys)
            found[:] = [each for each in seen if each.reason == reason]
            return bool(found)

        wait_until(is_in_trouble)
        cluster.close()
        return found[0]
    finally:
        made.delete("v1", "namespaces", namespace)


def _workloads_last(each: Document) -> bool:
    return each.key.kind == "Deployment"


def _metadata(each: Document) -> dict[str, object]:
    found = each.body["metadata"]
    assert isinstance(found, dict)
    return dict(found)
