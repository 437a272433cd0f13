"""A wire to an API server that a test can cut: what is lost is lost for real."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import yaml


class Wire:
    """Forwards connections from a port of its own to `goal` until it is cut.

    Attributes:
        delay_s: how long each piece takes: who is slow can be cut off in the middle.
    """

    def __init__(self, goal: tuple[str, int]) -> None:
        self._goal = goal
        self._open: list[socket.socket] = []
        self.delay_s = 0.0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._serve, args=(self._server,), daemon=True).start()

    def cut(self) -> None:
        """End all connections; new ones are refused."""
        # A thread that waits in accept() would keep the port open.
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for each in self._open:
            each.close()
        self._open = []

    def mend(self) -> None:
        """Take connections again, at the same port."""
        self._server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, args=(self._server,), daemon=True).start()

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            far = socket.create_connection(self._goal)
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                time.sleep(self.delay_s)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for each in (source, sink):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


@contextmanager
def wired(kubeconfig: Path) -> Iterator[Wire]:
    """Put a wire between a kubeconfig and its API server."""
    body = yaml.safe_load(kubeconfig.read_text())
    cluster = body["clusters"][0]["cluster"]
    address = urlsplit(cluster["server"])
    assert address.hostname
    assert address.port
    wire = Wire((address.hostname, address.port))
    cluster["server"] = f"https://127.0.0.1:{wire.port}"
    kubeconfig.write_text(yaml.safe_dump(body))
    yield wire
    wire.cut()
