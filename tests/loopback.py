"""A server on this machine for tests, in threads of its own."""

from __future__ import annotations

import random
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GIVEN_FROM = 32_768
"""The first port that Linux gives to whoever asks for any; other systems begin later."""


def free_port() -> int:
    """Return a loopback port that nobody listens on, and that nobody is given who asks for any port.

    Until a server has started that is to listen there, other tests start a hundred of their own.
    """
    for port in random.sample(range(10_000, GIVEN_FROM), 1000):
        with suppress(OSError), socket.socket() as sock:
            sock.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


class LoopbackServer:
    """Serves until it is stopped; its request handlers know it as `own`.

    Parameters
    ----------
    handler
        The class that answers; it is bound to this server and stays as it is.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (handler,), {"own": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
