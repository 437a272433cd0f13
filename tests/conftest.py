"""What tests share: one lasting sandbox, and namespaces of their own in it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.objects import Objects
from deploycharts.rendering import cache
from deploycharts.sandbox.lifecycle import Sandbox
from deploycharts.tools import process, programs
from tests.services import lasting_sandbox
from tests.waiting import wait_until

# The same examples each time, so that a failure is of the change at hand; scripts/test --all looks
# for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("searching", deadline=None)
settings.load_profile("repeatable")

ObjectsOf = Callable[[str], Objects]
MakeNamespace = Callable[..., str]
Place = Callable[[str, Path], None]


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The lasting sandbox."""
    return lasting_sandbox()


@pytest.fixture(scope="session")
def objects(sandbox: Sandbox) -> Iterator[ObjectsOf]:
    """The objects of an environment's cluster, with an administrator's rights."""
    clusters = {name: Cluster(sandbox.kubeconfig(name), name=name) for name in sandbox.environments}
    yield lambda environment: Objects(clusters[environment])
    for cluster in clusters.values():
        cluster.close()


@pytest.fixture(scope="session")
def make_namespace(objects: ObjectsOf) -> Iterator[MakeNamespace]:
    """Makes a namespace that nobody else uses, by default in staging."""
    made: list[tuple[str, str]] = []

    def make(environment: str = "staging", prefix: str = "test") -> str:
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        metadata = {"name": name}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        objects(environment).create("v1", "namespaces", namespace)
        made.append((environment, name))
        wait_until(
            lambda: objects(environment).get("v1", "serviceaccounts", "default", namespace=name)
        )
        return name

    yield make
    for environment, name in made:
        objects(environment).delete("v1", "namespaces", name)


@pytest.fixture
def namespace(make_namespace: MakeNamespace) -> MakeNamespace:
    """Makes a namespace that nobody else uses: `namespace("eqiad")`."""
    return make_namespace


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tls.crt and tls.key for localhost."""
    folder = tmp_path_factory.mktemp("tls")
    argv = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2", "-keyout", "tls.key", "-out", "tls.crt", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost",
    ]  # fmt: skip
    process.run(argv, cwd=folder)
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Puts a program in the place of helm or helmfile; the one before is forgotten."""

    def put(name: str, path: Path) -> None:
        monkeypatch.setenv(f"DEPLOYCHARTS_{name.upper()}", str(path))
        forget()

    def forget() -> None:
        for known in (programs.find, programs.version, programs.can, cache.program_identity):
            known.cache_clear()

    monkeypatch.setenv("DEPLOYCHARTS_CACHE", str(tmp_path / "cache"))
    forget()
    yield put
    forget()
