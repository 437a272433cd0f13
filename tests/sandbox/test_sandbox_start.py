from __future__ import annotations

import json
import os
import ssl
import time
from pathlib import Path

import pytest

from deploycharts.errors import Refused, UnknownName, UserError
from deploycharts.sandbox import credentials, lifecycle, processes
from deploycharts.sandbox.layout import Layout, write_private
from deploycharts.sandbox.lifecycle import Sandbox
from deploycharts.sandbox.start import last_words
from deploycharts.tools import programs


def test_a_component_that_ends_is_named_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "programs" / "etcd"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho cannot open the database >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(programs, "find", lambda _name: program)
    sandbox = Sandbox(tmp_path)

    with pytest.raises(UserError, match="etcd ended") as caught:
        sandbox.up()

    assert caught.value.where == sandbox.layout.log("etcd")
    assert "cannot open the database" in caught.value.why
    assert "sandbox up" in caught.value.next_step
    sandbox.down()
    assert not processes.find(sandbox.layout.folder)


@pytest.mark.parametrize(
    "fatal",
    ['{"level":"fatal","msg":"walpb: crc mismatch"}', "panic: no space", "F1121 bind: in use"],
)
def test_of_a_long_log_the_fatal_line_is_shown(fatal: str) -> None:
    trace = [f"goroutine {number}" for number in range(50)]

    assert last_words("\n".join(["starting", fatal, *trace]))[0] == fatal


def test_of_any_other_log_the_end_is_shown() -> None:
    assert last_words("\n".join(str(number) for number in range(50)))[-1] == "49"


def test_two_commands_do_not_change_a_sandbox_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_LOCK_S", 0.0)
    sandbox = Sandbox(tmp_path)

    with sandbox.locked(), pytest.raises(Refused, match="another command"):
        Sandbox(tmp_path).down()


def test_the_kubeconfig_of_an_unknown_environment_gets_near_matches(tmp_path: Path) -> None:
    with pytest.raises(UnknownName) as caught:
        Sandbox(tmp_path).kubeconfig("stagging")
    assert "staging" in caught.value.why


def test_a_kubeconfig_holds_all_that_it_needs() -> None:
    text = credentials.kubeconfig(
        "eqiad", port=20_001, token="t0ken", user="admin", authority=b"certificate"
    )

    config = json.loads(text)
    assert config["clusters"][0]["cluster"] == {
        "server": "https://127.0.0.1:20001",
        "certificate-authority-data": "Y2VydGlmaWNhdGU=",
    }
    assert config["users"][0]["user"] == {"token": "t0ken"}
    assert config["current-context"] == config["contexts"][0]["name"] == "eqiad"


def write_certificate(layout: Layout, *, age_days: float) -> None:
    write_private(layout.certificate("eqiad"), "certificate")
    write_private(layout.key("eqiad"), "key")
    made = time.time() - age_days * 86_400
    os.utime(layout.certificate("eqiad"), (made, made))


def test_a_fresh_certificate_is_kept(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_certificate(layout, age_days=1)

    credentials.drop_unusable(layout, "eqiad")

    assert layout.certificate("eqiad").exists()


def test_a_certificate_that_runs_out_or_has_no_key_is_made_anew(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_certificate(layout, age_days=301)
    credentials.drop_unusable(layout, "eqiad")
    assert not layout.certificate("eqiad").exists()

    write_certificate(layout, age_days=1)
    layout.key("eqiad").unlink()
    credentials.drop_unusable(layout, "eqiad")
    assert not layout.certificate("eqiad").exists()


@pytest.mark.sandbox
def test_certificates_satisfy_strict_clients(sandbox: Sandbox) -> None:
    layout = sandbox.layout
    for environment in sandbox.environments:
        server = json.loads(sandbox.kubeconfig(environment).read_text())["clusters"][0]["cluster"]
        context = ssl.create_default_context(cafile=layout.certificate(environment))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        assert handshake(context, int(server["server"].rpartition(":")[2]))


def handshake(context: ssl.SSLContext, port: int) -> str | None:
    import socket

    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        return secured.version()
