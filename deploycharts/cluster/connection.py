"""A connection to one cluster: requests in, JSON out, errors in words.

The kubeconfig (certificates, tokens, exec plugins) is lightkube's business; objects stay plain
JSON, since they are compared, folded and shown, never built here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploycharts.errors import Refused, UserError

if TYPE_CHECKING:
    import ssl

    import httpx2
    from lightkube.config.kubeconfig import SingleConfig

_TIMEOUT_S = 10.0
# msgspec 0.22, which lightkube reads with, crashes where threads meet a class for the first time.
_READING = threading.Lock()
_IDENTITY = "/api/v1/namespaces/kube-public/configmaps/deploycharts-environment"


class Unreachable(UserError):
    """The API server does not answer; whether something happened there is not known."""


class ApiError(UserError):
    """The API server answered with a refusal.

    Attributes:
        status: the HTTP status.
        body: the `Status` object that came with it.
    """

    def __init__(self, status: int, body: Mapping[str, Any], *, where: object) -> None:
        message = str(body.get("message") or f"HTTP status {status}")
        super().__init__(message, where=where)
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Door:
    """How the API server is reached by who brings a protocol of his own.

    Attributes:
        url: of the server, without a slash at its end.
        context: for TLS, with the client's certificate; None where the URL is not https.
        headers: what says who asks; secret.
    """

    url: str
    context: ssl.SSLContext | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class Cluster:
    """One cluster, seen with one set of credentials. Safe to use from several threads."""

    def __init__(self, kubeconfig: Path, *, name: str) -> None:
        self.kubeconfig = kubeconfig
        self.name = name
        self._client: httpx2.Client | None = None
        self._config: SingleConfig | None = None
        self._lock = threading.Lock()

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """The JSON of a GET.

        Raises:
            Unreachable: no answer.
            ApiError: a refusal, such as 403 or 404.
        """
        body = self._request("GET", path, params=query).json()
        assert isinstance(body, dict)
        return body

    def find(self, path: str, **query: str) -> dict[str, Any] | None:
        """The JSON of a GET, or None where there is no such object."""
        try:
            return self.get(path, **query)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def items(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """The objects of a list; they carry no kind of their own, as Kubernetes sends them."""
        token = ""
        while True:
            page = self.get(path, **query, limit="500", **({"continue": token} if token else {}))
            yield from page.get("items") or ()
            token = page.get("metadata", {}).get("continue", "")
            if not token:
                return

    def text(self, path: str, **query: str) -> str:
        """The text of a GET, for instance of a log."""
        return self._request("GET", path, params=query).text

    def send(
        self, method: str, path: str, body: Mapping[str, Any] | Sequence[Any], *,
        content_type: str = "application/json", **query: str,
    ) -> dict[str, Any]:  # fmt: skip
        """The JSON that a POST, PUT, PATCH or DELETE with a JSON body is answered with."""
        import json

        answer = self._request(
            method,
            path,
            params=query,
            content=json.dumps(body),
            headers={"content-type": content_type},
        ).json()
        assert isinstance(answer, dict)
        return answer

    def require_environment(self, environment: str) -> None:
        """Make sure that this cluster is the one it is taken for.

        Raises:
            Refused: the cluster says that it is another environment, or does not say.
        """
        found = self.find(_IDENTITY)
        says = ((found or {}).get("data") or {}).get("environment")
        if says != environment:
            raise Refused(
                f"this kubeconfig leads to {says or 'a cluster that does not say what it is'}, "
                f"not to {environment}",
                where=self.kubeconfig,
                why="the ConfigMap kube-public/deploycharts-environment says so"
                if says
                else "it has no ConfigMap kube-public/deploycharts-environment",
                next_step="check `kubeconfig` in helmfile.d/environments.yaml",
            )

    def door(self) -> Door:
        """The same server and credentials, for a protocol other than plain HTTP.

        A token of a plugin or a file is the one that the last request succeeded with.

        Raises:
            UserError: the kubeconfig is not usable.
        """
        from lightkube.config.client_adapter import verify_cluster

        client = self._connected()
        assert self._config is not None
        assert self._config.user is not None
        cluster, url = self._config.cluster, str(client.base_url).rstrip("/")
        request = client.build_request("GET", "/")
        if client.auth is not None:
            request = next(client.auth.sync_auth_flow(request))
        said = {name: value for name, value in request.headers.items() if name == "authorization"}
        context = None
        if url.startswith("https:"):
            context = verify_cluster(
                cluster, self._config.user, self._config.abs_file, trust_env=False
            )
        return Door(url, context, said)

    def address(self) -> str:
        """Host and port of the API server, as programs that cannot reach it name it."""
        return self._connected().base_url.netloc.decode()

    def close(self) -> None:
        """Drop the connections."""
        if self._client is not None:
            self._client.close()

    def _request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        import httpx2

        client = self._connected()
        try:
            answer = client.request(method, path, **options)
        except httpx2.HTTPError as error:
            raise Unreachable(
                f"the API server of {self.name} does not answer",
                where=self.kubeconfig,
                why=f"{client.base_url}: {error or type(error).__name__}",
                next_step="sandbox up, if it is the local one; else check network and VPN",
            ) from None
        if answer.is_error:
            raise ApiError(answer.status_code, _status(answer), where=self.name)
        return answer

    def _connected(self) -> httpx2.Client:
        with self._lock:
            if self._client is None:
                self._client, self._config = _client(self.kubeconfig, self.name)
            return self._client


def _client(kubeconfig: Path, name: str) -> tuple[httpx2.Client, SingleConfig]:
    import httpx2
    from lightkube.config.client_adapter import ConnectionParams
    from lightkube.config.kubeconfig import KubeConfig
    from lightkube.core.exceptions import ConfigError

    if not kubeconfig.is_file():
        raise UserError(
            f"there are no credentials for {name}",
            where=kubeconfig,
            why="the file does not exist",
            next_step=f"deploy cluster {name}, as an administrator; `sandbox up` if it is the "
            "local one",
        )
    try:
        with _READING:
            config = KubeConfig.from_file(kubeconfig).get()
        assert config is not None, "it names no context"
        limits = ConnectionParams(timeout=httpx2.Timeout(_TIMEOUT_S), trust_env=False)
        options = limits.httpx_params(config)
        _keep_protocols(options["verify"])
        return httpx2.Client(**options), config
    except (ConfigError, AssertionError, AttributeError, TypeError, KeyError, ValueError) as error:
        raise UserError("this is no usable kubeconfig", where=kubeconfig, why=str(error)) from None


def _keep_protocols(context: ssl.SSLContext) -> None:
    """Settle what is offered to the server, once for all connections.

    httpcore sets it again for each, which frees what the handshake of another thread is reading:
    https://github.com/python/cpython/issues/141012
    """
    context.set_alpn_protocols(["http/1.1"])
    context.set_alpn_protocols = _settled  # type: ignore[method-assign]


def _settled(alpn_protocols: Iterable[str]) -> None:
    assert list(alpn_protocols) == ["http/1.1"]


def _status(answer: httpx2.Response) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {"message": answer.text[:500]}
    return body if isinstance(body, dict) else {}
