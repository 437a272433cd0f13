"""YAML is read as Helm reads it: helm itself is asked what each scalar is."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from deploycharts import documents
from deploycharts.documents import parse_manifest
from deploycharts.errors import UserError
from deploycharts.source import Source
from tests.services import PROGRAMS

_SCALARS = """
y Y yes Yes YES n N no No NO on On ON off Off OFF true True TRUE false False FALSE null Null ~
0 1 -1 +1 007 0o17 0x1F 0b101 1_000 08 12345678901 1e3 1E3 10e-1 1.5 -1.5 .5 1. 1.0 .inf 12:30
2001-01-01 1.2.3 72044e0 1_0.5 0.1 6.02e23 abc y1 -
""".split()


@pytest.mark.slow
def test_scalars_are_what_helm_takes_them_for(tmp_path: Path) -> None:
    scalars = [word for word in _SCALARS if word not in {"-", ".inf"}]
    text = "".join(f"v{number}: {word}\n" for number, word in enumerate(scalars))
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 1.0.0\n")
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
    template = f"{head}data: {{v: {{{{ .Values | toJson | quote }}}} }}\n"
    (tmp_path / "templates" / "v.yaml").write_text(template)
    values = tmp_path / "given.yaml"
    values.write_text(text)
    argv = [str(PROGRAMS / "helm"), "template", "x", str(tmp_path), "-f", str(values)]
    out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    (document,) = parse_manifest(out)
    data = document.body["data"]
    assert isinstance(data, dict)
    asked = json.loads(str(data["v"]))

    read = documents.load(text, Source("given.yaml"))

    assert isinstance(read, dict)
    differing = {
        scalars[int(key[1:])]: (read[key], asked.get(key))
        for key in read
        if read[key] is not None
        and (read[key] != asked.get(key) or _kind(read[key]) != _kind(asked.get(key)))
    }
    assert differing == {}


def _kind(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return type(value).__name__
    return "number"


def test_the_last_of_duplicate_keys_wins() -> None:
    assert documents.load("a: 1\na: 2\n", Source("x")) == {"a": 2}


def test_keys_become_strings() -> None:
    assert documents.load("1: a\ntrue: b\n", Source("x")) == {"1": "a", "true": "b"}


def test_invalid_yaml_names_path_and_line() -> None:
    with pytest.raises(UserError) as raised:
        documents.load("a: 1\nb: {\n", Source("values.yaml"))

    assert str(raised.value.where).startswith("values.yaml:")


def test_objects_know_their_template_and_namespace() -> None:
    text = (
        "---\n# Source: chart/templates/a.yaml\napiVersion: apps/v1\nkind: Deployment\n"
        "metadata:\n  name: one\n---\n# only a comment\n---\n# Source: chart/templates/b.yaml\n"
        "apiVersion: v1\nkind: Service\nmetadata: {name: two, namespace: other}\n"
    )

    one, two = parse_manifest(text, namespace="here")

    assert (one.template, str(one.key), one.key.namespace) == (
        "chart/templates/a.yaml", "Deployment/one", "here",
    )  # fmt: skip
    assert (two.key.group, two.key.namespace) == ("", "other")


def test_a_document_that_is_no_object_is_refused() -> None:
    with pytest.raises(UserError, match="no Kubernetes object"):
        parse_manifest("---\njust: words\n")
