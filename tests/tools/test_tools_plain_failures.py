"""Real failures of helm and helmfile, one by one: the words are clean and name the line."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploycharts.errors import UserError
from deploycharts.rendering.release import evaluate
from deploycharts.rendering.render import render
from tests.services import Deployable

pytestmark = pytest.mark.slow

_DIRT = (
    r"errorString", r"&\w+\.", r"map\[", r"%!", r"interface \{\}", r"0x[0-9a-f]+", r"/dev/shm",
    r"deploycharts-\w+-\d+", r"/helmfile\d+", r"stringTemplate", r"\bPATH:", r"\bARGS:",
    r"COMMAND:", r"OUTPUT:", r"\(\d+ bytes\)", r"--helm-binary", r"exit status", r"--debug",
    r"\x1b",
)  # fmt: skip


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _prepend(path: Path, text: str) -> None:
    path.write_text(text + path.read_text())


def _in_state(service: Deployable, text: str) -> None:
    """Put a line into each release of the shared template."""
    template = service.root / "helmfile.d" / "release.yaml.gotmpl"
    known = "    missingFileHandler: Debug\n"
    template.write_text(template.read_text().replace(known, f"{known}    {text}\n"))


def _template_of_values(service: Deployable, text: str) -> None:
    template = service.root / "helmfile.d" / "release.yaml.gotmpl"
    known = "      - values.yaml\n"
    template.write_text(template.read_text().replace(known, f"{known}      - extra.yaml.gotmpl\n"))
    _write(service.folder / "extra.yaml.gotmpl", text)


def _kustomize(service: Deployable) -> None:
    (_chart(service) / "Chart.yaml").unlink()
    _write(_chart(service) / "kustomization.yaml", "resources: [a.yaml]\n")
    _write(_chart(service) / "a.yaml", "kind: ConfigMap\n")


def _secrets(service: Deployable) -> None:
    _in_state(service, "secrets: [s.yaml]")
    _write(service.folder / "s.yaml", "a: b\n")


def _bad_flag(service: Deployable) -> None:
    template = service.root / "helmfile.d" / "release.yaml.gotmpl"
    told = "helmDefaults:\n  templateArgs: [--no-such-flag]\n"
    template.write_text(template.read_text().replace("helmDefaults:\n", told))


def _nested(service: Deployable) -> None:
    helper = '{{- define "deep" }}{{ fail "the port is missing" }}{{ end }}'
    _write(_chart(service) / "templates" / "_deep.tpl", helper)
    _prepend(_chart(service) / "templates" / "deployment.yaml", '{{ include "deep" . }}\n')


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def _chart(service: Deployable) -> Path:
    return service.root / "charts" / "echoserver"


def _state(service: Deployable) -> Path:
    return service.folder / "helmfile.yaml.gotmpl"


@dataclass(frozen=True)
class Failure:
    """A way to break a service, what is said of it, and where."""

    name: str
    provoke: Callable[[Deployable], None]
    says: str
    where: str


_CHART, _SERVICE = "charts/echoserver", r"helmfile\.d/services/[\w-]+"
_SHARED = r"helmfile\.d/release\.yaml\.gotmpl:\d+"
_FAILURES = [
    Failure(
        "template",
        lambda s: _prepend(_chart(s) / "templates/deployment.yaml", "{{ .Values.no.such }}\n"),
        "nothing is set above .such", rf"{_CHART}/templates/deployment\.yaml:1",
    ),
    Failure(
        "nested template", _nested, "the port is missing",
        rf"{_CHART}/templates/deployment\.yaml:1",
    ),
    Failure(
        "schema", lambda s: _write(s.folder / "values-staging.yaml", "\nreplicas: many\n"),
        "got string, want integer", rf"{_SERVICE}/values-staging\.yaml:2",
    ),
    Failure(
        "key that the schema lacks",
        lambda s: _write(s.folder / "values-staging.yaml", "\nunknown: many\n"),
        "additional properties 'unknown'", rf"{_SERVICE}/values-staging\.yaml:2",
    ),
    Failure(
        "no YAML in a layer", lambda s: _write(s.folder / "values-staging.yaml", "a: [1\n"),
        "did not find expected", rf"{_SERVICE}/values-staging\.yaml:\d",
    ),
    Failure(
        "no YAML in the chart's values", lambda s: _append(_chart(s) / "values.yaml", "a: [1\n"),
        "cannot load values.yaml", rf"{_CHART}/values\.yaml:\d+",
    ),
    Failure(
        "no YAML rendered", lambda s: _write(_chart(s) / "templates/bad.yaml", "a: [1\nb: 1\n"),
        "YAML parse error", rf"{_CHART}/templates/bad\.yaml",
    ),
    Failure(
        "missing dependency",
        lambda s: _append(
            _chart(s) / "Chart.yaml",
            "dependencies: [{name: absent, version: 1.0.0, repository: 'https://example.org'}]\n",
        ),
        "missing in charts/ directory: absent", rf"{_CHART}/Chart\.yaml:\d+",
    ),
    Failure(
        "missing plug-in",
        _secrets,
        "the helm plug-in secrets is missing", _SHARED,
    ),
    Failure(
        "missing post-renderer", lambda s: _in_state(s, "postRenderer: ./no-such-renderer"),
        "the post-renderer ./no-such-renderer is missing", _SHARED,
    ),
    Failure(
        "kustomize chart", _kustomize, "the program kustomize is missing",
        rf"{_SERVICE}/helmfile\.yaml\.gotmpl:\d+",
    ),
    Failure(
        "kustomize patch",
        lambda s: _in_state(s, "strategicMergePatches: [{kind: ConfigMap, metadata: {name: x}}]"),
        "the program kustomize is missing", _SHARED,
    ),
    Failure(
        "unknown key", lambda s: _in_state(s, "noSuchKey: 1"),
        "helmfile knows no key noSuchKey", _SHARED,
    ),
    Failure(
        "no YAML in the state", lambda s: _append(_state(s), "releases: [\n"), "yaml: line",
        rf"{_SERVICE}/helmfile\.yaml\.gotmpl",
    ),
    Failure(
        "failing state", lambda s: _append(_state(s), '{{ fail "not today" }}\n'), "not today",
        rf"{_SERVICE}/helmfile\.yaml\.gotmpl:\d+",
    ),
    Failure(
        "value that is not there", lambda s: _template_of_values(s, "a: {{ .Values.nope.deep }}\n"),
        ".Values.nope.deep is not set", rf"{_SERVICE}/extra\.yaml\.gotmpl:1",
    ),
    Failure(
        "missing program", lambda s: _template_of_values(s, 'a: {{ exec "no-such" (list "a") }}\n'),
        "the program no-such is missing", rf"{_SERVICE}/extra\.yaml\.gotmpl:1",
    ),
    Failure(
        "bad flag", _bad_flag, "helm knows no flag --no-such-flag", _SHARED,
    ),
]  # fmt: skip


def _render(service: Deployable) -> None:
    repository = service.repository
    environment = repository.environment("staging")
    render(evaluate(repository, repository.service(service.name), environment))


@pytest.mark.parametrize("failure", _FAILURES, ids=lambda failure: failure.name)
def test_a_failure_is_told_in_clean_words_with_its_line(failure: Failure, tmp_path: Path) -> None:
    service = Deployable(tmp_path, None, name="web")
    failure.provoke(service)

    with pytest.raises(UserError) as caught:
        _render(service)

    error = caught.value
    told = "\n".join([error.what, error.why])
    assert failure.says in told
    assert re.search(failure.where, str(error.where)), error.where
    for dirt in _DIRT:
        assert not re.search(dirt, told), (dirt, told)
