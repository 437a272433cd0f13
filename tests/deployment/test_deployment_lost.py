"""An API server that is lost while helm applies: it is said, and how that ended is found out."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploycharts.cluster.objects import Objects
from tests.conftest import ObjectsOf
from tests.deployment.matrix_builders import require_next_works
from tests.services import Deployable, Make
from tests.waiting import wait_until
from tests.wire import Wire, wired

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]


def _status(objects: Objects, service: Deployable, revision: int) -> str:
    """helm's word for a revision of the canary, past the wire; empty where there is none."""
    labels = f"owner=helm,name=canary,version={revision}"
    found = objects.list("v1", "secrets", namespace=service.name, labels=labels)
    return str(found[0]["metadata"]["labels"]["status"]) if found else ""


@contextmanager
def _cut_in_the_middle(
    service: Deployable, staging: Objects
) -> Iterator[tuple[Wire, subprocess.Popen[str]]]:
    """A deployment whose API server is lost as soon as helm has begun its revision 2."""
    with wired(service.kubeconfig("staging")) as wire:
        wire.delay_s = 0.03
        process = service.start("staging")
        wait_until(lambda: _status(staging, service, 2) == "pending-upgrade")
        wire.cut()
        wire.delay_s = 0.0
        yield wire, process


def test_an_act_that_was_cut_off_is_found_out_and_goes_back(make: Make, objects: ObjectsOf) -> None:
    service = make("staging")
    service.deploy("staging")
    service.greet("good day")

    with _cut_in_the_middle(service, objects("staging")) as (wire, process):
        time.sleep(5)
        wire.mend()
        _, err = process.communicate()

        assert process.returncode == 6, err
        assert _words(err).count("the API server of staging was lost while helm worked") == 2
        assert "revision 2 stayed pending-upgrade, a part of it may be applied" in _words(err)
        assert "most likely" not in err
        assert service.history("staging", "canary")[-1] == (3, "deployed")
        require_next_works(service)


def test_an_act_that_was_cut_off_for_good_is_not_guessed(make: Make, objects: ObjectsOf) -> None:
    service = make("staging")
    service.deploy("staging")
    service.greet("good day")

    with _cut_in_the_middle(service, objects("staging")) as (_, process):
        _, err = process.communicate()

    assert process.returncode == 9, err
    assert "the API server of staging was lost while helm worked" in _words(err)
    assert f"staging {service.name}/canary: how it ended is not known" in err
    assert "it was at revision 1 before" in err
    assert f"deploy status staging {service.name}" in err


def _words(text: str) -> str:
    """The text without the breaks of narrow lines."""
    return re.sub(r"\s+", " ", text)
