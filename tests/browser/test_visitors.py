"""Strangers on the page of ``motion-widgets studio --voila``: they may try everything, and get nothing."""

from __future__ import annotations

import http.server
import json
import re
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import websocket
from jupyter_server.services.kernels.connection.base import (
    deserialize_msg_from_ws_v1,
    serialize_msg_to_ws_v1,
)
from PIL import Image
from playwright.sync_api import Page, expect

from motion_widgets.core.messages import say
from tests.browser._lab import REPO, WAIT_MS, Server, allow, axe, guarded_page, shot
from tests.browser.test_studio import LONG, put, result, studio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

PLANTED = "sk-planted-key"
PROTOCOL = "v1.kernel.websocket.jupyter.org"
NOT_YOURS = "is not one of your files on this shared page"


@dataclass
class SharedPage(Server):
    """The server of ``motion-widgets studio --voila``, with a host's secrets in its environment."""

    kernels: list[str] = field(default_factory=list)
    """Those of the pages that were opened."""

    ready_path = "/voila/templates/lab/static/voila.js"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "motion_widgets", "studio", "--voila", "--port", str(self.port)]

    def open(self, page: Page, theme: str = "light") -> None:
        allow(page, self.url)
        # A kernel of the host's own imports everything, which takes a busy machine its time.
        page.goto(f"{self.url}/?theme={theme}", timeout=3 * WAIT_MS)
        page.locator("#loading").wait_for(state="detached", timeout=3 * WAIT_MS)
        config = json.loads(page.locator("#jupyter-config-data").text_content() or "")
        self.kernels.append(config["kernelId"])

    def end_kernels(self) -> None:
        """End the kernels of all pages, by the message that anybody may send."""
        for kernel in self.kernels:
            with suppress(OSError, websocket.WebSocketException):  # it has ended, or is about to
                Stranger(self, kernel, seconds=5.0).send("shutdown_request", {"restart": False}, "control")

    @property
    def visitors(self) -> set[Path]:
        """The folders of the visitors who are here."""
        return set((self.home / "tmp").glob("motion-widgets-visitor-*"))


def connect(
    server: SharedPage, kernel: str, protocols: list[str], seconds: float = 60.0
) -> websocket.WebSocket:
    address = f"{server.url.replace('http', 'ws')}/api/kernels/{kernel}/channels"
    return websocket.create_connection(address, timeout=seconds, origin=server.url, subprotocols=protocols)


