"""Answers are data: what was answered stands in the files and in the cluster as it was given."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploycharts.documents import Document, HelmLoader
from deploycharts.errors import Exit
from deploycharts.scaffold import build, verify
from deploycharts.scaffold.question import Question
from deploycharts.scaffold.questions import BY_NAME
from tests.scaffold.scaffold_builders import TEMPLATES, answers, create, facts, repository

MARKS = (
    'Serves {{ .Values.x }} and <@ 7*7 @>: 50 % of "all" it\'s # not a comment \\ back '
    "<% raw %> <# no #> {% x %} ${HOME} – é"
)
ENV = {
    "GREETING": "{{ .Release.Name }} <% x %>", "QUOTES": "a\"b'c: d", "HASH": "#1",
    "PERCENT": "100%", "BACK": "C:\\dir\\new", "LINES": "one\n\ttwo\n", "YES": "yes", "1": "1e3",
    "null": "null", "NO": "0x1F", "on": "", "A.B": "~", "FLOW": "[a, {b: c}]", "SPACES": "  x  ",
    "TEMPLATE": "{% if x %}", "COMMA": "a, b",
}  # fmt: skip


def variables(found: tuple[Document, ...]) -> dict[str, str]:
    """The environment variables of the first Deployment or CronJob."""
    for document in found:
        spec: Any = document.body.get("spec")
        if document.key.kind == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if document.key.kind in {"Deployment", "CronJob"}:
            env = spec["template"]["spec"]["containers"][0]["env"]
            return {one["name"]: one.get("value", "") for one in env}
    raise AssertionError("no workload")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["service", "worker", "cronjob"])
def test_answers_stand_literally_in_every_file_and_object(tmp_path: Path, kind: str) -> None:
    repository(tmp_path)
    given: dict[str, Any] = {
        "kind": kind,
        "description": MARKS,
        "contact": "{{ team }} <@ x @>",
        "env": ENV,
    }
    everything = dict.fromkeys(("tls", "ingress") if kind == "service" else (), True)
    chosen = answers(facts(tmp_path), **given, **everything)
    tree = build.build(TEMPLATES, chosen)
    service = yaml.load(tree["helmfile.d/services/demo/service.yaml"], Loader=HelmLoader)
    assert (service["description"], service["contact"]) == (MARKS, "{{ team }} <@ x @>")
    assert yaml.load(tree["charts/demo/Chart.yaml"], Loader=HelmLoader)["description"] == MARKS
    assert MARKS in tree["charts/demo/README.md"]
    entry = yaml.load(tree["helmfile.d/cluster/services/demo.yaml"], Loader=HelmLoader)
    assert entry["contact"] == "{{ team }} <@ x @>"
    values = yaml.load(tree["helmfile.d/services/demo/values.yaml"], Loader=HelmLoader)
    assert values["config"]["env"] == ENV
    verified = verify.verify(tmp_path, tree, chosen, ("staging", "eqiad"))
    found = variables(verified.documents)
    assert {name: found[name] for name in ENV} == ENV


@pytest.mark.slow
@pytest.mark.usefixtures("unverified")
def test_an_answers_file_is_taken_as_it_is_written(root: Path) -> None:
    (root / "answers.yaml").write_text(
        "name: demo\ncontact: me\nenv:\n  YES: yes\n  1: 1e3\n  null: null\n  OFF: 010\n"
        "  EMPTY:\n  QUOTED: '{{ x }}'\n"
    )
    assert create("--answers", "answers.yaml", "--defaults") == Exit.DONE
    text = (root / "helmfile.d/services/demo/values.yaml").read_text()
    found = yaml.load(text, Loader=HelmLoader)["config"]["env"]
    assert found == {
        "YES": "yes", "1": "1e3", "null": "null", "OFF": "010", "EMPTY": "", "QUOTED": "{{ x }}",
    }  # fmt: skip
    assert create("--check") == Exit.DONE


@pytest.mark.slow
@pytest.mark.usefixtures("unverified")
def test_names_that_yaml_reads_as_something_else_are_quoted(root: Path) -> None:
    words = ["--set", "tls=true", "--set", "ingress=true", "--set", "issuer=null"]
    assert create("demo", *words, "--set", "gateway=1/yes", "--set", "cpu=2") == Exit.DONE
    values = yaml.load((root / "charts/demo/values.yaml").read_text(), Loader=HelmLoader)
    assert values["tls"]["issuer"] == "null"
    assert values["ingress"]["gateway"] == {"namespace": "1", "name": "yes"}
    assert values["resources"]["requests"]["cpu"] == "2"


@pytest.mark.parametrize(
    ("name", "value"),
    [("env", {"A": "a, b", "B": 'q"'}), ("env", {"A": "x"}), ("deployers", ["a", "b c"])],
)
def test_what_is_shown_can_be_typed_again(name: str, value: Any) -> None:
    question: Question = BY_NAME[name]
    assert question.parse(question.show(value)) == value


@pytest.mark.slow
@pytest.mark.usefixtures("unverified")
def test_a_host_that_leads_elsewhere_is_refused_with_its_owner(
    root: Path, talk: io.StringIO
) -> None:
    host = ["--set", "ingress=true", "--set", "host=shop.example.org"]
    assert create("shop", *host) == Exit.DONE
    assert create("other", *host) == Exit.USER_ERROR
    values = "helmfile.d/services/shop/values.yaml:"
    assert f"the host shop.example.org is shop's: {values}" in talk.getvalue()
    assert create("other", "--set", "ingress=true") == Exit.DONE
    assert create("--check") == Exit.DONE


def test_no_template_names_a_public_hub() -> None:
    hubs = ("docker.io", "quay.io", "ghcr.io", "gcr.io", "registry.k8s.io", "public.ecr.aws")
    found = [
        (path.name, hub)
        for path in TEMPLATES.rglob("*")
        if path.is_file()
        for hub in hubs
        if hub in path.read_text()
    ]
    assert found == []
