"""Connections to several clusters at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": {"server": "http://localhost:1"}}],
                "users": [{"name": "u", "user": {"token": "not-a-secret"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    # A process each: what goes wrong, goes wrong at the first reading only.
    for _ in range(TRIES):
        done = subprocess.run(
            [sys.executable, "-c", OPEN_THREE, str(kubeconfig)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
