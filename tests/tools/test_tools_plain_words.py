"""What helm and helmfile say is shown without what only their authors understand."""

from __future__ import annotations

import pytest

from deploycharts.tools.plainwords import plain

_FRAMED = """\
command "/usr/bin/helm" exited with non-zero status:

PATH:
  /usr/bin/helm

ARGS:
  0: helm (4 bytes)
  1: upgrade (7 bytes)

ERROR:
  exit status 1

EXIT STATUS
  1

STDERR:
  Error: no such thing

COMBINED OUTPUT:
  Error: no such thing
"""


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (_FRAMED, "Error: no such thing"),
        ('failed: &errors.errorString{s:"no such thing"}', "failed: no such thing"),
        ("got map[a:1 b:2], want text", "got mapping, want text"),
        ("got map[string]interface {}", "got mapping"),
        ("the release %!s(<nil>) failed", "the release  failed"),
        ("\x1b[31mred\x1b[0m", "red"),
        (
            "open /dev/shm/deploycharts-sync-12-abc/x/helmfile.d/services/web/values.yaml: gone",
            "open helmfile.d/services/web/values.yaml: gone",
        ),
        ("open /dev/shm/deploycharts-render-12-abc/0.yaml: gone", "open a temporary file: gone"),
        ("in ./helmfile.yaml.gotmpl: no such thing", "no such thing"),
        (
            '[exec: "kustomize": executable file not found in $PATH',
            "the program kustomize is not installed",
        ),
    ],
)  # fmt: skip
def test_what_only_programs_understand_goes(said: str, words: str) -> None:
    assert plain(said).strip() == words


@pytest.mark.parametrize(
    "said",
    [
        "at '/name': 'A' does not match pattern '^[a-z]{1,3}$'",
        'values: {"image": {"tag": "1"}}',
        "cannot reach https://registry.example.org/charts/web: 404 Not Found",
        "the script in /srv/repository/charts/web/templates/a.yaml is {{ .Values.a }}",
    ],
)
def test_what_people_wrote_stays(said: str) -> None:
    assert plain(said) == said
