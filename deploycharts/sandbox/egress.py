"""The way of the API servers to nodes and pods: a proxy on a unix socket.

Pods have addresses that lead nowhere. The proxy looks up the pod that has an address, and connects
to the local process that its annotation names. It is started as a program of its own.
"""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import json
import ssl
import sys
import urllib.parse
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploycharts.sandbox.environments import ENVIRONMENTS
from deploycharts.sandbox.layout import Layout

MODULE = "deploycharts.sandbox.egress"
SOCKET = "egress"
BACKEND = "sandbox.deploycharts/backend"
_LOCAL = {"127.0.0.1", "localhost"}
_TIMEOUT_S = 5.0

CONFIG = json.dumps(
    {
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [
            {
                "name": "cluster",
                "connection": {
                    "proxyProtocol": "HTTPConnect",
                    "transport": {"uds": {"udsName": SOCKET}},
                },
            }
        ],
    },
    indent=2,
)
"""What API servers are told, which run in the folder of the socket."""


class Proxy:
    """Answers CONNECT with a connection, and GET with the news that it is well."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    async def serve(self, port: int) -> None:
        """Serve on the unix socket, and on a port for questions about health, until killed."""
        Path(SOCKET).unlink(missing_ok=True)
        await asyncio.start_unix_server(self.answer, SOCKET)
        server = await asyncio.start_server(_say_well, "127.0.0.1", port)
        await server.serve_forever()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        with suppress(OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            host, _, port = head.split()[1].decode().rpartition(":")
            try:
                address = await self._address(host.strip("[]"), int(port))
                far_reader, far_writer = await asyncio.open_connection(*address)
            except (OSError, http.client.HTTPException, LookupError) as error:
                writer.write(f"HTTP/1.1 502 {error}\r\n\r\n".encode())
            else:
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
                far_writer.close()
        writer.close()

    async def _address(self, host: str, port: int) -> tuple[str, int]:
        if host in _LOCAL:  # a node, that is kwok
            return host, port
        backend = await asyncio.to_thread(self._backend, host)
        name, _, number = backend.rpartition(":")
        return name, int(number)

    def _backend(self, address: str) -> str:
        for environment in ENVIRONMENTS:
            if ipaddress.ip_address(address) in ipaddress.ip_network(environment.pod_cidr):
                for pod in self._pods(environment.name, address):
                    annotations = pod["metadata"].get("annotations", {})
                    if BACKEND in annotations and "deletionTimestamp" not in pod["metadata"]:
                        return str(annotations[BACKEND])
        raise LookupError(f"no process answers for {address}")

    def _pods(self, environment: str, address: str) -> list[dict[str, Any]]:
        kubeconfig = json.loads(self._layout.kubeconfig(environment).read_text())
        server = urllib.parse.urlsplit(kubeconfig["clusters"][0]["cluster"]["server"])
        context = ssl.create_default_context(cafile=self._layout.certificate(environment))
        connection = http.client.HTTPSConnection(
            server.hostname or "", server.port, timeout=_TIMEOUT_S, context=context
        )
        token = kubeconfig["users"][0]["user"]["token"]
        query = urllib.parse.urlencode({"fieldSelector": f"status.podIP={address}"})
        try:
            connection.request(
                "GET", f"/api/v1/pods?{query}", headers={"Authorization": f"Bearer {token}"}
            )
            pods: list[dict[str, Any]] = json.load(connection.getresponse()).get("items", [])
        finally:
            connection.close()
        return pods


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


async def _say_well(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
    writer.close()


if __name__ == "__main__":
    root, health_port = sys.argv[1:]
    asyncio.run(Proxy(Layout(Path(root).parent)).serve(int(health_port)))
