"""Connections to several clusters at a time."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploycharts.cluster.connection import Cluster
from tests.servers import serving

pytestmark = pytest.mark.slow

TRIES = 3
OPEN_THREE = """
import sys, threading
from pathlib import Path
from deploycharts.cluster import connection

sys.setswitchinterval(1e-6)
together = threading.Barrier(3)
opened = []

def open_one():
    together.wait()
    opened.append(connection._client(Path(sys.argv[1]), "codfw"))

threads = [threading.Thread(target=open_one) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(opened) == 3
"""


def test_kubeconfigs_may_be_read_by_threads_at_the_same_time(tmp_path: Path) -> None:
    kubeconfig = written(tmp_path, {"server": "http://localhost:1"})
    # A process each: what goes wrong, goes wrong at the first reading only.
    for _ in range(TRIES):
        done = subprocess.run(
            [sys.executable, "-c", OPEN_THREE, str(kubeconfig)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_connections_do_not_change_what_the_handshakes_of_others_read(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://github.com/python/cpython/issues/141012."""
    changes: list[object] = []
    monkeypatch.setattr(
        ssl.SSLContext, "set_alpn_protocols", lambda _, offered: changes.append(offered)
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
    reached: list[str] = []

    def answers(asked: str) -> tuple[int, dict[str, str], str]:
        reached.append(asked)
        return 200, {"connection": "close"}, "{}"

    with serving(answers, tls) as port:
        server = {
            "server": f"https://localhost:{port}",
            "certificate-authority": str(certificate / "tls.crt"),
        }
        cluster = Cluster(written(tmp_path, server), name="codfw")
        for _ in range(TRIES):
            cluster.get("/version")
        cluster.close()

    assert (len(reached), changes) == (TRIES, [["http/1.1"]])


def written(folder: Path, cluster: dict[str, str]) -> Path:
    kubeconfig = folder / "config"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": {"token": "not-a-secret"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    return kubeconfig
