"""A port-forward to a pod: a port of this machine that leads to one of the pod's.

Kubernetes' protocol `v4.channel.k8s.io` over a WebSocket, one for each connection: channel 0
carries data, channel 1 the node's complaint, and the first frame of each carries the port
(k8s.io/cri-streaming, portforward/websocket.go). API servers pass it on to the node as it is; the
newer `SPDY/3.1+portforward.k8s.io` would need an implementation of SPDY here. The only importer of
`websockets`.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from deploycharts.cluster.connection import ApiError, Cluster, Door, Unreachable
from deploycharts.errors import UserError

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_PROTOCOL = "v4.channel.k8s.io"
_DATA, _ERROR = 0, 1
_PORT_BYTES = 2
_OPEN_S = 10.0
_CLOSE_S = 1.0
_LINGER_S = 5.0
_CHUNK = 65_536
_REFUSED = "connection refused"


class NothingListens(UserError):
    """The node reached the pod, and no program has the port there."""


class NotForwarded(UserError):
    """The way to the pod is closed; of the program behind it that says nothing."""


class Forward:
    """The near end of a port-forward.

    Attributes:
        port: of 127.0.0.1; connections to it reach the pod.
        trouble: why the last connection that failed on its way did; None if none did.
        reached: whether any connection got as far as the pod's node.
    """

    def __init__(self, door: Door, path: str, where: str) -> None:
        self.port = 0
        self.trouble: UserError | None = None
        self.reached = False
        self._door = door
        self._path = path
        self._where = where
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def begin(self) -> None:
        """Begin to take connections."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def end(self) -> None:
        """Take no more connections, end those that are open, and wait until they have."""
        assert self._server is not None
        self._server.close()
        await asyncio.sleep(0)  # lets those begin that were just accepted
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for writer in self._writers:
            with suppress(OSError):
                await writer.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end; a complaint is noted before its program sees the end."""
        self._writers.add(writer)
        try:
            complaint = await self._exchange(reader, writer)
            if complaint:
                self.trouble = _complained(complaint, self._where)
        except UserError as error:
            self.trouble = error
        except asyncio.CancelledError:  # the forward is closed, and asyncio need not report it
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake, InvalidStatus
        from websockets.typing import Subprotocol

        url = f"ws{self._door.url.removeprefix('http')}{self._path}"
        opening = connect(
            url, ssl=self._door.context, additional_headers=dict(self._door.headers),
            subprotocols=[Subprotocol(_PROTOCOL)], compression=None, proxy=None,
            open_timeout=_OPEN_S, close_timeout=_CLOSE_S, ping_interval=None,
        )  # fmt: skip
        try:
            tunnel = await opening
        except InvalidStatus as error:
            answer = error.response
            raise _refused(answer.status_code, bytes(answer.body), self._where) from None
        except InvalidHandshake as error:
            raise NotForwarded(
                f"the API server opens no WebSocket to {self._where}", why=str(error)
            ) from None
        except OSError as error:  # a TimeoutError too
            raise Unreachable(
                f"the API server does not answer a port-forward to {self._where}",
                why=f"{self._door.url}: {error or type(error).__name__}",
            ) from None
        self.reached = True
        async with tunnel:
            upwards = asyncio.create_task(_send(reader, tunnel))
            try:
                return await _receive(tunnel, writer)
            finally:
                upwards.cancel()


async def _receive(tunnel: ClientConnection, writer: asyncio.StreamWriter) -> str:
    """Carry what comes from the pod until that ends; returns what the node complained of."""
    seen = {_DATA: b"", _ERROR: b""}
    with suppress(OSError):
        async for message in tunnel:
            content = message.encode() if isinstance(message, str) else bytes(message)
            channel, content = content[0] if content else _DATA, content[1:]
            if channel == _ERROR:
                seen[_ERROR] += content
                continue
            if len(seen[_DATA]) < _PORT_BYTES:
                seen[_DATA] += content
                content = seen[_DATA][_PORT_BYTES:]
            writer.write(content)
            await writer.drain()
    return seen[_ERROR][_PORT_BYTES:].decode(errors="replace")


async def _send(reader: asyncio.StreamReader, tunnel: ClientConnection) -> None:
    from websockets.exceptions import ConnectionClosed

    with suppress(ConnectionClosed, OSError):
        while data := await reader.read(_CHUNK):
            await tunnel.send(bytes([_DATA]) + data)
    # The protocol cannot say that only this direction has ended: the answer gets some time.
    await asyncio.sleep(_LINGER_S)
    await tunnel.close()


@contextmanager
def port_forward(cluster: Cluster, namespace: str, pod: str, port: int) -> Iterator[Forward]:
    """Listen on a free port of 127.0.0.1 and forward each connection to a port of a pod.

    Nothing is asked of the cluster before somebody connects; what goes wrong then is `trouble`.

    Raises:
        UserError: the kubeconfig is not usable.
    """
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward?ports={port}"
    forward = Forward(cluster.door(), path, f"port {port} of Pod/{pod}")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=f"forward to {pod}", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(forward.begin(), loop).result()
        try:
            yield forward
        finally:
            asyncio.run_coroutine_threadsafe(forward.end(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _complained(complaint: str, where: str) -> UserError:
    if _REFUSED in complaint.lower():
        return NothingListens(f"nothing listens on {where}", why=complaint.strip())
    return NotForwarded(f"the node does not reach {where}", why=complaint.strip())


def _refused(status: int, body: bytes, where: str) -> UserError:
    try:
        facts = json.loads(body)
    except ValueError:
        facts = {"message": body.decode(errors="replace")[:500]}
    error = ApiError(status, facts if isinstance(facts, dict) else {}, where=where)
    what = {
        403: f"these credentials may not forward {where}",
        404: f"there is no pod for {where} any more",
    }.get(status, f"the API server does not forward {where}")
    next_step = "deploy cluster ENV SERVICE, as an administrator" if status == 403 else ""
    return NotForwarded(what, why=error.what, next_step=next_step)
