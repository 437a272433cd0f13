"""What answers must be, given earlier answers and what the repository has. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from deploycharts.scaffold import names, sizes
from deploycharts.scaffold.question import Answers, Value, WrongAnswer

if TYPE_CHECKING:
    from deploycharts.scaffold.facts import Facts

SWITCHES = ("telemetry", "networkpolicy", "probes")
"""What every service has unless it is switched off with a reason."""

RESERVED = frozenset("default kube-system kube-public kube-node-lease all production main".split())


def text(check: Callable[[str], str | None]) -> Callable[[Value, Answers, Facts], str | None]:
    return lambda value, _answers, _facts: check(str(value))


def name(value: Value, answers: Answers, facts: Facts) -> str | None:
    name = str(value)
    wrong = names.dns_label(name)
    if wrong:
        return wrong
    if name in RESERVED or name in facts.environments:
        return f"{name} already means something else to Kubernetes or to deploy"
    if name in facts.services:
        return f"the service {name} exists: {facts.services[name]}"
    if name in facts.namespaces:
        return f"the namespace {name} is taken: {facts.namespaces[name]}"
    if name in facts.charts and not answers.get("chart"):
        return f"the chart {name} exists: {facts.charts[name]} (a service on it: --chart {name})"
    return None


def chart(value: Value, _answers: Answers, facts: Facts) -> str | None:
    if not value or value in facts.charts:
        return None
    return f"there is no chart {value!r}; there are: {', '.join(sorted(facts.charts)) or 'none'}"


def port(value: Value, _answers: Answers, facts: Facts) -> str | None:
    number = cast(int, value)
    wrong = names.port(number)
    if wrong:
        return wrong
    claim = facts.ports.get(number)
    if claim:
        return f"{number} is {claim.owner}'s: {claim.source} (free: {facts.free_port()})"
    return None


def kind(value: Value, answers: Answers, _facts: Facts) -> str | None:
    if value == "custom" and not answers["chart"]:
        return "custom needs an existing chart: --chart CHART"
    return None


def runtime(value: Value, answers: Answers, _facts: Facts) -> str | None:
    if value == "php" and answers["kind"] != "service":
        return "php means php-fpm behind Apache, which only a service has: choose other"
    return None


def node_port(value: Value, _answers: Answers, facts: Facts) -> str | None:
    number, allowed = cast(int, value), facts.node_port_range
    if number not in allowed:
        return f"{number} is not between {allowed.start} and {allowed.stop - 1}"
    claim = facts.node_ports.get(number)
    if claim:
        return f"{number} is {claim.owner}'s: {claim.source} (free: {facts.free_node_port()})"
    return None


def host(value: Value, _answers: Answers, facts: Facts) -> str | None:
    name = str(value)
    wrong = names.host(name)
    if wrong:
        return wrong
    claim = facts.hosts.get(name)
    if claim:
        return f"the host {name} is {claim.owner}'s: {claim.source}"
    return None


def gateway(value: Value, _answers: Answers, _facts: Facts) -> str | None:
    parts = str(value).split("/")
    if len(parts) != 2:
        return f"{value!r} is not NAMESPACE/NAME"
    return next((wrong for wrong in map(names.object_name, parts) if wrong), None)


def replicas(value: Value, _answers: Answers, _facts: Facts) -> str | None:
    return None if 1 <= cast(int, value) <= 100 else f"{value} is not between 1 and 100"


def people(value: Value, _answers: Answers, _facts: Facts) -> str | None:
    return next((w for w in map(names.identity, cast(list[str], value)) if w), None)


def someone(value: Value, answers: Answers, facts: Facts) -> str | None:
    return people(value, answers, facts) if value else "nobody could deploy the service"


def variables(value: Value, _answers: Answers, _facts: Facts) -> str | None:
    for key, item in cast(dict[str, str], value).items():
        wrong = names.variable(key) or names.variable_value(item)
        if wrong:
            return f"{key}: {wrong}"
    return None


def contact(value: Value, _answers: Answers, _facts: Facts) -> str | None:
    return names.plain_text(str(value)) if value else "name a team, a mailing list or a person"


def version(value: Value, answers: Answers, facts: Facts) -> str | None:
    known = facts.settings.languages.get(str(answers.get("runtime")), {})
    if not known or value in known:
        return None
    return f"there is no base image of {answers['runtime']} {value}: {', '.join(known)}"


def quota(value: Value, _answers: Answers, facts: Facts) -> str | None:
    known = ("computed", *facts.settings.quotas)
    return None if value in known else f"{value!r} is none of {', '.join(known)}"


def reasons(value: Value, answers: Answers, _facts: Facts) -> str | None:
    given = cast(dict[str, str], value)
    wrong = next((name for name in given if name not in SWITCHES), None)
    if wrong is not None:
        return f"{wrong!r} is none of {', '.join(SWITCHES)}"
    if answers.get("chart"):
        return None
    missing = [name for name in SWITCHES if answers.get(name) is False and not given.get(name)]
    if missing:
        return f"{missing[0]} is off: say why"
    return next((w for w in map(names.plain_text, given.values()) if w), None)


def callers(value: Value, _answers: Answers, _facts: Facts) -> str | None:
    return next((w for w in map(names.dns_label, cast(list[str], value)) if w), None)


def calls(value: Value, _answers: Answers, _facts: Facts) -> str | None:
    try:
        sizes.calls({"calls": value})
    except WrongAnswer as wrong:
        return str(wrong)
    return None


def containers(value: Value, _answers: Answers, facts: Facts) -> str | None:
    known = facts.settings.sidecars
    unknown = [name for name in cast(list[str], value) if name not in known]
    if not unknown:
        return None
    return f"chart-templates/repository.yaml has no sidecar {unknown[0]!r}: {', '.join(known)}"
