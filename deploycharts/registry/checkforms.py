"""From the list `checks` in a service.yaml to `Check`s, with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from deploycharts.errors import UserError
from deploycharts.registry.checks import (
    Check,
    Command,
    HelmTest,
    Http,
    OpenApi,
    Pods,
    Probe,
    Prometheus,
)
from deploycharts.registry.environments import GROUP
from deploycharts.registry.fields import Fields
from deploycharts.registry.marks import KeyPath
from deploycharts.source import Source

HELM_TEST_S = 120.0
"""What a helm test may take unless it says otherwise: its image may have to be pulled."""

_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_SCHEMES = ("http", "https")


def parse(
    declared: object,
    source: Source,
    lines: Mapping[KeyPath, int],
    environments: Sequence[str],
) -> tuple[tuple[Check, ...], list[UserError]]:
    """The checks that a list declares, and what is wrong with it.

    Args:
        declared: what stands under `checks`, None if nothing does.
        source: the file.
        lines: of its keys, see `registry.marks`.
        environments: those that may be named.
    """
    problems: list[UserError] = []
    top = Fields({"checks": declared}, source.path, source, lines, (), problems)
    if declared is not None and not isinstance(declared, list):
        top.wrong("checks must be a list", "checks")
        return (), problems
    found = []
    for number, entry in enumerate(declared or ()):
        path = ("checks", str(number))
        if isinstance(entry, dict):
            fields = Fields(entry, "a check", source, lines, path, problems)
            check = _check(fields, environments)
            found += [check] if check is not None else []
        else:
            top.wrong(f"a check must be a mapping, not {entry!r}", *path)
    return tuple(found), problems


def _check(fields: Fields, environments: Sequence[str]) -> Check | None:
    kinds = [kind for kind in _PROBES if fields.raw(kind) is not None or kind in fields.body]
    probe = _PROBES[kinds[0]](fields) if len(kinds) == 1 else None
    if len(kinds) > 1:
        fields.wrong(f"a check asks one thing, not {' and '.join(kinds)}", kinds[1])
    within_s = fields.seconds("withinSeconds", HELM_TEST_S if kinds == ["test"] else 30)
    streak = fields.whole("streak", 1, least=1)
    every_s = fields.seconds("everySeconds", 2)
    if (streak - 1) * every_s >= within_s:
        fields.wrong(
            f"a check: {streak} successes, {every_s:g} s apart, cannot be had within {within_s:g} s"
        )
    name = fields.text("name")
    releases, named = fields.words("releases"), fields.words("environments")
    for each in named:
        if each not in (*environments, GROUP):
            fields.misspelled("environment", each, [*environments, GROUP], "environments")
    pods = fields.one_of("pods", [each.value for each in Pods], Pods.ANY.value)
    if isinstance(probe, HelmTest | Prometheus) and "pods" in fields.body:
        fields.wrong(f"a check: pods means nothing to {kinds[0]}, which asks none", "pods")
    fields.done()
    if not kinds:
        fields.wrong(f"a check asks nothing: it has none of {', '.join(_PROBES)}")
    if probe is None:
        return None
    return Check(
        probe, name or probe.title, fields.at(), releases, named, streak, every_s, within_s,
        Pods(pods),
    )  # fmt: skip


def _test(fields: Fields) -> Probe:
    if fields.raw("test") is not True:
        fields.wrong("a check: test can only be true; leave the check out otherwise", "test")
    return HelmTest()


def _http(outer: Fields) -> Probe:
    fields = outer.inner("http")
    probe = Http(
        path=_path(fields, fields.text("path", "/", required=True)),
        port=_port(fields),
        status=fields.whole("status", 200, least=100, most=599),
        contains=fields.text("contains"),
        method=fields.one_of("method", _METHODS, "GET"),
        headers=_headers(fields),
        scheme=fields.one_of("scheme", _SCHEMES, "http"),
    )
    if probe.method == "HEAD" and probe.contains:
        fields.wrong("http: the answer to HEAD has no body that could contain something", "method")
    fields.done()
    return probe


def _openapi(outer: Fields) -> Probe:
    fields = outer.inner("openapi")
    probe = OpenApi(
        path=_path(fields, fields.text("path", "/?spec")),
        port=_port(fields),
        scheme=fields.one_of("scheme", _SCHEMES, "http"),
    )
    fields.done()
    return probe


def _command(outer: Fields) -> Probe:
    if isinstance(outer.raw("command"), list):
        fields, argv = outer, outer.words("command")
    else:
        fields = outer.inner("command")
        argv = fields.words("argv")
    if not argv:
        outer.wrong("a check: command names no program", "command")
    if fields is outer:
        return Command(argv)
    port, scheme = _port(fields), fields.one_of("scheme", _SCHEMES, "http")
    fields.done()
    return Command(argv, port, scheme)


def _prometheus(outer: Fields) -> Probe:
    fields = outer.inner("prometheus")
    query = fields.text("query", required=True)
    url = fields.text("url")
    if url and not url.startswith(("http://", "https://")):
        fields.wrong(f"prometheus: url is {url!r}, which does not begin with http", "url")
    below, above = fields.number("below", None), fields.number("above", None)
    if below is None and above is None:
        fields.wrong("prometheus does not say what the values must be: below or above")
    elif below is not None and above is not None and above >= below:
        fields.wrong(f"prometheus: nothing is above {above:g} and below {below:g}", "above")
    fields.done()
    return Prometheus(query, url, below, above)


def _path(fields: Fields, path: str) -> str:
    if not path.startswith("/"):
        fields.wrong(f"{fields.what}: path is {path!r}, which does not begin with /", "path")
    return path


def _port(fields: Fields) -> str:
    value = fields.raw("port")
    if value is None:
        return ""
    if isinstance(value, str) and value and not value.isdigit():
        return value
    return str(fields.whole("port", 0, least=1, most=65535))


def _headers(fields: Fields) -> tuple[tuple[str, str], ...]:
    inner = fields.inner("headers")
    found = []
    for name, value in inner.body.items():
        if isinstance(value, dict | list) or value is None or "\n" in str(value):
            inner.wrong(f"headers: {name} is {value!r}, not one line", name)
        found.append((name, str(value)))
    return tuple(found)


_PROBES: Mapping[str, Callable[[Fields], Probe]] = {
    "test": _test, "http": _http, "openapi": _openapi, "command": _command,
    "prometheus": _prometheus,
}  # fmt: skip
