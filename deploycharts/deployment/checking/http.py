"""Requests to a pod, and what is wrong with the answers.

Certificates are not verified: behind a port-forward the name is 127.0.0.1, and the API server
vouches for the pod. The chart's own `helm test` verifies them under the service's name.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploycharts.cluster.portforward import Forward, NothingListens
from deploycharts.cluster.workloads import Body
from deploycharts.deployment.checking.finding import Attempt, Finding, failed, passed, unknown
from deploycharts.deployment.checking.pods import ask_pods, forwarded
from deploycharts.errors import UserError
from deploycharts.registry.checks import Check, Http

if TYPE_CHECKING:
    import httpx2

ANSWER_S = 5.0
"""What one answer may take, as in service-checker."""

_MOST_BYTES = 1 << 20


class NoAnswer(UserError):
    """The pod's program did not answer; that is its failure."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; header names are in lower case, the body is cut at 1 MiB."""

    status: int
    headers: Mapping[str, str]
    text: str = field(repr=False)


class Asker:
    """Sends requests through one port-forward."""

    def __init__(self, client: httpx2.Client, forward: Forward, attempt: Attempt) -> None:
        self._client = client
        self._forward = forward
        self._attempt = attempt

    def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """One answer; redirects are not followed.

        Raises:
            NoAnswer: the program behind the port-forward does not answer.
            UserError: the port-forward does not lead there.
        """
        import httpx2

        limit_s = min(ANSWER_S, self._attempt.left_s)
        names = [value for name, value in headers.items() if name.lower() == "host"]
        extensions = {"sni_hostname": names[0].partition(":")[0]} if names else {}
        request = self._client.build_request(
            method, path, headers=dict(headers), content=body, timeout=max(limit_s, 0.01),
            extensions=extensions,
        )  # fmt: skip
        try:
            return self._receive(request, time.monotonic() + limit_s)
        except httpx2.TimeoutException:
            raise self._no_answer(f"no answer within {limit_s:.3g} s") from None
        except httpx2.HTTPError as error:
            raise self._no_answer(f"no answer: {error or type(error).__name__}") from None

    def _receive(self, request: httpx2.Request, until: float) -> Answer:
        import httpx2

        answer = self._client.send(request, stream=True)
        try:
            content = b""
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) >= _MOST_BYTES:
                    break
                if time.monotonic() > until:
                    raise httpx2.ReadTimeout("it goes on and on")
        finally:
            answer.close()
        found = {name.lower(): value for name, value in answer.headers.items()}
        encoding = answer.charset_encoding or "utf-8"
        return Answer(answer.status_code, found, content[:_MOST_BYTES].decode(encoding, "replace"))

    def _no_answer(self, what: str) -> UserError:
        trouble = self._forward.trouble
        if isinstance(trouble, NothingListens):
            return NoAnswer(trouble.what)
        if trouble is not None:
            return trouble
        if not self._forward.reached:
            return UserError("the port-forward did not open in time")
        return NoAnswer(what)


@contextmanager
def asking(attempt: Attempt, pod: Body, port: str, scheme: str) -> Iterator[Asker]:
    """Requests to one pod, through one port-forward.

    Raises:
        UserError: the pod has no such port.
    """
    import httpx2

    with forwarded(attempt, pod, port) as forward:
        base = f"{scheme}://127.0.0.1:{forward.port}"
        with httpx2.Client(base_url=base, verify=False, trust_env=False) as client:
            yield Asker(client, forward, attempt)


def request(check: Check, probe: Http, attempt: Attempt) -> Finding:
    """One request to one pod, or to each."""

    def ask(pod: Body) -> Finding:
        try:
            with asking(attempt, pod, probe.port, probe.scheme) as asker:
                answer = asker.ask(probe.method, probe.path, dict(probe.headers))
        except NoAnswer as error:
            return failed(error.what)
        except UserError as error:
            return unknown(said(error))
        return _judged(probe, answer, shown(answer.text, attempt))

    return ask_pods(attempt, check.pods, ask)


def said(error: UserError) -> str:
    """An error on one line."""
    return f"{error.what}: {error.why}" if error.why else error.what


def shown(text: str, attempt: Attempt) -> str:
    """The text on one line, for a message; masked first, since that changes how secrets look."""
    return " ".join(attempt.place.mask.text(text).split())


def _judged(probe: Http, answer: Answer, text: str) -> Finding:
    if answer.status != probe.status:
        said = f"status {answer.status}, expected {probe.status}"
        return failed(f"{said}: {text}" if text else said)
    if probe.contains and probe.contains not in answer.text:
        return failed(f"the answer does not contain {probe.contains!r}: {text}")
    return passed(f"status {answer.status}")
