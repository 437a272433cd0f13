"""Whether the programs of a sandbox answer."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from deploycharts.sandbox.components import Component, Kind
from deploycharts.sandbox.layout import Layout

_PATHS = {Kind.ETCD: "/health", Kind.APISERVER: "/readyz"}


def healthy(layout: Layout, components: Iterable[Component], *, timeout_s: float) -> list[str]:
    """The names of the components that answer in time and say that they are well."""
    asked = list(components)
    with ThreadPoolExecutor(max_workers=max(1, len(asked))) as pool:
        answers = pool.map(lambda each: is_healthy(layout, each, timeout_s=timeout_s), asked)
        return [each.name for each, well in zip(asked, answers, strict=True) if well]


def is_healthy(layout: Layout, component: Component, *, timeout_s: float) -> bool:
    """Whether a component answers in time and says that it is well."""
    try:
        connection = _connect(layout, component, timeout_s)
        try:
            connection.request("GET", _PATHS.get(component.kind, "/healthz"))
            return connection.getresponse().status == http.client.OK
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return False


def _connect(layout: Layout, component: Component, timeout_s: float) -> http.client.HTTPConnection:
    if component.kind in {Kind.ETCD, Kind.EGRESS, Kind.KWOK}:
        return http.client.HTTPConnection("127.0.0.1", component.port, timeout=timeout_s)
    if component.kind is Kind.APISERVER:
        assert component.environment is not None
        # A stranger on the port of an API server does not have its certificate.
        context = ssl.create_default_context(cafile=layout.certificate(component.environment))
    else:
        # These make a certificate in memory that nobody can know.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(
        "127.0.0.1", component.port, timeout=timeout_s, context=context
    )