class Stranger:
    """A visitor who speaks to the kernel of an open page directly, as its page's address lets anybody do."""

    def __init__(self, server: SharedPage, kernel: str, seconds: float = 60.0) -> None:
        self._socket = connect(server, kernel, [PROTOCOL], seconds)

    def send(self, kind: str, content: dict[str, Any], channel: str = "shell", *buffers: bytes) -> None:
        head = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "session": "x", "version": "5.3"}
        # Without the version of the widgets' protocol the kernel opens no control comm.
        parts = [json.dumps(one).encode() for one in (head, {}, {"version": "1.0.0"}, content)]
        self.send_raw(serialize_msg_to_ws_v1([*parts, *buffers], channel))

    def send_raw(self, message: bytes) -> None:
        self._socket.send_binary(message)

    def await_end(self) -> None:
        """Read until the server ends the connection."""
        while self._socket.recv():
            pass

    def until(self, kind: str, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        while True:
            _, (head, _, _, content, *_) = deserialize_msg_from_ws_v1(self._socket.recv())
            if json.loads(head)["msg_type"] == kind and wanted(json.loads(content)):
                return dict(json.loads(content))

    def states(self) -> dict[str, dict[str, Any]]:
        """Return what every widget of the kernel holds, shown or not."""
        comm = uuid.uuid4().hex
        self.send("comm_open", {"comm_id": comm, "target_name": "jupyter.widget.control", "data": {}})
        self.send("comm_msg", {"comm_id": comm, "data": {"method": "request_states"}})
        found = self.until("comm_msg", lambda one: bool(one["comm_id"] == comm))
        return {name: one["state"] for name, one in found["data"]["states"].items()}

    def set(self, widget: str, **state: Any) -> None:
        data = {"method": "update", "state": state, "buffer_paths": []}
        self.send("comm_msg", {"comm_id": widget, "data": data})

    def tell(self, widget: str, *buffers: bytes, **content: Any) -> None:
        data = {"method": "custom", "content": content}
        self.send("comm_msg", {"comm_id": widget, "data": data}, "shell", *buffers)

    def ask_for_the_sample(self) -> None:
        """Have the kernel send the sample clip to everybody, and wait until it comes."""
        clips: list[tuple[str, str]] = []
        while not clips:  # the kernel draws it while the page shows
            clips = [
                (name, cell["path"])
                for name, one in self.states().items()
                for cell in one.get("cells", ())
                if one.get("view") == "sample" and "path" in cell
            ]
        ((player, path),) = clips
        self.tell(player, type="bytes", id="asked", path=path)
        self.until("comm_msg", lambda one: one["data"].get("content", {}).get("id") == "asked")

    def click(self, widget: str) -> None:
        self.tell(widget, event="click")

    def upload(self, cards: str, name: str, content: bytes) -> dict[str, Any]:
        """Send a picture by the cards' own messages; return the last answer."""
        number, answers = uuid.uuid4().hex, ("done", "refused")
        self.tell(cards, id=number, which="image", type="begin", name=name, size=len(content))
        self.tell(cards, content, id=number, which="image", type="piece", offset=0)

        def answered(content: dict[str, Any]) -> bool:
            told = content["data"].get("content", {})
            return told.get("id") == number and told["type"] in answers

        return dict(self.until("comm_msg", answered)["data"]["content"])


def find(states: dict[str, dict[str, Any]], model: str, description: str) -> str:
    return next(
        name
        for name, one in states.items()
        if one["_model_name"] == model and one.get("description") == description
    )


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lies on the host's disk and is nobody else's business."""
    folder = tmp_path_factory.mktemp("host")
    Image.new("RGB", (720, 1280), "#aa3355").save(folder / "private.png")
    return folder


@pytest.fixture(scope="module")
def asked() -> Iterator[list[str]]:
    """A service inside that notes who asks; its address is the first entry."""
    asked: list[str] = []

    class Inside(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(500)

        do_POST = do_HEAD = do_GET  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inside)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asked.append(f"http://127.0.0.1:{server.server_port}")
    yield asked
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server(host: Path, asked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedPage]:
    home = tmp_path_factory.mktemp("shared-home")
    (home / "tmp").mkdir()
    secrets = {
        "APIMART_API_KEY": PLANTED,
        "APIMART_BASE_URL": asked[0],
        "MOTION_WIDGETS_LOG": f"sqlite:///{host}/{PLANTED}.sqlite",
        "TMPDIR": str(home / "tmp"),
    }
    server = SharedPage(site=host, home=home, extra_env=secrets)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def shared(server: SharedPage, page: Page) -> Iterator[SharedPage]:
    """The server, with no visitor before the test and none after it."""
    yield server
    page.goto("about:blank")  # a page that is left has its kernel ended; one that loses it says so
    if not comes_true(lambda: not server.visitors, 3.0):
        server.end_kernels()
    server.kernels.clear()
    until(lambda: not server.visitors)


def until(condition: Callable[[], object]) -> None:
    assert comes_true(condition, 60.0)


def comes_true(condition: Callable[[], object], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def get(address: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def sample(page: Page, shared: SharedPage) -> str:
    """Return the only visitor's own sample picture."""
    (folder,) = shared.visitors
    until(lambda: list(folder.rglob("figure.png")))
    return str(next(folder.rglob("figure.png")))


def environments(home: Path) -> list[bytes]:
    """Return the environments of the server and of what it started, as any process of the user reads them."""
    found = []
    for one in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended, or is somebody else's
            found.append(one.read_bytes())
    return [one for one in found if str(home).encode() in one]


def files(*folders: Path) -> list[Path]:
    """Return what lies in the folders, but for what is a visitor's own or the server's."""
    own = ("motion-widgets-visitor-", "voila_")
    found = (one for folder in folders for one in folder.rglob("*"))
    return sorted(one for one in found if not any(part.startswith(own) for part in one.parts))


def test_a_stranger_gets_nothing_by_any_message(
    page: Page, shared: SharedPage, host: Path, asked: list[str]
) -> None:
    places = (host, shared.home / "tmp", REPO / "notebooks")
    before = files(*places)
    shared.open(page)
    root = studio(page)
    expect(root.get_by_text(say("visitor_head"))).to_be_visible()
    expect(root.get_by_role("button", name="Go live…")).to_have_count(0)
    expect(root.get_by_role("button", name=say("publish_open"))).to_have_count(0)
    (kernel,) = shared.kernels
    stranger = Stranger(shared, kernel)
    states = stranger.states()
    assert PLANTED not in json.dumps(states)
    (folder,) = shared.visitors
    assert folder.stat().st_mode & 0o777 == 0o700

    # Code is not run: the server passes messages of widgets on, and nothing else.
    stranger.send("execute_request", {"code": f"open({str(host / 'owned')!r}, 'w')", "silent": False})
    stranger.send("kernel_info_request", {})
    stranger.until("kernel_info_reply")

    # A picture of the host, typed or sent.
    put(root, "Character", host / "private.png")
    box = root.get_by_label(say("form_image"), exact=True)
    expect(root.get_by_text(NOT_YOURS)).to_be_visible()
    box.fill("")
    expect(root.get_by_text(NOT_YOURS)).to_have_count(0)
    stranger.set(find(states, "ComboboxModel", say("form_image")), value=f"{folder}/../../../private.png")
    expect(root.get_by_text(NOT_YOURS)).to_be_visible()
    assert root.locator(".mw-media img[src^='data:']").count() == 0

    # A service inside.
    port = asked[0].rpartition(":")[2]
    for card, name in (("Character", "127.0.0.1"), ("Motion", "localhost")):
        put(root, card, f"http://{name}:{port}/latest/meta")
        expect(root.get_by_text(f"{name} leads to this machine or a private network").first).to_be_visible()

    # A command, by the hidden panel.
    stranger.set(find(states, "DropdownModel", say("publish_way")), index=1)
    stranger.set(
        find(states, "TextModel", say("publish_to_command")),
        value=f"touch {host}/owned; echo https://x.example/{{name}} {{path}}",
    )
    stranger.click(find(states, "ButtonModel", say("publish_keep")))
    expect(root.get_by_text(say("visitor_place"))).to_be_attached()

    # Going live: there is nothing that takes a key, and what is hidden does nothing.
    assert not [one for one in states.values() if one["_model_name"] == "PasswordModel"]
    stranger.click(find(states, "ButtonModel", say("golive_open")))
    expect(root.get_by_text(say("head_sandbox"))).to_be_visible()

    # Files that would run or be read by others.
    picker = root.locator("input[type=file]").first
    for name, content in (
        ("evil.ipynb", b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'),
        ("evil.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        ("evil.html", b"<script>alert(1)</script>"),
    ):
        picker.set_input_files({"name": name, "mimeType": "image/png", "buffer": content})
        expect(root.get_by_text(re.compile(f"{re.escape(name)}.*")).first).to_be_visible()
    cards = next(name for name, one in states.items() if "image" in one.get("cards", {}))
    answer = stranger.upload(cards, "../../../../evil.ipynb", (host / "private.png").read_bytes())
    assert (answer["type"], answer.get("name")) == ("done", "evil.png")
    assert stranger.upload(cards, "../evil.json", b'{"cells": [], "nbformat": 4}')["type"] == "refused"
    assert [one.suffix for one in folder.rglob("*evil*")] == [".png"]

    assert PLANTED not in page.content() + json.dumps(stranger.states())
    theirs = environments(shared.home)
    assert any(b"VOILA_REQUEST_URL" in one for one in theirs)
    assert not any(PLANTED.encode() in one for one in theirs)
    assert asked[1:] == []
    assert files(*places) == before

    # The folder ends with the kernel.
    stranger.send("shutdown_request", {"restart": False}, "control")
    until(lambda: not folder.exists())


def test_no_message_keeps_the_server_busy(page: Page, shared: SharedPage) -> None:
    """Its first bytes say how many parts a message has, and both servers would count as far."""
    shared.open(page)
    (kernel,) = shared.kernels
    for protocols in ([], ["v2.of.nobody"]):
        with pytest.raises(websocket.WebSocketBadStatusException, match="400"):
            connect(shared, kernel, protocols)
    few, many = ((number).to_bytes(8, "little") for number in (2, 10**12))
    for message in (b"", b"\xff" * 8, few + bytes(8), many * 9):
        ending = Stranger(shared, kernel)
        ending.send_raw(message)
        other = Stranger(shared, kernel)
        other.ask_for_the_sample()  # a clip goes to both, also to the one whose connection is being ended
        ending.await_end()
    expect(studio(page).locator(".mw-submit")).to_be_visible()
    assert get(shared.url + "/api/kernels")[0] in (403, 404)


def test_no_visitor_reads_anothers_files_and_the_server_serves_nothing(
    page: Page, browser: Browser, shared: SharedPage
) -> None:
    shared.open(page)
    studio(page)
    first = shared.visitors
    other = guarded_page(browser.new_context())
    shared.open(other)
    studio(other)
    (theirs,) = shared.visitors - first
    until(lambda: list(theirs.rglob("figure.png")))
    picture = next(theirs.rglob("figure.png"))
    up = "%2e%2e/" * 12
    inside = str(picture)
    outside = (f"/{up}{inside.lstrip('/')}", f"/{up}etc/hostname", "/../studio.ipynb")
    for path in (inside, "/studio.ipynb", *outside):
        for prefix in ("/voila/files", "/files", "/static", "/voila/static", "/voila/render", ""):
            status, body = get(f"{shared.url}{prefix}{path}")
            assert status in (400, 403, 404, 405), (prefix, path, status)
            assert picture.read_bytes() not in body
    for name in ("api/kernels", "api/sessions", "api/contents", "voila/api/contents", "voila/tree", "tree"):
        assert get(f"{shared.url}/{name}")[0] in (403, 404), name
    expect(other.locator(".motion-widgets").first.get_by_text("Drop a picture")).to_be_visible()
    # The same path, by the first visitor's own widgets.
    put(page.locator(".motion-widgets").first, "Character", picture)
    expect(page.locator(".motion-widgets").first.get_by_text(NOT_YOURS)).to_be_visible()
    other.goto("about:blank")
    other.context.close()


def test_a_visitor_generates_and_sees_the_result(page: Page, shared: SharedPage) -> None:
    shared.open(page)
    root = studio(page)
    picture = Path(sample(page, shared))
    until((picture.parent / "wave-6s.mp4").is_file)
    put(root, "Character", picture)
    put(root, "Motion", picture.parent / "wave-6s.mp4")
    expect(root.get_by_alt_text("Clip wave-6s.mp4")).to_be_visible(timeout=LONG)
    submit = root.locator(".mw-submit")
    expect(submit).to_be_enabled(timeout=LONG)
    shot(page, "visitor-light", ".motion-widgets")
    axe(page, ".motion-widgets")
    submit.click()
    stage = result(page, root)
    sources = stage.locator("video").evaluate_all("all => all.map(v => v.dataset.source)")
    assert sources == ["bytes"] * 2
    shot(page, "visitor-wall-light", ".motion-widgets")


def test_the_page_in_the_dark(page: Page, shared: SharedPage) -> None:
    shared.open(page, "dark")
    root = studio(page)
    sample(page, shared)
    expect(root.locator(".mw-submit")).to_be_visible()
    expect(root.locator("video").first).to_be_visible(timeout=LONG)
    shot(page, "visitor-dark", ".motion-widgets")
    axe(page, ".motion-widgets")
