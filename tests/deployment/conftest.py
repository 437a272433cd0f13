"""Services that the tests of this folder deploy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploycharts.cluster.objects import Objects
from deploycharts.sandbox.lifecycle import Sandbox
from tests.services import Deployable, Make

ObjectsOf = Callable[[str], Objects]


@pytest.fixture
def make(tmp_path: Path, sandbox: Sandbox, objects: ObjectsOf) -> Iterator[Make]:
    """Makes a service that is registered in the named environments; it goes with the test.

    A second one lies in the same repository.
    """
    made: list[tuple[str, str]] = []

    def build(*environments: str) -> Deployable:
        service = Deployable(tmp_path, sandbox)
        made.extend((environment, service.name) for environment in environments)
        service.register(*environments)
        return service

    yield build
    for environment, name in made:  # the lasting sandbox has room for so many pods only
        objects(environment).delete("v1", "namespaces", name)
