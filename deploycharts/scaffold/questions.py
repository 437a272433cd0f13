"""The questions, in their order. What is not asked has a default and can be changed at the end."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from deploycharts.scaffold import names
from deploycharts.scaffold.question import Answers, Question, Value

if TYPE_CHECKING:
    from deploycharts.scaffold.facts import Facts

_RESERVED = frozenset("default kube-system kube-public kube-node-lease all production main".split())


def _text(check: Callable[[str], str | None]) -> Callable[[Value, Answers, Facts], str | None]:
    return lambda value, _answers, _facts: check(str(value))


def _is(kind: str, *others: str) -> Callable[[Answers], bool]:
    return lambda answers: answers["kind"] in {kind, *others}


_MADE = _is("service", "worker", "cronjob")


def _as_the_chart(name: str, otherwise: Value) -> Callable[[Answers, Facts], Value | None]:
    """What the chart that exists was made from; `otherwise` if it was written by hand."""

    def fixed(answers: Answers, facts: Facts) -> Value | None:
        chart = str(answers.get("chart") or "")
        return facts.made.get(chart, {}).get(name, otherwise) if chart else None

    return fixed


def _has(feature: str) -> Callable[[Answers], bool]:
    return lambda answers: bool(answers.get(feature))


def _constant(value: Value) -> Callable[[Answers, Facts], Value]:
    return lambda _answers, _facts: value


def _name(value: Value, answers: Answers, facts: Facts) -> str | None:
    name = str(value)
    wrong = names.dns_label(name)
    if wrong:
        return wrong
    if name in _RESERVED or name in facts.environments:
        return f"{name} already means something else to Kubernetes or to deploy"
    if name in facts.services:
        return f"the service {name} exists: {facts.services[name]}"
    if name in facts.namespaces:
        return f"the namespace {name} is taken: {facts.namespaces[name]}"
    if name in facts.charts and not answers.get("chart"):
        return f"the chart {name} exists: {facts.charts[name]} (a service on it: --chart {name})"
    return None


def _chart(value: Value, _answers: Answers, facts: Facts) -> str | None:
    if not value or value in facts.charts:
        return None
    return f"there is no chart {value!r}; there are: {', '.join(sorted(facts.charts)) or 'none'}"


def _port(value: Value, _answers: Answers, facts: Facts) -> str | None:
    number = cast(int, value)
    wrong = names.port(number)
    if wrong:
        return wrong
    claim = facts.ports.get(number)
    if claim:
        return f"{number} is {claim.owner}'s: {claim.source} (free: {facts.free_port()})"
    return None


def _kind(value: Value, answers: Answers, _facts: Facts) -> str | None:
    if value == "custom" and not answers["chart"]:
        return "custom needs a chart: --chart CHART"
    return None


def _runtime(value: Value, answers: Answers, _facts: Facts) -> str | None:
    if value == "php" and answers["kind"] != "service":
        return "php stands for php-fpm behind httpd, which only a service has: take other"
    return None


def _node_port(value: Value, _answers: Answers, facts: Facts) -> str | None:
    number, allowed = cast(int, value), facts.node_port_range
    if number not in allowed:
        return f"{number} is not between {allowed.start} and {allowed.stop - 1}"
    claim = facts.node_ports.get(number)
    if claim:
        return f"{number} is {claim.owner}'s: {claim.source} (free: {facts.free_node_port()})"
    return None


def _host(value: Value, _answers: Answers, facts: Facts) -> str | None:
    name = str(value)
    wrong = names.host(name)
    if wrong:
        return wrong
    claim = facts.hosts.get(name)
    if claim:
        return f"the host {name} is {claim.owner}'s: {claim.source}"
    return None


def _gateway(value: Value, _answers: Answers, _facts: Facts) -> str | None:
    parts = str(value).split("/")
    if len(parts) != 2:
        return f"{value!r} is not NAMESPACE/NAME"
    return next((wrong for wrong in map(names.object_name, parts) if wrong), None)


def _feature(name: str, help: str, *kinds: str) -> Question:  # noqa: A002 (the field's name)
    return Question(
        name, f"Shall it have {help}?", help[0].upper() + help[1:] + ".", type="flag",
        default=_constant(False), applies=_is(*kinds), feature=True, example="true",
        fixed=_as_the_chart(name, False),
    )  # fmt: skip


def _replicas(value: Value, _answers: Answers, _facts: Facts) -> str | None:
    return None if 1 <= cast(int, value) <= 100 else f"{value} is not between 1 and 100"


def _people(value: Value, _answers: Answers, _facts: Facts) -> str | None:
    return next((w for w in map(names.identity, cast(list[str], value)) if w), None)


def _someone(value: Value, answers: Answers, facts: Facts) -> str | None:
    return _people(value, answers, facts) if value else "nobody could deploy the service"


def _variables(value: Value, _answers: Answers, _facts: Facts) -> str | None:
    for key, item in cast(dict[str, str], value).items():
        wrong = names.variable(key) or names.variable_value(item)
        if wrong:
            return f"{key}: {wrong}"
    return None


def _contact(value: Value, _answers: Answers, _facts: Facts) -> str | None:
    return names.plain_text(str(value)) if value else "somebody must be named"


QUESTIONS: tuple[Question, ...] = (
    Question(
        "chart", "Which existing chart shall it use?",
        "An existing chart to use; empty: a new one, called like the service.",
        default=_constant(""), check=_chart, example="echoserver",
    ),
    Question(
        "name", "What is the service called?",
        "A DNS label of at most 53 characters; also the name of its namespace.",
        check=_name, asked=True, example="echoserver",
    ),
    Question(
        "kind", "What kind of service is it?",
        "What it does decides what the chart contains.",
        type="choice", default=_constant("service"), asked=True, example="service",
        choices=(
            ("service", "answers HTTP requests"),
            ("worker", "runs all the time and answers no requests"),
            ("cronjob", "runs at certain times"),
            ("custom", "what a chart written by hand makes of it (with --chart)"),
        ),
        fixed=_as_the_chart("kind", "custom"), check=_kind,
    ),
    Question(
        "runtime", "What is it written in?",
        "For the pipeline files; php makes a pod of php-fpm behind httpd.",
        type="choice", default=_constant("other"), check=_runtime, asked=True, example="python",
        applies=_MADE, fixed=_as_the_chart("runtime", "other"),
        choices=(
            ("nodejs", "Node.js"), ("python", "Python"), ("golang", "Go"),
            ("php", "PHP: php-fpm behind httpd"), ("other", "something else"),
        ),
    ),
    Question(
        "description", "What does it do, in a few words?",
        "One line; it goes into Chart.yaml and service.yaml.",
        default=lambda answers, _facts: f"The {answers['name']} {answers['kind']}",
        check=_text(names.plain_text), asked=True, example="Answers with what it was asked",
    ),
    Question(
        "contact", "Who looks after it?",
        "A team, a mailing list or a person.",
        default=lambda _answers, facts: facts.contact or None, check=_contact, asked=True,
        example="team-echo@example.org",
    ),
    Question(
        "image", "Which image does it run?",
        "With a tag other than latest, or a digest.",
        default=lambda answers, facts: f"{facts.registry}/{answers['name']}:1.0.0",
        check=_text(names.image), asked=True, applies=_MADE,
        example="registry.example.org/echoserver:1.0.0",
    ),
    Question(
        "port", "Which port does it listen on?",
        "Each service has its own, so that it can be exposed anywhere later.",
        type="number", default=lambda _answers, facts: facts.free_port(), check=_port,
        applies=_is("service"), asked=True, example="8080",
    ),
    Question(
        "health", "Which path tells that it can take requests?",
        "It answers 2xx once the service is ready.",
        default=_constant("/healthz"), check=_text(names.path), applies=_is("service"),
        asked=True, example="/healthz",
    ),
    _feature("ingress", "reached from outside by a host name", "service"),
    _feature("nodeport", "a port of every node", "service"),
    _feature("tls", "TLS between applications: Envoy in front", "service"),
    _feature("telemetry", "Prometheus, OpenTelemetry, access log", "service", "worker"),
    _feature("volumes", "more volumes", "service", "worker", "cronjob"),
    _feature("sidecars", "more containers in each pod", "service", "worker"),
    _feature("cronjobs", "jobs at certain times", "service", "worker"),
    _feature("networkpolicy", "network rules of its own", "service", "worker", "cronjob"),
    Question(
        "schedule", "When does it run?",
        "As cron writes it, in UTC: minute, hour, day, month, weekday.",
        default=_constant("15 3 * * *"), check=_text(names.schedule),
        applies=lambda answers: answers["kind"] == "cronjob" or bool(answers.get("cronjobs")),
        asked=True, example="15 3 * * *",
    ),
    Question(
        "deployers", "Which groups or users deploy it?",
        "They may change everything in the service's namespace.",
        type="list", default=lambda answers, facts: list(facts.deployers)
        or [f"{answers['name']}-deployers"],
        check=_someone, asked=True, example="echo-deployers",
    ),
    Question(
        "readers", "Which groups or users may look at it?",
        "They may read everything but secrets in the service's namespace.",
        type="list", default=_constant([]), check=_people, example="everyone",
    ),
    Question(
        "host", "Under which host name is it reached from outside?", "A full DNS name.",
        default=lambda answers, facts: f"{answers['name']}.{facts.domain}",
        check=_host, applies=_has("ingress"), example="echo.example.org",
    ),
    Question(
        "gateway", "Through which gateway?", "Its namespace and name.",
        default=_constant("gateway/public"), check=_gateway, applies=_has("ingress"),
        example="gateway/public",
    ),
    Question(
        "node_port", "Which port of every node?", "Unique in the clusters.",
        type="number", default=lambda _answers, facts: facts.free_node_port(), check=_node_port,
        applies=_has("nodeport"), example="30080",
    ),
    Question(
        "issuer", "Which ClusterIssuer of cert-manager signs its certificate?",
        "An existing Secret can be named in values.yaml instead (tls.secret).",
        default=_constant("internal"), check=_text(names.object_name), applies=_has("tls"),
        example="internal",
    ),
    Question(
        "replicas", "How many pods?", "In production, per datacenter.",
        type="number", default=_constant(2), check=_replicas,
        applies=_is("service", "worker"), example="2",
    ),
    Question(
        "autoscaling", "Shall the number of pods follow the load?",
        "A HorizontalPodAutoscaler then owns the number of pods in production.",
        type="flag", default=_constant(False), applies=_is("service", "worker"), example="true",
    ),
    Question(
        "cpu", "How much CPU does a pod need?", "What is requested for each pod.",
        default=_constant("100m"), check=_text(names.cpu), example="100m",
    ),
    Question(
        "memory", "How much memory does a pod need?", "Requested for each pod, and its limit.",
        default=_constant("256Mi"), check=_text(names.memory), example="256Mi",
    ),
    Question(
        "env", "Which environment variables?", "In every environment; secrets do not belong here.",
        type="map", default=_constant({}), check=_variables, applies=_MADE,
        example="LOG_LEVEL=info",
    ),
)  # fmt: skip

FEATURES = tuple(question.name for question in QUESTIONS if question.feature)
BY_NAME = {question.name: question for question in QUESTIONS}


def quota(answers: Answers) -> dict[str, str | int]:
    """What the namespace may use: all pods of two releases while they are replaced, and a spare."""
    pods = int(cast(int, answers.get("replicas", 1)))
    if answers.get("autoscaling"):
        pods *= 3
    pods = math.ceil(pods * 1.25) + 6
    cpu, memory = names.cores(str(answers["cpu"])), names.mebibytes(str(answers["memory"]))
    if answers.get("tls"):
        cpu, memory = cpu + 0.1, memory + 64
    if answers.get("runtime") == "php":
        cpu, memory = cpu + 0.1, memory + 128
    return {
        "cpu": f"{math.ceil(cpu * pods * 10) * 100}m",
        "memory": f"{math.ceil(memory * pods / 64) * 64}Mi",
        "pods": pods,
    }
