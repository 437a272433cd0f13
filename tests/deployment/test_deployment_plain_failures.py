"""Failures of helm and helmfile while they act: told in clean words, in the journal as well."""

from __future__ import annotations

import json
import re

import pytest

from tests.deployment.matrix_builders import declare
from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

_DIRT = (
    r"errorString", r"map\[", r"%!", r"/dev/shm", r"deploycharts-sync", r"\bARGS:", r"COMMAND:",
    r"--helm-binary", r"exit status",
)  # fmt: skip


def _with_state_hook(service: Deployable, command: str) -> None:
    template = service.root / "helmfile.d" / "release.yaml.gotmpl"
    known = "    missingFileHandler: Debug\n"
    hooks = f"    hooks: [{{events: [presync], {command}}}]\n"
    template.write_text(template.read_text().replace(known, known + hooks))


def _with_a_role(service: Deployable) -> None:
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: x}\nrules: []\n"
    (service.root / "charts" / "echoserver" / "templates" / "role.yaml").write_text(role)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("command: no-such-command", r"the program no-such-command is missing "
         r"\(helmfile\.d/release\.yaml\.gotmpl:\d+\)"),
        ('command: sh, args: [-c, "echo bad in $PWD >&2; exit 3"]',
         r"bad in helmfile\.d/services/"),
        ("", "Role"),
    ],
)  # fmt: skip
def test_what_is_told_and_recorded_is_clean(make: Make, broken: str, says: str) -> None:
    service = make("staging")
    declare(service, "main")
    if broken:
        _with_state_hook(service, broken)
    else:
        _with_a_role(service)

    failed = service.deploy("staging")

    assert failed.code in {4, 6}, failed.err
    assert re.search(says, failed.err), failed.err
    journals = sorted((service.root / ".journals").glob("*.jsonl"))
    recorded = json.dumps([each.read_text() for each in journals])
    for dirt in _DIRT:
        assert not re.search(dirt, failed.err), (dirt, failed.err)
        assert not re.search(dirt, recorded), (dirt, recorded)
