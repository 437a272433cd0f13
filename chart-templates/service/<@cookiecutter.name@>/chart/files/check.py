"""Ask a service the examples in its OpenAPI description, in service-checker's format.

A check fails if the status or a header is not the expected one, or if the body does not match.
Without --spec only --health is asked. Exit code: 0 all well, 2 something is wrong.
"""

import argparse
import json
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args, **_kwargs):
        return None


class Client:
    def __init__(self, base, timeout, ca):
        context = ssl.create_default_context(cafile=ca) if base.startswith("https:") else None
        https = [urllib.request.HTTPSHandler(context=context)] if context else []
        direct = urllib.request.ProxyHandler({})
        self.opener = urllib.request.build_opener(direct, NoRedirect, *https)
        self.base, self.timeout = base.rstrip("/"), timeout

    def ask(self, method, path, headers=None, body=None):
        """Status, headers (lower case) and text of one answer."""
        request = urllib.request.Request(
            self.base + path, data=body, method=method.upper(), headers=headers or {}
        )
        try:
            answer = self.opener.open(request, timeout=self.timeout)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            found = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, found, answer.read().decode("utf-8", "replace")


def fill(template, params):
    """The path with {x}, {/x} (optional) and {+x} (a list) filled in."""

    def one(match):
        flags, name = match[1], match[2]
        if name not in params:
            return ""
        value = params[name]
        parts = value if isinstance(value, list) else [value]
        text = "/".join(urllib.parse.quote_plus(str(part)) for part in parts)
        return ("/" if "/" in flags else "") + text

    return re.sub(r"\{([/+]*)([^}]+)\}", one, template)


def examples(spec):
    """(method, path, example) of everything to ask."""
    servers = spec.get("servers")
    base = servers[0]["url"] if servers else spec.get("basePath", "")
    base = urllib.parse.urlsplit(base).path.rstrip("/")
    for path, operations in spec.get("paths", {}).items():
        for method in ("get", "post"):
            operation = operations.get(method)
            if not isinstance(operation, dict) or operation.get("x-monitor") is False:
                continue
            default = [{}] if method == "get" else []
            for example in operation.get("x-amples", default):
                yield method, base + path, example


def encode(headers, body):
    if body is None:
        return None
    kind = next((v for k, v in headers.items() if k.lower() == "content-type"), "")
    if "json" in kind:
        return json.dumps(body).encode()
    if "octet-stream" in kind:
        return (body if isinstance(body, str) else json.dumps(body)).encode()
    return urllib.parse.urlencode(body).encode()


def text_matches(wanted, found):
    wanted, found = str(wanted), str(found)
    if len(wanted) > 1 and wanted.startswith("/") and wanted.endswith("/"):
        return re.search(wanted[1:-1], found) is not None
    return found.startswith(wanted)


def differences(wanted, found, place="body"):
    """Why `found` is not like the model `wanted`."""
    if wanted is None:
        return
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            yield f"{place} is no object"
            return
        for key, value in wanted.items():
            if key in found:
                yield from differences(value, found[key], f"{place}.{key}")
            else:
                yield f"{place}.{key} is missing"
    elif isinstance(wanted, list):
        if not isinstance(found, list):
            yield f"{place} is no list"
            return
        models = wanted * len(found) if len(wanted) == 1 else wanted
        if len(models) != len(found):
            yield f"{place} has {len(found)} items, expected {len(models)}"
        for index, (model, item) in enumerate(zip(models, found)):
            yield from differences(model, item, f"{place}[{index}]")
    elif not text_matches(wanted, found):
        yield f"{place} is {found!r:.200}, expected {wanted!r}"


def problems(client, spec, method, path, example):
    """What is wrong with the answer to one example."""
    request, response = example.get("request") or {}, example.get("response") or {}
    params = {**(spec.get("x-default-params") or {}), **(request.get("params") or {})}
    query = {**(spec.get("x-default-query") or {}), **(request.get("query") or {})}
    address = fill(path, params)
    if query:
        address += "?" + urllib.parse.urlencode(query, doseq=True)
    headers = {key: str(value) for key, value in (request.get("headers") or {}).items()}
    body = encode(headers, request.get("body")) if method == "post" else None
    try:
        status, found, text = client.ask(method, address, headers, body)
    except OSError as error:
        return [f"no answer: {error}"]
    expected = response.get("status", 200)
    if status != expected:
        return [f"status {status}, expected {expected}"]
    wrong = [
        f"header {name} is {found.get(name.lower())!r}, expected {value!r}"
        for name, value in (response.get("headers") or {}).items()
        if name.lower() not in found or not text_matches(value, found[name.lower()])
    ]
    return wrong + body_problems(response.get("body"), text)


def body_problems(wanted, text):
    if not isinstance(wanted, dict | list):
        return list(differences(wanted, text))
    try:
        return list(differences(wanted, json.loads(text)))
    except ValueError:
        return ["body is no JSON"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--spec", default="")
    parser.add_argument("--health", default="/")
    parser.add_argument("--timeout", type=float, default=5)
    parser.add_argument("--ca", help="file with the authority that signs the certificate")
    given = parser.parse_args()
    client = Client(given.url, given.timeout, given.ca)
    spec = {"paths": {given.health: {"get": {}}}}
    if given.spec:
        try:
            status, _, text = client.ask("get", given.spec)
            spec = json.loads(text)
        except (OSError, ValueError) as error:
            print(f"{given.spec}: no valid description: {error}")
            return 2
        if status != 200:
            print(f"{given.spec}: status {status}")
            return 2
    failed = 0
    checks = list(examples(spec))
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda check: problems(client, spec, *check), checks)
        for (method, path, example), wrong in zip(checks, answers):
            title = example.get("title", "untitled")
            print(f"{'FAIL' if wrong else 'ok  '} {method.upper()} {path} ({title})")
            for line in wrong:
                print(f"       {line}")
            failed += bool(wrong)
    print(f"{len(checks) - failed} of {len(checks)} as expected")
    return 2 if failed or not checks else 0


if __name__ == "__main__":
    sys.exit(main())
