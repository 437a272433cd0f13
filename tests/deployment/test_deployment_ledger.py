"""Which words of helm mean that it lost the API server, and which only sound like it."""

from __future__ import annotations

import pytest

from deploycharts.deployment.ledger import Standing, cut_off, is_loss

ADDRESS = "127.0.0.1:6443"
URL = f"https://{ADDRESS}/api/v1/namespaces/echo/secrets?timeout=32s"


@pytest.mark.parametrize(
    ("words", "is_lost"),
    [
        (f'Error: Get "{URL}": dial tcp {ADDRESS}: connect: connection refused', True),
        (f'Error: UPGRADE FAILED: Patch "{URL}": EOF', True),
        (f'Error: Get "{URL}": net/http: TLS handshake timeout', True),
        ("Error: Kubernetes cluster unreachable: the server is gone", True),
        (f'Error: Get "{URL}": tls: failed to verify certificate', False),
        ('Error: failed calling webhook "a.b": Post "https://a.b.svc": connection refused', False),
        ('Error: admission denied the request: "EOF" is no name', False),
        ("", False),
    ],
)
def test_only_an_answer_that_the_api_server_owes_is_a_loss(words: str, *, is_lost: bool) -> None:
    assert is_loss(words, ADDRESS) is is_lost


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (Standing(1, "deployed"), "it had not recorded anything yet"),
        (Standing(2, "pending-upgrade"), "revision 2 stayed pending-upgrade, a part of it may be"),
        (Standing(2, "failed"), "helm recorded revision 2 as failed"),
    ],
)
def test_what_history_says_of_an_act_that_was_cut_off(now: Standing, told: str) -> None:
    assert told in cut_off("staging", 1, now)
