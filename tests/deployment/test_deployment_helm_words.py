"""What helm and helmfile say, cut down to what tells something."""

from __future__ import annotations

import pytest

from deploycharts.deployment.evidence import helm_words, only_waited
from deploycharts.tools.process import Result

_HELM_3 = """\
ERROR:
  exit status 1

COMBINED OUTPUT:
  Error: UPGRADE FAILED: pre-upgrade hooks failed: 1 error occurred:
  \t* job migrate-canary failed: BackoffLimitExceeded


"""
_HELM_3_MORE = """\
Error: UPGRADE FAILED: post-upgrade hooks failed: 2 errors occurred:
\t* first: no
\t* second: neither
"""
_HELM_4 = "Error: UPGRADE FAILED: resource Deployment/x/main not ready. status: InProgress\n"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            _HELM_3,
            "Error: UPGRADE FAILED: pre-upgrade hooks failed: job migrate-canary failed: "
            "BackoffLimitExceeded",
        ),
        (
            _HELM_3_MORE,
            "Error: UPGRADE FAILED: post-upgrade hooks failed: first: no; second: neither",
        ),
        (_HELM_4, _HELM_4.strip()),
    ],
)
def test_errors_that_helm_lists_stand_in_one_sentence(said: str, words: str) -> None:
    assert helm_words(Result(("helmfile",), 1, "", said, 0.0)) == words


def test_a_failed_hook_of_helm_3_is_explained_by_its_pod() -> None:
    assert only_waited(helm_words(Result(("helmfile",), 1, "", _HELM_3, 0.0)))
