"""The questions, in their order. What is not asked has a default and can be changed at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from deploycharts.scaffold import limits, names, offers
from deploycharts.scaffold.limits import SWITCHES
from deploycharts.scaffold.question import Answers, Question, Value

if TYPE_CHECKING:
    from deploycharts.scaffold.facts import Facts


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


def _feature(name: str, text: str, what: str, *kinds: str) -> Question:
    return Question(
        name, text, what, type="flag", default=_constant(name in SWITCHES), applies=_is(*kinds),
        feature=True, example="true", fixed=_as_the_chart(name, False),
    )  # fmt: skip


QUESTIONS: tuple[Question, ...] = (
    Question(
        "chart", "Which existing chart should it use?",
        "Leave it empty for a new chart named after the service.",
        default=_constant(""), check=limits.chart, offered=offers.charts, example="echoserver",
        changes="which chart helmfile.yaml.gotmpl installs",
    ),
    Question(
        "name", "What is the service called?",
        "A DNS label of at most 53 characters.",
        check=limits.name, asked=True, example="echoserver",
        changes="the namespace, the names of all objects, and the folders charts/NAME and "
        "helmfile.d/services/NAME",
    ),
    Question(
        "kind", "What kind of service is it?", "It decides which objects the chart contains.",
        type="choice", default=_constant("service"), asked=True, example="service",
        choices=(
            ("service", "answers HTTP requests: Deployment, Services, probes, helm test"),
            ("worker", "runs all the time and answers no requests: Deployment"),
            ("cronjob", "runs on a schedule: CronJob"),
            ("custom", "uses a chart that you wrote yourself (with --chart)"),
        ),
        fixed=_as_the_chart("kind", "custom"), check=limits.kind,
        changes="the templates in charts/NAME",
    ),
    Question(
        "runtime", "Which language is it written in?", "PHP and Java have charts of their own.",
        type="choice", default=_constant("other"), check=limits.runtime, asked=True,
        example="python", applies=_MADE, fixed=_as_the_chart("runtime", "other"),
        choices=(
            ("nodejs", "Node.js"), ("python", "Python"), ("golang", "Go"),
            ("php", "PHP: php-fpm behind Apache, with static files"),
            ("java", "Java: heap from the memory limit, more time to start"),
            ("other", "something else"),
        ),
        changes="the pipeline files; for PHP and Java also the containers",
    ),
    Question(
        "version", "Which version of the language?",
        "The repository has base images of these versions.",
        default=offers.newest_version, check=limits.version, offered=offers.versions,
        applies=lambda answers: str(answers.get("runtime") or "other") != "other",
        example="3.11", asked=True, changes="the base images in .pipeline/blubber.yaml",
    ),
    Question(
        "description", "What does it do, in a few words?", "One line.",
        default=lambda answers, _facts: f"The {answers['name']} {answers['kind']}",
        check=limits.text(names.plain_text), asked=True, example="Answers with what it was asked",
        changes="Chart.yaml, README.md and service.yaml",
    ),
    Question(
        "contact", "Who maintains it?", "A team, a mailing list or a person.",
        default=lambda _answers, facts: facts.contact or None, check=limits.contact, asked=True,
        example="team-echo@example.org",
        changes="Chart.yaml, service.yaml and the namespace's contact",
    ),
    Question(
        "image", "Which image does it run?", "With a tag other than latest, or with a digest.",
        default=offers.image, check=limits.text(names.image), asked=True, applies=_MADE,
        offered=offers.images, example="registry.example.org/echoserver:1.0.0",
        changes="image.repository, image.tag and image.digest in values.yaml",
    ),
    Question(
        "port", "Which port does it listen on?",
        "Each service has a port of its own, so that it can be exposed anywhere later.",
        type="number", default=lambda _answers, facts: facts.free_port(), check=limits.port,
        applies=_is("service"), asked=True, example="8080",
        changes="the container's port, the Services, and PORT in the environment",
    ),
    Question(
        "health", "Which path shows that it can take requests?",
        "It answers 2xx once the service is ready.",
        default=_constant("/healthz"), check=limits.text(names.path), applies=_is("service"),
        asked=True, example="/healthz", changes="the startup and readiness probes, and helm test",
    ),
    _feature("ingress", "Should it be reachable from outside by a host name?",
             "A route from a gateway (HTTPRoute).", "service"),
    _feature("nodeport", "Should every node have a port for it?",
             "A port on every node (NodePort).", "service"),
    _feature("tls", "Should other applications call it through TLS?",
             "Envoy with a certificate in front.", "service"),
    _feature("volumes", "Does it need more volumes?", "More volumes.", "service", "worker",
             "cronjob"),
    _feature("sidecars", "Does it need more containers in each pod?",
             "More containers in each pod.", "service", "worker"),
    _feature("cronjobs", "Does it need jobs on a schedule?", "Jobs on a schedule (CronJob).",
             "service", "worker"),
    _feature(
        "networkpolicy", "Should a network policy close it to everybody else?",
        "Network policy: only DNS, its gateway, its declared peers and the collectors.",
        "service", "worker", "cronjob",
    ),
    _feature(
        "telemetry", "Should it report metrics and traces?",
        "Telemetry: Prometheus, OpenTelemetry, access log.", "service", "worker",
    ),
    _feature(
        "probes", "Should Kubernetes probe it?", "Startup, readiness and liveness probes.",
        "service", "worker",
    ),
    Question(
        "reasons", "Why are these switched off?",
        "One reason for each of telemetry, networkpolicy and probes that is off.",
        type="map", default=offers.reasons, check=limits.reasons,
        applies=lambda answers: any(answers.get(name) is False for name in SWITCHES), asked=True,
        fixed=_as_the_chart("reasons", {}),
        example="telemetry=It has no metrics yet",
        changes="the reason in values.yaml, and an annotation of the workload",
    ),
    Question(
        "schedule", "When should it run?",
        "In cron format, in UTC: minute, hour, day, month, weekday.",
        default=_constant("15 3 * * *"), check=limits.text(names.schedule),
        applies=lambda answers: answers["kind"] == "cronjob" or bool(answers.get("cronjobs")),
        asked=True, example="15 3 * * *", changes="cronjobs in values.yaml",
    ),
    Question(
        "deployers", "Which groups or users may deploy it?",
        "They may change everything in the service's namespace.",
        type="list", default=lambda answers, facts: list(facts.deployers)
        or [f"{answers['name']}-deployers"],
        check=limits.someone, asked=True, offered=offers.groups, example="echo-deployers",
        changes="RoleBindings in the namespace, after administrators approved them",
    ),
    Question(
        "readers", "Which groups or users may look at it?",
        "They may read everything except secrets in the service's namespace.",
        type="list", default=_constant([]), check=limits.people, offered=offers.groups,
        example="everyone", changes="RoleBindings in the namespace",
    ),
    Question(
        "callers", "Which services may call it?", "Names of services; others need an entry later.",
        type="list", default=_constant([]), check=limits.callers, offered=offers.callers,
        applies=_has("networkpolicy"), example="frontend",
        changes="the network policy's ingress: networkPolicy.callers in values.yaml",
    ),
    Question(
        "calls", "Which services does it call?", "As SERVICE:PORT, the port of its pods.",
        type="list", default=_constant([]), check=limits.calls, offered=offers.peers,
        applies=_has("networkpolicy"), example="thumbnails:8080",
        changes="the network policy's egress: networkPolicy.calls in values.yaml",
    ),
    Question(
        "host", "Which host name leads to it from outside?", "A full DNS name.",
        default=lambda answers, facts: f"{answers['name']}.{facts.domain}",
        check=limits.host, applies=_has("ingress"), example="echo.example.org",
        asked=True, changes="ingress.hosts in values.yaml",
    ),
    Question(
        "gateway", "Which gateway does it use?", "Its namespace and name.",
        default=offers.first_gateway, check=limits.gateway, offered=offers.gateways,
        applies=_has("ingress"), example="gateway/public",
        asked=True, changes="the HTTPRoute's parent, and who may call through the network policy",
    ),
    Question(
        "node_port", "Which port should every node open for it?", "Unique in the clusters.",
        type="number", default=lambda _answers, facts: facts.free_node_port(),
        check=limits.node_port, applies=_has("nodeport"), example="30080",
        changes="nodePort in values.yaml",
    ),
    Question(
        "issuer", "Which ClusterIssuer of cert-manager signs its certificate?",
        "An existing Secret can be named in values.yaml instead (tls.secret).",
        default=offers.first_issuer, check=limits.text(names.object_name), offered=offers.issuers,
        applies=_has("tls"), example="internal", asked=True,
        changes="tls.issuer in the chart's values.yaml",
    ),
    Question(
        "containers", "Which of the repository's sidecars does it need?",
        "chart-templates/repository.yaml has them; others can be written into values.yaml.",
        type="list", default=_constant([]), check=limits.containers, offered=offers.sidecars,
        applies=_has("sidecars"), example="exporter", changes="sidecars in values.yaml",
    ),
    Question(
        "replicas", "How many pods should it have?", "In production, per datacenter.",
        type="number", default=_constant(2), check=limits.replicas,
        applies=_is("service", "worker"), example="2", changes="replicas in values.yaml",
    ),
    Question(
        "autoscaling", "Should the number of pods follow the load?",
        "In production, a HorizontalPodAutoscaler then sets the number of pods.",
        type="flag", default=_constant(False), applies=_is("service", "worker"), example="true",
        changes="autoscaling.enabled in values.yaml",
    ),
    Question(
        "cpu", "How much CPU does a pod need?", "Each pod requests as much.",
        default=_constant("100m"), check=limits.text(names.cpu), example="100m",
        changes="resources in the chart's values.yaml, and the quota",
    ),
    Question(
        "memory", "How much memory does a pod need?",
        "Each pod requests as much, and has it as its limit.",
        default=_constant("256Mi"), check=limits.text(names.memory), example="256Mi",
        changes="resources in the chart's values.yaml, and the quota",
    ),
    Question(
        "quota", "How much may its namespace use?",
        "computed: what its pods need while they are replaced.",
        default=_constant("computed"), check=limits.quota, offered=offers.quotas,
        example="computed", changes="the ResourceQuota that administrators approve",
    ),
    Question(
        "env", "Which environment variables does it need?",
        "In every environment. Secrets belong into the private layer.",
        type="map", default=_constant({}), check=limits.variables, applies=_MADE,
        example="LOG_LEVEL=info", changes="config.env in values.yaml",
    ),
)  # fmt: skip

FEATURES = tuple(question.name for question in QUESTIONS if question.feature and
                 question.name != "probes")  # fmt: skip
"""Features with files of their own."""
BY_NAME = {question.name: question for question in QUESTIONS}
