"""A program of the owner's, on this machine, with a port-forward to a pod."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from deploycharts.cluster.workloads import Body
from deploycharts.deployment.checking.finding import Attempt, Finding, failed, passed, unknown
from deploycharts.deployment.checking.http import said
from deploycharts.deployment.checking.pods import ask_pods, forwarded, port_of
from deploycharts.errors import UserError
from deploycharts.registry.checks import Check, Command
from deploycharts.tools import process
from deploycharts.tools.process import Result, Running

_LOOK_S = 0.05
_PATIENCE_S = 5.0
_LINES = 10
_UNKNOWN = 3
"""The exit code for "unknown" (https://www.monitoring-plugins.org/doc/guidelines.html)."""


def run(check: Check, probe: Command, attempt: Attempt) -> Finding:
    """Run the program for one pod, or for each."""
    return ask_pods(attempt, check.pods, lambda pod: _for_pod(probe, attempt, pod))


def environ(attempt: Attempt, url: str) -> dict[str, str]:
    """The environment of the program: ours, and what it has to ask."""
    target = attempt.place.target
    return {
        **os.environ,
        "DEPLOYCHARTS_URL": url,
        "DEPLOYCHARTS_SERVICE": target.service,
        "DEPLOYCHARTS_ENVIRONMENT": target.environment,
        "DEPLOYCHARTS_RELEASE": target.release,
        "DEPLOYCHARTS_NAMESPACE": attempt.place.namespace,
        "KUBECONFIG": str(attempt.place.kubeconfig),
    }


def _for_pod(probe: Command, attempt: Attempt, pod: Body) -> Finding:
    root = probe.folder or attempt.place.environment.root
    program = probe.argv[0]
    argv = [str(root / program) if "/" in program else program, *probe.argv[1:]]
    with ExitStack() as stack:
        url, forward = "", None
        try:
            if probe.port or port_of(pod, "") is not None:
                forward = stack.enter_context(forwarded(attempt, pod, probe.port))
                url = f"{probe.scheme}://127.0.0.1:{forward.port}"
            running = process.start(argv, cwd=root, env=environ(attempt, url))
        except UserError as error:
            return unknown(said(error))
        result = _end(running, attempt)
        trouble = forward.trouble if forward is not None else None
    output = "" if result is None else attempt.place.mask.text(f"{result.out}\n{result.err}")
    lines = output.strip().splitlines()[-_LINES:]
    return _judged(Path(program).name, result, [*([said(trouble)] if trouble else []), *lines])


def _end(running: Running, attempt: Attempt) -> Result | None:
    """How the program ended; None if its time is over."""
    try:
        while running.is_alive():
            if not attempt.left_s:
                _stop(running)
                return None
            attempt.sleep(min(_LOOK_S, attempt.left_s))
    except BaseException:
        _stop(running)
        raise
    return running.wait()


def _stop(running: Running) -> None:
    """End it, and what it started: it is not one of ours, and may not listen."""
    running.interrupt()
    until = time.monotonic() + _PATIENCE_S
    while running.is_alive() and time.monotonic() < until:
        time.sleep(_LOOK_S)
    running.kill()
    running.wait()


def _judged(program: str, result: Result | None, lines: Sequence[str]) -> Finding:
    if result is None:
        return failed("\n".join([f"{program} did not end in time", *lines]))
    if result.code == 0:
        return passed("exit code 0")
    ending = f"exit code {result.code}" if result.code > 0 else f"signal {-result.code}"
    message = "\n".join([f"{program}: {ending}", *lines])
    return unknown(message) if result.code == _UNKNOWN else failed(message)
