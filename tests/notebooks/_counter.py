"""A planted key, and an endpoint on loopback that must never be asked."""

from __future__ import annotations

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from tests.loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLANTED = "planted-key"


class Counter(LoopbackServer):
    """An endpoint on loopback that notes what it is asked and answers nothing but 500."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(_Handler)


class _Handler(BaseHTTPRequestHandler):
    own: Counter

    def log_message(self, *_: object) -> None: ...

    def _note(self) -> None:
        self.own.asked.append(f"{self.command} {self.path}")
        self.send_error(500)

    do_GET = do_POST = do_PUT = do_HEAD = _note  # noqa: N815 - http.server's own names


@contextmanager
def counting() -> Iterator[Counter]:
    """Count what reaches `Counter.url`, which stands in for ``APIMART_BASE_URL``."""
    counter = Counter()
    yield counter
    counter.stop()


def files_with(folder: Path, word: str) -> list[Path]:
    """Return the files below a folder that hold a word."""
    return [path for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]
