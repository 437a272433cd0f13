"""What is held is not deployed until somebody lifts it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pexpect
import pytest

from deploycharts.cluster import holds, releases
from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.holds import Hold, Holds
from deploycharts.deployment.content import content_id
from deploycharts.documents import parse_manifest
from deploycharts.errors import UserError
from deploycharts.rendering.release import evaluate
from deploycharts.rendering.render import render
from deploycharts.sandbox.lifecycle import Sandbox
from deploycharts.tools import reverting
from tests.conftest import MakeNamespace, ObjectsOf
from tests.services import PROGRAMS, Deployable, Make

KEY = b"0123456789abcdef0123456789abcdef"
RENDERED = """\
# Source: echo/crds/thing.yaml
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
---
# Source: echo/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: echo}
stringData: {password: hunter22}
---
# Source: echo/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: echo, labels: {app: echo}}
data: {GREETING: hello}
"""
RECORDED = """\
# Source: echo/templates/config.yaml
apiVersion: v1
data: {GREETING: "hello"}
kind: ConfigMap
metadata:
  name: echo
  namespace: echo
  labels: {app.kubernetes.io/managed-by: Helm, app: echo}
  annotations: {meta.helm.sh/release-name: main, meta.helm.sh/release-namespace: echo}
---
# Source: echo/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: echo}
stringData: {password: hunter22}
"""


def _id(manifest: str, key: bytes = KEY) -> str:
    return content_id(parse_manifest(manifest, namespace="echo"), key)


def _hold(reason: str = "broken", **facts: str) -> Hold:
    return Hold("echo", reason, "ada@example", "2026-01-02T03:04:05+00:00", **facts)


def test_a_render_and_helms_record_of_it_are_the_same_content() -> None:
    assert _id(RENDERED) == _id(RECORDED)


@pytest.mark.parametrize(
    ("old", "new"),
    [("hello", "good day"), ("hunter22", "hunter23"), ("app: echo", "app: other"),
     ("name: echo}\nstringData", "name: other}\nstringData")],
)  # fmt: skip
def test_another_value_secret_label_or_name_is_another_content(old: str, new: str) -> None:
    assert old in RENDERED
    assert _id(RENDERED) != _id(RENDERED.replace(old, new))


def test_without_the_key_nobody_can_tell_the_content_from_its_id() -> None:
    assert _id(RENDERED) != _id(RENDERED, b"another key")


def test_the_same_content_is_held_once_and_the_latest_lifted_are_remembered() -> None:
    found = Holds().adding(_hold("first", content="c1")).adding(_hold("again", content="c1"))
    for number in range(holds.MOST_LIFTED + 1):
        found = found.adding(_hold(f"reason {number}"))
        found = found.lifting(lambda each: not each.content, "bob", "now", "mended")

    assert [each.reason for each in found.active] == ["again"]
    assert len(found.lifted) == holds.MOST_LIFTED
    assert found.lifted[-1].hold.reason == f"reason {holds.MOST_LIFTED}"
    assert (found.lifted[-1].owner, found.lifted[-1].reason) == ("bob", "mended")
    assert found.lifted[0].hold.reason == "reason 1"


@pytest.fixture
def cluster(sandbox: Sandbox) -> Iterator[Cluster]:
    found = Cluster(sandbox.kubeconfig("staging"), name="staging")
    yield found
    found.close()


@pytest.mark.sandbox
@pytest.mark.thorough
def test_holds_that_are_placed_at_the_same_time_are_all_kept(
    cluster: Cluster, namespace: MakeNamespace
) -> None:
    place = namespace()
    reasons = [f"reason {number}" for number in range(6)]

    def hold(reason: str) -> None:
        holds.change(cluster, place, lambda found: found.adding(_hold(reason)))

    with ThreadPoolExecutor(max_workers=6) as pool:
        list(pool.map(hold, reasons))
        keys = set(pool.map(lambda _: holds.content_key(cluster, place), range(6)))

    assert sorted(each.reason for each in holds.read(cluster, place).active) == reasons
    assert len(keys) == 1


@pytest.mark.sandbox
@pytest.mark.thorough
def test_a_held_service_is_not_deployed_until_it_is_unheld(make: Make) -> None:
    service = make("staging")

    held = service.deploy("hold", "staging", "--reason", "the database moves")
    refused = service.deploy("staging")
    status = service.deploy("status", "staging")
    as_json = service.deploy("status", "staging", "-o", "json")
    lifted = service.deploy("unhold", "staging", "--reason", "it moved")
    deployed = service.deploy("staging")
    nothing = service.deploy("unhold", "staging", "--reason", "really")

    assert held.code == 0, held.err
    unhold = f"deploy unhold staging {service.name} --reason TEXT"
    assert unhold in held.err
    assert refused.code == 4
    assert f"staging {service.name}: on hold, by " in refused.err
    assert ": the database moves" in refused.err
    assert f"next: {unhold}; or, if it cannot wait" in refused.err
    assert f"! {service.name} is on hold in staging, by " in status.out
    assert unhold in status.out
    assert [each["reason"] for each in as_json.json["holds"]] == ["the database moves"]
    assert lifted.code == 0, lifted.err
    assert f"lifted: staging {service.name}: on hold, by " in lifted.out
    assert deployed.code == 0, deployed.err
    assert "nothing is held there" in nothing.err


@pytest.mark.sandbox
@pytest.mark.thorough
def test_holds_that_cannot_be_read_are_no_permission(make: Make, objects: ObjectsOf) -> None:
    service = make("staging")
    service.deploy("hold", "staging", "--reason", "the database moves")
    broken = {"data": {"holds.json": "nothing"}}
    objects("staging").patch("v1", "configmaps", holds.CONFIG_MAP, broken, namespace=service.name)

    ended = service.deploy("staging")

    assert ended.code == 4
    assert "staging cannot be asked for holds" in ended.err
    assert f"kubectl -n {service.name} edit configmap {holds.CONFIG_MAP}" in ended.err


@pytest.mark.sandbox
@pytest.mark.thorough
def test_when_the_key_is_lost_each_content_of_a_held_release_is_refused(
    make: Make, objects: ObjectsOf
) -> None:
    service = make("staging")
    service.deploy("staging", "--release", "main")
    service.greet("good day")
    service.deploy("staging", "--release", "main")
    service.deploy("rollback", "staging", "--release", "main")
    objects("staging").delete("v1", "secrets", holds.KEY_SECRET, namespace=service.name)
    service.greet("good night")

    ended = service.deploy("staging", "--release", "main")

    assert ended.code == 4
    assert "this version of main may be blocked (the key to tell is lost), by " in ended.err


@pytest.mark.sandbox
@pytest.mark.thorough
def test_an_emergency_passes_over_a_hold(make: Make) -> None:
    service = make("staging")
    service.deploy("hold", "staging", "--reason", "the database moves")

    ended = service.deploy("staging", "--emergency", "the site is down")

    assert ended.code == 0, ended.err
    assert "the database moves: passed over, emergency" in ended.err


@pytest.mark.sandbox
@pytest.mark.thorough
def test_where_one_datacenter_cannot_be_held_the_other_is_and_the_error_is_told(
    make: Make,
) -> None:
    service = make("codfw")

    ended = service.deploy("hold", "production", "--reason", "the database moves")

    assert ended.code == 1
    assert f"codfw {service.name}: on hold, by " in ended.out
    assert "there are no credentials for eqiad" in ended.err


@pytest.mark.sandbox
@pytest.mark.thorough
def test_what_was_gone_back_from_does_not_come_back_by_accident(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.greet("good day")
    service.deploy("staging")

    back = service.deploy("rollback", "staging")
    again = service.deploy("staging")
    service.greet("good night")
    other = service.deploy("staging")
    service.greet("good day")
    still = service.deploy("staging")
    service.deploy("unhold", "staging", "--reason", "it was the database")
    lifted = service.deploy("staging")

    unhold = f"deploy unhold staging {service.name} --reason TEXT"
    assert back.code == 0, back.err
    assert f"to lift this: {unhold}" in back.err
    assert again.code == 4
    assert f"staging {service.name}: this version of canary is blocked, by " in again.err
    assert ": rolled back to revision 1" in again.err
    assert f"next: {unhold}" in again.err
    assert other.code == 0, other.err
    assert still.code == 4
    assert lifted.code == 0, lifted.err


@pytest.mark.sandbox
@pytest.mark.thorough
def test_going_back_to_a_held_content_on_purpose_lifts_its_hold(make: Make) -> None:
    service = make("staging")
    service.deploy("staging", "--release", "main")
    service.greet("good day")
    service.deploy("staging", "--release", "main")
    service.deploy("rollback", "staging", "--release", "main")

    forth = service.deploy("rollback", "staging", "--release", "main", "--to", "2")
    same = service.deploy("staging", "--release", "main")
    status = service.deploy("status", "staging", "-o", "json")

    assert forth.code == 0, forth.err
    assert same.code == 0, same.err
    assert [each["reason"] for each in status.json["holds"]] == ["rolled back to revision 2"]


@pytest.mark.sandbox
@pytest.mark.thorough
def test_every_object_of_the_example_chart_has_the_same_content_in_helms_record(
    make: Make,
) -> None:
    service = make("staging")
    service.deploy("staging")
    repository = service.repository
    chosen = evaluate(
        repository, repository.service(service.name), repository.environment("staging")
    )
    cluster = Cluster(service.kubeconfig("staging"), name="staging")

    recorded = {
        each.release.target.release: releases.revisions(
            cluster, service.name, each.release.target.release
        )[-1].documents()
        for each in render(chosen)
    }
    cluster.close()

    for each in render(chosen):
        record = recorded[each.release.target.release]
        assert content_id(each.documents, KEY) == content_id(record, KEY)


@pytest.mark.sandbox
@pytest.mark.thorough
def test_going_back_names_the_commits_to_revert_and_reverts_them_if_told_to(make: Make) -> None:
    service = make("staging")
    service.commit("Begin")
    service.deploy("staging")
    service.greet("good day")
    first = service.commit("Greet")
    service.fault("none")
    second = service.commit("Annotate")
    (service.root / "unrelated").write_text("")
    service.commit("Add something else")
    service.deploy("staging")

    terminal = pexpect.spawn(
        str(PROGRAMS / "deploy"), ["rollback", "staging", service.name], cwd=str(service.root),
        env=service.environ({"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org",
                             "GIT_COMMITTER_NAME": "Ada",
                             "GIT_COMMITTER_EMAIL": "ada@example.org"}),
        encoding="utf-8", timeout=60, dimensions=(30, 200),
    )  # fmt: skip
    terminal.expect_exact(f"git revert --no-edit {second[:12]} {first[:12]}")
    terminal.expect("Revert 2 commits here")
    terminal.sendline("y")
    terminal.expect("reverted; it is not pushed yet")
    terminal.expect(pexpect.EOF)
    again = service.deploy("staging")

    assert again.code == 0, again.err
    assert "is already this" in again.err


def test_commits_that_do_not_go_back_leave_the_tree_as_it_was(tmp_path: Path) -> None:
    service = Deployable(tmp_path, None)
    service.greet("hello")
    base = service.commit("Begin")
    service.greet("good day")
    bad = service.commit("Greet")
    service.greet("good night")
    head = service.commit("Greet otherwise")

    found = reverting.touching(tmp_path, base, bad, [f"helmfile.d/services/{service.name}"])
    with pytest.raises(UserError, match="do not go back by themselves"):
        reverting.revert(tmp_path, found)

    assert found == (bad,)
    assert _git(tmp_path, "status", "--porcelain") == ""
    assert _git(tmp_path, "rev-parse", "HEAD") == head


def test_a_revert_that_somebody_is_in_the_middle_of_is_left_alone(tmp_path: Path) -> None:
    service = Deployable(tmp_path, None)
    service.greet("hello")
    service.commit("Begin")
    service.greet("good day")
    bad = service.commit("Greet")
    service.greet("good night")
    service.commit("Greet otherwise")
    subprocess.run(["git", "revert", bad], cwd=tmp_path, check=False, capture_output=True)
    before = _git(tmp_path, "status", "--porcelain")

    with pytest.raises(UserError, match="is under way here"):
        reverting.revert(tmp_path, [bad])

    assert before
    assert _git(tmp_path, "status", "--porcelain") == before


def test_commits_that_are_unknown_here_or_reverted_already_are_not_named(tmp_path: Path) -> None:
    service = Deployable(tmp_path, None)
    base = service.commit("Begin")
    service.greet("good day")
    bad = service.commit("Greet")
    paths = [f"helmfile.d/services/{service.name}"]

    before = reverting.touching(tmp_path, base, bad, paths)
    service.greet("hello")
    service.commit(f'Revert "Greet"\n\nThis reverts commit {bad}.')

    assert before == (bad,)
    assert reverting.touching(tmp_path, base, bad, paths) == ()
    assert reverting.touching(tmp_path, "0" * 40, bad, paths) == ()
    assert reverting.touching(tmp_path, "", bad, paths) == ()


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.sandbox
@pytest.mark.thorough
def test_what_failed_before_may_be_tried_again_and_the_plan_says_why_it_failed(make: Make) -> None:
    service = make("staging")
    service.deploy("staging")
    service.fault("crash")
    failed = service.deploy("staging")

    shown = service.deploy("staging", "--dry-run")
    again = service.deploy("staging")
    service.heal()
    service.greet("good day")
    other = service.deploy("staging", "--dry-run")

    assert failed.code == 6, failed.err
    words = " ".join(shown.err.split())
    assert "! this version of canary failed on 20" in words
    assert "container app: CrashLoopBackOff, exit code 1" in words
    assert again.code == 6, again.err
    assert "failed on 20" not in other.err


@pytest.mark.sandbox
@pytest.mark.thorough
def test_a_version_that_rolls_out_after_all_has_not_failed_before(
    make: Make, objects: ObjectsOf
) -> None:
    service = make("staging")
    service.deploy("staging", "--release", "main")
    staging = objects("staging")
    (quota,) = staging.list("v1", "resourcequotas", namespace=service.name)
    name = quota["metadata"]["name"]
    service.greet("good day")
    for pods, code in (("2", 6), ("20", 0)):
        limit = {"spec": {"hard": {"pods": pods}}}
        staging.patch("v1", "resourcequotas", name, limit, namespace=service.name)
        ended = service.deploy("staging", "--release", "main")
        assert ended.code == code, ended.err

    service.greet("good night")
    assert service.deploy("staging", "--release", "main").code == 0
    service.greet("good day")
    shown = service.deploy("staging", "--release", "main", "--dry-run")

    assert "failed on 20" not in shown.err


@pytest.mark.sandbox
@pytest.mark.thorough
def test_several_blocked_versions_are_one_line_and_lifted_by_one_command(make: Make) -> None:
    service = make("codfw", "eqiad")
    service.deploy("production", "--yes")
    service.greet("good day")
    service.deploy("production", "--yes")

    back = service.deploy("rollback", "production", "--yes", "--reason", "too loud")
    status = service.deploy("status")
    lifted = service.deploy("unhold", "production", "--reason", "it is quiet now")
    after = service.deploy("status", "-o", "json")

    assert back.code == 0, back.err
    lines = [line for line in status.out.splitlines() if line.startswith("!")]
    assert len(lines) == 1, status.out
    assert f"4 versions of {service.name} (canary, main) blocked in codfw and eqiad" in lines[0]
    assert "too loud (rolled back to revision 1)" in lines[0]
    assert f"to lift: deploy unhold production {service.name} --reason TEXT" in lines[0]
    assert lifted.code == 0, lifted.err
    assert after.json["holds"] == []
