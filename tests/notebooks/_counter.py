"""A planted key, and an endpoint on loopback that must never be asked."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLANTED = "planted-key"


@dataclass
class Counter:
    """An endpoint on loopback that notes what it is asked and answers nothing but 500."""

    url: str = ""
    asked: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    counter: Counter

    def log_message(self, *_: object) -> None: ...

    def _note(self) -> None:
        self.counter.asked.append(f"{self.command} {self.path}")
        self.send_error(500)

    do_GET = do_POST = do_PUT = do_HEAD = _note  # noqa: N815 - http.server's own names


@contextmanager
def counting() -> Iterator[Counter]:
    """Count what reaches `Counter.url`, which stands in for ``APIMART_BASE_URL``."""
    counter = Counter()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"counter": counter}))
    counter.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield counter
    server.shutdown()
    server.server_close()


def files_with(folder: Path, word: str) -> list[Path]:
    """Return the files below a folder that hold a word."""
    return [path for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]
