"""A small file server on this machine, for people with a tunnel to it or a public address.

Each link is unguessable and serves exactly one file, with Range and HEAD, until it expires; every other path
is 404. The server listens on loopback, where a tunnel ends, or on a public address, and anybody may connect:
connections are bounded (`motion_widgets.publishing.bounded_connection`).
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from motion_widgets.core.errors import RequestError
from motion_widgets.core.forks import new_lock

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response


__all__ = ["PORT", "hide", "show"]

PORT = 8765
"""The port that a tunnel should lead to unless the address names another (``serve:https://my.tunnel.example#9000``)."""
_TYPES = {".mp4": "video/mp4", ".mov": "video/quicktime", ".png": "image/png", ".jpg": "image/jpeg"}
_servers: dict[tuple[str, int], _Server] = {}
_stopping: dict[tuple[str, int], _Server] = {}
"""Servers that were told to stop; each keeps its port a moment longer."""
_lock = new_lock()


@dataclass
class _Shown:
    """One file, and until when it is served (unix s)."""

    path: Path
    kind: str
    url: str
    ends: float


class _Server:
    """Serves one port from a daemon thread; stops when no file is served any more."""

    def __init__(self, host: str, port: int) -> None:
        import uvicorn
        from starlette.applications import Starlette
        from starlette.routing import Route

        from motion_widgets.publishing.bounded_connection import BACKLOG, LARGEST_HEAD, BoundedConnection

        self.shown: dict[str, _Shown] = {}
        listener = _bound(host, port)
        self.port: int = listener.getsockname()[1]
        app = Starlette(routes=[Route("/{token}", self._file, methods=["GET", "HEAD"])])
        app.router.redirect_slashes = False
        config = uvicorn.Config(
            app, log_config=None, log_level="critical", access_log=False, lifespan="off", loop="asyncio",
            ws="none", server_header=False, timeout_graceful_shutdown=2, http=BoundedConnection,
            backlog=BACKLOG, h11_max_incomplete_event_size=LARGEST_HEAD,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        # The socket listens already: whoever connects before the thread runs waits in its queue.
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="motion-widgets-show", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, in a moment."""
        self._server.should_exit = True

    def await_end(self) -> None:
        """Wait until it has stopped and its port is free; a download under way is given 2 s."""
        self._thread.join(10)

    async def _file(self, request: Request) -> Response:
        from starlette.responses import FileResponse, PlainTextResponse

        found = self.shown.get(request.path_params["token"])
        if found is None or found.ends <= time.time() or not found.path.is_file():
            return PlainTextResponse("Not found", 404)
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private", "X-Robots-Tag": "noindex"}
        return FileResponse(found.path, media_type=found.kind, headers=headers)


def show(address: str, path: Path, name: str, ends: float) -> str:
    """Serve a file until `ends` (unix s) and return its link, which has the extension of `name`.

    `address` is what follows ``serve:`` in a destination. The same file there keeps its link.

    Raises
    ------
    RequestError
        The port is taken.
    """
    base, _, local = address.partition("#")
    try:
        parts = urlsplit(base)
        public = parts.port if parts.scheme == "http" else None
        # An http address with a port is this machine's own; any other is that of a tunnel to loopback.
        host, port = ("", public) if public else ("127.0.0.1", int(local or PORT) if base else 0)
    except ValueError:
        raise RequestError.of("publish_where", found=f"serve:{address}") from None
    with _lock:
        server = _servers.get((host, port))
        if server is None:
            before = _stopping.pop((host, port), None)
            if before is not None and port:
                before.await_end()
            try:
                server = _Server(host, port)
            except (OSError, OverflowError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise RequestError.of("serve_port", port=port, reason=reason) from error
            _servers[host, port] = server
        base = base.rstrip("/") or f"http://127.0.0.1:{server.port}"
        for one in server.shown.values():
            if one.path == path and one.url.startswith(f"{base}/") and one.ends > time.time():
                one.ends = max(one.ends, ends)
                return one.url
        ending = f".{name.rpartition('.')[2]}"
        token = secrets.token_urlsafe(32) + ending
        server.shown[token] = _Shown(
            path, _TYPES.get(ending, "application/octet-stream"), f"{base}/{token}", ends
        )
        _end_at(server.shown[token])
        return server.shown[token].url


def hide(url: str) -> None:
    """Stop serving a file; does nothing if it is not served."""
    token = url.rpartition("/")[2]
    with _lock:
        for where, server in list(_servers.items()):
            server.shown.pop(token, None)
            if not server.shown:
                _stopping[where] = _servers.pop(where)
                server.stop()


def _end_at(shown: _Shown) -> None:
    """Hide a file when it expires; where that was put off meanwhile, look again then."""

    def look() -> None:
        if shown.ends <= time.time():
            hide(shown.url)
        else:
            _end_at(shown)

    timer = threading.Timer(min(max(shown.ends - time.time(), 0.0) + 0.05, threading.TIMEOUT_MAX), look)
    timer.daemon = True
    timer.start()


def _bound(host: str, port: int) -> socket.socket:
    """Return a listening socket; ``""``: on all addresses of this machine."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there the same option would let two processes share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except BaseException:  # it is raised again
        with contextlib.suppress(OSError):  # what went wrong before it matters more
            listener.close()
        raise
    return listener
