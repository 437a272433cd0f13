"""helm acts where we look, keeps what we collect, and is judged when all of it has ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.services import Deployable, Make, processes_of
from tests.waiting import wait_until

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]


def _arguments(service: Deployable, *words: str) -> int:
    """Let the service's helmfile give helm more arguments; the line that does."""
    state = service.folder / "helmfile.yaml.gotmpl"
    text = state.read_text().rstrip("\n")
    line = f"helmDefaults: {{args: {list(words)!r}}}"
    state.write_text(f"{text}\n---\n{line}\n")
    return len(state.read_text().splitlines())


def _two_contexts(service: Deployable) -> Path:
    """A kubeconfig of staging with codfw as another context."""
    body, other = (
        yaml.safe_load(service.kubeconfig(name).read_text()) for name in ("staging", "codfw")
    )
    for key in ("clusters", "contexts", "users"):
        body[key] = [*body[key], *({**each, "name": "codfw"} for each in other[key])]
    body["contexts"][-1]["context"] = {"cluster": "codfw", "user": "codfw"}
    service.kubeconfig("staging").write_text(yaml.safe_dump(body))
    return service.kubeconfig("staging")


@pytest.mark.parametrize("how", ["kubeconfig", "context"])
def test_another_cluster_than_the_environment_s_is_refused_with_both_names_and_the_line(
    make: Make, how: str
) -> None:
    service = make("staging", "codfw")
    own = str(service.kubeconfig("staging"))
    if how == "kubeconfig":
        line = _arguments(service, "--kubeconfig", str(service.kubeconfig("codfw")))
    else:
        _two_contexts(service)
        line = _arguments(service, "--kubeconfig", own, "--kube-context", "codfw")

    ended = service.deploy("staging")

    words = " ".join(ended.err.split())
    assert ended.code == 4, ended.err
    assert "helmfile would change codfw instead of staging" in words
    assert f"services/{service.name}/helmfile.yaml.gotmpl:{line}" in words
    assert service.history("codfw", "main") == []


def test_the_same_cluster_by_another_file_is_no_other_cluster(make: Make, tmp_path: Path) -> None:
    service = make("staging")
    copy = tmp_path / "copy.kubeconfig"
    copy.write_text(service.kubeconfig("staging").read_text())
    _arguments(service, "--kubeconfig", str(copy))

    assert service.deploy("staging", "--release", "main").code == 0


def test_another_namespace_than_the_registered_one_is_refused(make: Make) -> None:
    service = make("staging")
    state = service.folder / "helmfile.yaml.gotmpl"
    text = state.read_text()
    state.write_text(text.replace('"releases"', '"namespace" "elsewhere" "releases"'))

    ended = service.deploy("staging")

    words = " ".join(ended.err.split())
    assert ended.code == 4, ended.err
    assert f"helmfile acts in the namespace elsewhere, not in {service.name}" in words
    assert f"services/{service.name}/helmfile.yaml.gotmpl:" in words


def test_environment_variables_lead_helm_to_no_other_cluster(make: Make) -> None:
    service = make("staging")
    astray = {"HELM_KUBEAPISERVER": "https://127.0.0.1:1", "HELM_NAMESPACE": "default"}

    first = service.deploy("staging", "--release", "main", env=astray)
    service.fault("crash")
    second = service.deploy("staging", "--release", "main", env=astray)

    assert first.code == 0, first.err
    assert second.code == 6, second.err


@pytest.mark.parametrize("key", ["atomic", "cleanupOnFail"])
def test_what_helm_would_undo_by_itself_is_undone_once_and_after_the_reason_is_known(
    make: Make, key: str
) -> None:
    service = make("staging")
    shared = service.root / "helmfile.d" / "release.yaml.gotmpl"
    shared.write_text(shared.read_text().replace("  wait: true", f"  {key}: true\n  wait: true"))
    service.deploy("staging", "--release", "main")
    service.fault("crash")

    ended = service.deploy("staging", "--release", "main")

    assert ended.code == 6, ended.err
    assert "failed, revision 2" in ended.err
    assert "fatal: cannot reach the database" in ended.err
    assert [status for _, status in service.history("staging", "main")] == [
        "superseded", "failed", "deployed",
    ]  # fmt: skip


def _asking(service: Deployable, line: str) -> None:
    """Let all states ask helm for something."""
    shared = service.root / "helmfile.d" / "release.yaml.gotmpl"
    shared.write_text(shared.read_text().replace("  wait: true", f"  {line}"))


@pytest.mark.parametrize("key", ["force", "recreatePods"])
def test_what_helm_4_cannot_do_is_refused_with_the_line_that_asks_for_it(
    make: Make, key: str
) -> None:
    service = make("staging")
    service.deploy("staging", "--release", "main")
    _asking(service, f"{key}: true\n  wait: true")
    service.greet("good day")

    ended = service.deploy("staging", "--release", "main")

    assert ended.code == 4, ended.err
    assert f"the state asks for {key}, which this helm cannot do" in " ".join(ended.err.split())
    assert "release.yaml.gotmpl:" in ended.err
    assert service.history("staging", "main") == [(1, "deployed")]


def test_a_state_that_does_not_let_helm_wait_is_followed_all_the_same(make: Make) -> None:
    service = make("staging")
    _asking(service, "wait: false")
    service.deploy("staging", "--release", "main")
    service.fault("crash")

    failed = service.deploy("staging", "--release", "main")

    assert failed.code == 6, failed.err
    assert "fatal: cannot reach the database" in failed.err
    assert service.history("staging", "main")[-1] == (3, "deployed")


def _kill_when(service: Deployable, program: str, is_time: Callable[[], object]) -> None:
    wait_until(is_time)
    for pid in [*processes_of(service, program)]:
        os.kill(pid, signal.SIGKILL)


def test_the_helm_that_a_killed_helmfile_left_is_waited_for_and_judged(make: Make) -> None:
    service = make("staging")
    service.deploy("staging", "--release", "main")
    service.annotate("values-staging.yaml", **{"sandbox.deploycharts/ready-after": "4s"})
    process = service.start("staging", "--release", "main")

    _kill_when(
        service,
        "helmfile",
        lambda: service.history("staging", "main")[-1] == (2, "pending-upgrade"),
    )
    _, err = process.communicate()

    assert process.returncode == 0, err
    words = " ".join(err.split())
    assert "helmfile was killed by signal 9; the helm that it started has ended by itself" in words
    assert service.history("staging", "main")[-1] == (2, "deployed")


def test_nothing_is_said_to_be_rolled_back_where_nothing_was_changed(make: Make) -> None:
    service = make("staging")
    service.deploy("staging", "--release", "main")
    service.greet("good day")
    process = service.start("staging", "--release", "main")

    _kill_when(service, "helmfile", lambda: [*processes_of(service, "helmfile")])
    _, err = process.communicate()

    newest = service.history("staging", "main")[-1]
    if newest == (1, "deployed"):
        assert "rolled back:" not in err, err
        assert process.returncode != 0
    else:
        assert process.returncode in {0, 6}, err
        assert newest[1] == "deployed"
