"""Asking a pod the examples in its own OpenAPI description."""

from __future__ import annotations

from deploycharts.cluster.workloads import Body
from deploycharts.deployment.checking.examples import Example, examples, problems
from deploycharts.deployment.checking.finding import Attempt, Finding, failed, passed, unknown
from deploycharts.deployment.checking.http import Asker, NoAnswer, asking, said
from deploycharts.deployment.checking.pods import ask_pods
from deploycharts.documents import load
from deploycharts.errors import UserError
from deploycharts.registry.checks import Check, OpenApi
from deploycharts.source import Source


def ask_examples(check: Check, probe: OpenApi, attempt: Attempt) -> Finding:
    """All examples, asked of one pod, or of each."""

    def ask(pod: Body) -> Finding:
        try:
            with asking(attempt, pod, probe.port, probe.scheme) as asker:
                return _asked(asker, probe.path, attempt)
        except NoAnswer as error:
            return failed(error.what)
        except UserError as error:
            return unknown(said(error))

    return ask_pods(attempt, check.pods, ask)


def _asked(asker: Asker, path: str, attempt: Attempt) -> Finding:
    answer = asker.ask("GET", path, {})
    if answer.status != 200:
        return failed(f"{path}: status {answer.status}, expected 200")
    try:
        found = examples(load(answer.text, Source(path)))
    except UserError as error:
        return failed(f"{path} is no description: {said(error)}")
    if not found:
        return unknown(f"{path} has no examples")
    wrong = []
    for each in found:
        if not attempt.left_s:
            return failed(f"the time was over before all {len(found)} examples were asked")
        wrong += _problems(asker, each)
    if wrong:
        return failed("\n".join([f"{len(wrong)} of {len(found)} examples fail", *wrong]))
    return passed(f"{len(found)} examples")


def _problems(asker: Asker, each: Example) -> list[str]:
    """A line about an example whose answer is wrong."""
    try:
        got = asker.ask(each.method, each.address, each.headers, each.body)
        reasons = problems(each, got.status, got.headers, got.text)
    except NoAnswer as error:
        reasons = [error.what]
    title = f" ({each.title})" if each.title else ""
    return [f"{each.method} {each.address}{title}: {'; '.join(reasons)}"] if reasons else []
