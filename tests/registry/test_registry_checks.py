"""The checks of a service.yaml are read strictly, and all that is wrong is told at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploycharts.errors import Problems
from deploycharts.registry.checks import (
    Check,
    Command,
    HelmTest,
    Http,
    OpenApi,
    Pods,
    Probe,
    Prometheus,
)
from deploycharts.registry.repository import Repository
from tests.services import ROOT


def _repository(root: Path, checks: str, *, environments: str = "") -> Repository:
    declared = (ROOT / "helmfile.d" / "environments.yaml").read_text()
    service = root / "helmfile.d" / "services" / "echo"
    service.mkdir(parents=True)
    (root / "helmfile.d" / "environments.yaml").write_text(environments or declared)
    (service / "helmfile.yaml.gotmpl").write_text("")
    (service / "service.yaml").write_text(f"description: it\n{checks}")
    return Repository(root)


def _one(root: Path, entry: str) -> Check:
    (check,) = _repository(root, f"checks:\n  - {entry}\n").service("echo").checks
    return check


def _problems(root: Path, checks: str) -> list[str]:
    with pytest.raises(Problems) as raised:
        _repository(root, checks).service("echo")
    return [f"{each.where}: {each.what}; {each.why}" for each in raised.value.errors]


@pytest.mark.parametrize(
    ("entry", "probe", "name"),
    [
        ("test: true", HelmTest(), "helm test"),
        ("http: {path: /healthz}", Http("/healthz"), "GET /healthz"),
        (
            "http: {path: /x, port: 9000, status: 404, contains: no, method: POST, "
            "headers: {Host: echo.example.org, X-Depth: 3}, scheme: https}",
            Http("/x", "9000", 404, "no", "POST",
                 (("Host", "echo.example.org"), ("X-Depth", "3")), "https"),
            "POST /x",
        ),
        ("openapi: {}", OpenApi(), "examples in /?spec"),
        ("openapi: {path: /openapi.json, port: tls, scheme: https}",
         OpenApi("/openapi.json", "tls", "https"), "examples in /openapi.json"),
        ("command: [./smoke.sh, a b]", Command(("./smoke.sh", "a b")), "./smoke.sh 'a b'"),
        ("command: {argv: [curl], port: admin}", Command(("curl",), "admin"), "curl"),
        ("prometheus: {query: up, above: 0}", Prometheus("up", "", None, 0), "up > 0"),
        (
            "{name: few errors, prometheus: {query: e, url: 'http://p', below: 1.5}}",
            Prometheus("e", "http://p", 1.5),
            "few errors",
        ),
    ],
)  # fmt: skip
def test_every_kind_is_read(tmp_path: Path, entry: str, probe: Probe, name: str) -> None:
    entry = entry.replace("contains: no", 'contains: "no"')

    check = _one(tmp_path, entry)

    assert (check.probe, check.name) == (probe, name)
    assert str(check.source) == "helmfile.d/services/echo/service.yaml:3"


def test_a_check_that_says_no_more_asks_once_within_half_a_minute(tmp_path: Path) -> None:
    check = _one(tmp_path, "http: {path: /}")

    assert (check.streak, check.every_s, check.within_s, check.pods) == (1, 2, 30, Pods.ANY)


def test_how_often_and_which_pods_can_be_said(tmp_path: Path) -> None:
    check = _one(
        tmp_path, "{http: {path: /}, streak: 3, everySeconds: 0.5, withinSeconds: 9, pods: each}"
    )

    assert (check.streak, check.every_s, check.within_s, check.pods) == (3, 0.5, 9, Pods.EACH)


@pytest.mark.parametrize(
    ("limits", "asked"),
    [
        ("", ["staging/canary", "staging/main", "codfw/canary", "codfw/main"]),
        ("releases: [canary]", ["staging/canary", "codfw/canary"]),
        ("environments: [production]", ["codfw/canary", "codfw/main"]),
        ("environments: [staging], releases: [main]", ["staging/main"]),
    ],
)
def test_a_check_can_be_meant_for_some_only(tmp_path: Path, limits: str, asked: list[str]) -> None:
    repository = _repository(tmp_path, f"checks: [{{test: true, {limits}}}]\n")
    (check,) = repository.service("echo").checks

    assert asked == [
        f"{name}/{release}"
        for name in ("staging", "codfw")
        for release in ("canary", "main")
        if check.applies_to(repository.environment(name), release)
    ]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("just a word", "a check must be a mapping, not 'just a word'"),
        ("{streak: 2}", "a check asks nothing: it has none of test, http, openapi"),
        ("{htpp: {path: /}}", "no key of a check 'htpp'; did you mean http"),
        ("{test: true, http: {path: /}}", "a check asks one thing, not test and http"),
        ("{test: false}", "test can only be true"),
        ("{test: true, pods: each}", "pods means nothing to test"),
        ("{http: /healthz}", "http is '/healthz', not a mapping"),
        ("{http: {}}", "http does not say: path"),
        ("{http: {path: healthz}}", "does not begin with /"),
        ("{http: {path: /, staus: 200}}", "no key of http 'staus'; did you mean status"),
        ("{http: {path: /, status: 20}}", "status is 20, not 100 to 599"),
        ("{http: {path: /, status: true}}", "status is True, not a whole number"),
        ("{http: {path: /, port: 70000}}", "port is 70000, not 1 to 65535"),
        ("{http: {path: /, method: get}}", "no method 'get'; there are: DELETE, GET"),
        ("{http: {path: /, method: HEAD, contains: x}}", "has no body"),
        ("{http: {path: /, headers: {A: [1]}}}", "A is [1], not one line"),
        ("{http: {path: /, scheme: gopher}}", "no scheme 'gopher'"),
        ("{command: []}", "command names no program"),
        ("{command: [1]}", "command has 1, which is no text"),
        ("{prometheus: {below: 1}}", "prometheus does not say: query"),
        ("{prometheus: {query: up}}", "below or above"),
        ("{prometheus: {query: up, above: 2, below: 1}}", "nothing is above 2 and below 1"),
        ("{prometheus: {query: up, above: 0, url: prom:9090}}", "does not begin with http"),
        ("{test: true, environments: [codwf]}", "no environment 'codwf'; did you mean codfw"),
        ("{test: true, streak: 0}", "streak is 0, not at least 1"),
        ("{test: true, withinSeconds: -1}", "withinSeconds is -1, not a time in seconds"),
        ("{http: {path: /}, streak: 9, everySeconds: 5}", "cannot be had within 30 s"),
        ("{test: true, pods: some}", "no pods 'some'"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, entry: str, told: str) -> None:
    problems = _problems(tmp_path, f"checks:\n  - {entry}\n")

    assert any(told in problem for problem in problems), problems
    assert all("service.yaml:3: " in problem for problem in problems)


def test_all_mistakes_are_told_at_once_each_at_its_key(tmp_path: Path) -> None:
    text = "checks:\n  - http:\n      path: /\n      staus: 200\n  - test: yes\n    streak: none\n"

    first, second = _problems(tmp_path, text)

    assert first.startswith("helmfile.d/services/echo/service.yaml:5: no key of http 'staus'")
    assert second.startswith("helmfile.d/services/echo/service.yaml:7: a check: streak is 'none'")


def test_checks_must_be_a_list(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, "checks: {test: true}\n")

    assert "service.yaml:2: checks must be a list" in problem


def test_an_environment_may_say_where_prometheus_is(tmp_path: Path) -> None:
    declared = (ROOT / "helmfile.d" / "environments.yaml").read_text()
    said = declared.replace("kind: staging", "kind: staging\n        prometheus: http://prom:9090")

    repository = _repository(tmp_path, "", environments=said)

    assert repository.environment("staging").prometheus == "http://prom:9090"
    assert repository.environment("codfw").prometheus == ""


def test_the_examples_in_a_new_services_comments_are_valid(tmp_path: Path) -> None:
    text = (ROOT / "helmfile.d" / "services" / "echoserver" / "service.yaml").read_text()
    _, _, checks = text.partition("checks:\n")
    uncommented = re.sub(r"^  # ", "  ", checks, flags=re.MULTILINE)

    found = _repository(tmp_path, f"checks:\n{uncommented}").service("echo").checks

    kinds = [type(each.probe) for each in found]
    assert kinds == [HelmTest, Http, OpenApi, Command, Prometheus]
