"""Services that the tests of this folder deploy."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploycharts.sandbox.lifecycle import Sandbox
from tests.services import Deployable, Make


@pytest.fixture
def make(tmp_path: Path, sandbox: Sandbox) -> Make:
    """Makes a service that is registered in the named environments."""

    def build(*environments: str) -> Deployable:
        service = Deployable(tmp_path, sandbox)
        service.register(*environments)
        return service

    return build
