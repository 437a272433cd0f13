"""A Prometheus query whose values must be on one side of a threshold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from deploycharts.deployment.checking.finding import Attempt, Finding, failed, passed, unknown
from deploycharts.documents import Json
from deploycharts.errors import UserError
from deploycharts.registry.checks import Prometheus

_ANSWER_S = 10.0


def query(probe: Prometheus, attempt: Attempt) -> Finding:
    """Ask once (https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries)."""
    url = probe.url or attempt.place.environment.prometheus
    if not url:
        return unknown(
            "no Prometheus is known: neither `url` in the check nor `prometheus` in "
            "helmfile.d/environments.yaml"
        )
    try:
        answer = _ask(url, filled(probe.query, attempt), min(_ANSWER_S, attempt.left_s))
        return judged(probe, answer)
    except UserError as error:
        return unknown(f"{error.what}: {error.why}" if error.why else error.what)


def filled(text: str, attempt: Attempt) -> str:
    """The query with {service}, {environment} and {release} filled in; other braces stay."""
    target = attempt.place.target
    for name in ("service", "environment", "release"):
        text = text.replace(f"{{{name}}}", str(getattr(target, name)))
    return text


def judged(probe: Prometheus, answer: Json) -> Finding:
    """Whether all values are where they must be; the one that is not is named.

    Raises:
        UserError: the answer has no values.
    """
    values = tuple(_values(answer))
    if not values:
        raise UserError("the query has no result")
    for labels, value in values:
        if math.isnan(value):
            return unknown(f"{labels} is not a number: there was nothing to count")
    for labels, value in values:
        if probe.below is not None and not value < probe.below:
            return failed(f"{labels} is {value:g}, not below {probe.below:g}")
        if probe.above is not None and not value > probe.above:
            return failed(f"{labels} is {value:g}, not above {probe.above:g}")
    return passed(", ".join(f"{value:g}" for _, value in values[:5]))


def _ask(url: str, text: str, limit_s: float) -> Json:
    import httpx2

    address = f"{url.rstrip('/')}/api/v1/query"
    try:
        answer = httpx2.get(
            address, params={"query": text}, timeout=max(limit_s, 0.01), trust_env=False
        )
        body: Json = answer.json()
    except httpx2.HTTPError as error:
        why = str(error) or type(error).__name__
        raise UserError(f"Prometheus at {url} does not answer", why=why) from None
    except ValueError:
        raise UserError(
            f"{url} does not answer like Prometheus", why=f"status {answer.status_code}, no JSON"
        ) from None
    return body


def _values(answer: Json) -> Iterator[tuple[str, float]]:
    body = answer if isinstance(answer, dict) else {}
    data = body.get("data")
    if body.get("status") != "success" or not isinstance(data, dict):
        why = body.get("error") or "it does not say success"
        raise UserError("Prometheus refuses the query", why=str(why))
    kind, result = data.get("resultType"), data.get("result")
    try:
        if kind == "scalar" and isinstance(result, list):
            yield "the value", float(str(result[1]))
        elif kind == "vector" and isinstance(result, list):
            for each in result:
                yield _sample(each)
        else:
            raise UserError(f"the query gives a {kind}, not one value at one time")
    except (IndexError, KeyError, TypeError, ValueError):
        raise UserError("Prometheus answers with something that is no sample") from None


def _sample(each: Json) -> tuple[str, float]:
    if not isinstance(each, dict):
        raise TypeError
    metric, value = each["metric"], each["value"]
    if not isinstance(metric, Mapping) or not isinstance(value, list):
        raise TypeError
    labels = ", ".join(f'{name}="{text}"' for name, text in sorted(metric.items()))
    return (f"{{{labels}}}" if labels else "the value"), float(str(value[1]))
