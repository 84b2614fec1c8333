"""An endpoint that passes everything on to a sandbox and changes what is planted, on the way back."""

from __future__ import annotations

import functools
import json
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import motion_widgets as mw
from motion_widgets.audit import first_contact
from motion_widgets.sandbox import server
from tests.loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

rehearsed = functools.cache(first_contact._rehearsed)
"""The sandbox does the same every time; once is enough."""
KEY = "sk-Pl4nted9Kx7Qw2Zr5Tb8Nm3Vc6Lh1"
SPEED = 60.0


class Answer:
    """An answer on its way back; `plant` changes it."""

    def __init__(self, call: str, query: dict[str, str], answer: httpx.Response) -> None:
        self.call = call
        self.query = query
        self.status = answer.status_code
        kept = ("x-", "content-type", "idempotency")
        self.headers = {name: value for name, value in answer.headers.items() if name.startswith(kept)}
        self.body: Any = answer.json()

    @property
    def data(self) -> Any:
        return self.body.get("data", {})


class Passing(LoopbackServer):
    """A loopback endpoint with a key of its own, in front of a sandbox."""

    def __init__(self, box: mw.Workspace) -> None:
        self.box = box.connection.sandbox
        self.plant: Callable[[Answer], None] = lambda _: None
        self.honours_keys = True
        self.posts: list[bytes] = []
        self.asked: list[str] = []
        self._http = httpx.Client(base_url=self.box.url, timeout=60, trust_env=False)
        super().__init__(_Handler)
        self.media = {f"{name}_url": f"{self.box.url}/media/sample/{file}" for name, file in MEDIA.items()}

    def stop(self) -> None:
        super().stop()
        self._http.close()

    def passed(self, handler: BaseHTTPRequestHandler, body: bytes) -> Answer:
        path, _, query = handler.path.partition("?")
        self.asked.append(f"{handler.command} {path}")
        assert handler.headers["Authorization"] == f"Bearer {KEY}"
        headers = {"Authorization": f"Bearer {self.box.token}", "Content-Type": "application/json"}
        if handler.command == "POST":
            self.posts.append(body)
            if self.honours_keys:
                headers["Idempotency-Key"] = handler.headers["Idempotency-Key"]
        answer = self._http.request(handler.command, handler.path, content=body, headers=headers)
        call = path.removeprefix("/v1/").partition("/")[0]
        found = Answer(call, dict(httpx.QueryParams(query)), answer)
        self.plant(found)
        return found


MEDIA = {"image": "figure.png", "video": "clip-6s.mp4"}


class _Handler(BaseHTTPRequestHandler):
    own: Passing

    def log_message(self, *_: object) -> None: ...

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = self.own.passed(self, body)
        raw = found.body if isinstance(found.body, bytes) else json.dumps(found.body).encode()
        self.send_response(found.status)
        for name, value in {**found.headers, "Content-Length": str(len(raw))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = _pass  # noqa: N815 - http.server's own names


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mw.Workspace]:
    """A sandbox behind everything, with money enough."""
    with mw.Workspace(tmp_path_factory.mktemp("box"), "sandbox", speed=SPEED) as opened:
        opened.connection.sandbox.set_balance(1000)
        yield opened


@pytest.fixture
def passing(box: mw.Workspace) -> Iterator[Passing]:
    made = Passing(box)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take any key and setting away, hurry the waits, and keep the keyring out."""
    for name in ("APIMART_API_KEY", "APIMART_BASE_URL", "MOTION_WIDGETS_FOLDER", "MOTION_WIDGETS_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("motion_widgets.endpoint.api_key._keyring_get", lambda _: None)
    monkeypatch.setattr("motion_widgets.endpoint.account_usage.PAUSE", 0.01)
    monkeypatch.setattr(first_contact, "SPEED", SPEED)
    monkeypatch.setattr(first_contact, "_rehearsed", rehearsed)
    monkeypatch.setattr(server, "DEFAULT_SPEED", SPEED)


def files_with(folder: Path, word: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]
