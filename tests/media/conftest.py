"""Clips made at test time by the bundled ffmpeg, and a loopback server with the faults of real ones."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from motion_widgets.media.ffmpeg import ffmpeg_exe
from motion_widgets.media.probe.cache import SHARED
from motion_widgets.media.samples import sample_media
from tests.jobs.endpoint import until

if TYPE_CHECKING:
    from collections.abc import Callable


def ffmpeg(*arguments: object) -> None:
    command = [ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)


def picture(length: float, rate: int = 25, sides: str = "128x96") -> list[str]:
    return ["-f", "lavfi", "-t", str(length), "-i", f"testsrc=s={sides}:r={rate}"]


def tone(length: float) -> list[str]:
    return ["-f", "lavfi", "-t", str(length), "-i", "sine=f=440:r=44100"]


X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]


FRONT = ["-movflags", "+faststart"]
RECIPES: dict[str, tuple[str, list[object]]] = {
    "front": ("front.mp4", [*picture(6), *tone(6), *X264, *FRONT]),
    "end": ("end.mp4", [*picture(6), *tone(6), *X264]),
    "2.96": ("a.mp4", [*picture(2.96), *X264]),
    "3.0": ("b.mp4", [*picture(3), *X264]),
    "10.03": ("c.mp4", [*picture(10.03, 100), *X264]),
    "12": ("d.mp4", [*picture(12), *tone(12), *X264, "-bf", 2]),
    "30fps": ("e.mp4", [*picture(5, 30), *tone(5), *X264, "-bf", 3]),
    "long_sound": ("f.mp4", [*picture(5), *tone(5.7), *X264, *FRONT]),
    "delayed": ("g.mp4", ["-itsoffset", 0.4, *picture(5), *tone(5), *X264, "-map", 0, "-map", 1]),
    "mov": ("h.mov", [*picture(4), *tone(4), *X264, "-timecode", "01:00:00:00"]),
    "u2028": ("i.mp4", [*picture(4), *X264, "-metadata", "title=a\u2028  Duration: 00:00:09.00, start: 0.0"]),
    "hevc": (
        "j.mp4", [*picture(3), "-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1"]
    ),
    "noedit": ("k.mp4", [*picture(4), *X264, "-bf", 2, "-use_editlist", 0]),
    "webm": ("l.webm", [*picture(0.4), "-c:v", "libvpx", "-deadline", "realtime"]),
    "mp3": ("m.mp3", tone(1)),
    "m4a": ("n.m4a", tone(3)),
    "frag": (
        "o.mp4", [*picture(6), *tone(6), *X264, "-g", 25, "-movflags", "frag_keyframe+empty_moov"]
    ),
    "dash": (
        "p.mp4", [*picture(6), *X264, "-g", 25, "-movflags", "frag_keyframe+empty_moov+default_base_moof"]
    ),
    "sidx": (
        "q.mp4", [*picture(6), *X264, "-g", 25, "-movflags", "frag_keyframe+global_sidx+delay_moov"]
    ),
    "big": ("r.mp4", [*picture(4), *X264[:-4], "-qp", 0, "-pix_fmt", "yuv420p"]),
}  # fmt: skip
"""File name and ffmpeg's arguments of each clip that ffmpeg makes from nothing."""


class Clips(dict[str, Path]):
    """All sorts of clips, by name; each is made when a test first asks for it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __missing__(self, name: str) -> Path:
        """Make a clip and keep it."""
        file, arguments = RECIPES.get(name, (f"{name}.mp4", []))
        path = self._folder / file
        if arguments:
            ffmpeg(*arguments, path)
        elif name == "rotated":
            ffmpeg("-display_rotation", -90, "-i", self["front"], "-c", "copy", path)
        elif name == "trimmed":
            ffmpeg("-ss", 1.3, "-i", self["12"], "-t", 4, "-c", "copy", path)
        else:
            path.write_bytes(self._spoilt(name))
        self[name] = path
        return path

    def _spoilt(self, name: str) -> bytes:
        data = self["end" if name == "cut_end" else "front"].read_bytes()
        at = data.index(b"mdat") + 4
        made: dict[str, Callable[[], bytes]] = {
            "zeroed": lambda: data[:at] + bytes(len(data) - at),
            "cut": lambda: data[: len(data) // 2],
            "cut_end": lambda: data[:-900],
            "crafted": lambda: crafted(data),
        }
        return made[name]()


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """All sorts of clips, by name."""
    return Clips(tmp_path_factory.mktemp("clips"))


def crafted(data: bytes) -> bytes:
    """Rename the first handler so that what ffmpeg prints states another length."""
    at = data.index(b"VideoHandler\0") - 24
    name = "x\u2028  Duration: 00:00:05.00, start: 0.000000, bitrate: 1 kb/s\0".encode()
    old = int.from_bytes(data[at - 8 : at - 4], "big")
    assert data[at - 4 : at] == b"hdlr"
    body = data[at : at + 24] + name
    grow = len(body) + 8 - old
    out = bytearray(
        data[: at - 8] + (len(body) + 8).to_bytes(4, "big") + b"hdlr" + body + data[at - 8 + old :]
    )
    for kind in (b"moov", b"trak", b"mdia"):
        where = out.index(kind) - 4
        out[where : where + 4] = (int.from_bytes(out[where : where + 4], "big") + grow).to_bytes(4, "big")
    return bytes(out)


@dataclass
class Server:
    """What the server does with the next requests, and what it saw."""

    base: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    mode: str = "range"
    seen: list[dict[str, str]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    opened: int = 0
    """Connections since the server began."""
    paths: list[str] = field(default_factory=list)
    etags: list[str] = field(default_factory=list)
    """What the next answers name as their ETag; the last one goes on."""

    def put(self, name: str, data: bytes, mode: str = "range") -> str:
        self.files["/" + name], self.mode, self.seen = data, mode, []
        self.paths, self.etags = [], []
        return f"{self.base}/{name}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Server

    def setup(self) -> None:
        super().setup()
        self.state.opened += 1

    def log_message(self, *_: object) -> None: ...

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def chunked(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(data), 5000):
            piece = data[at : at + 5000]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def drip(self, data: bytes) -> None:
        for index in range(len(data)):
            if self.state.stop.wait(0.05):
                return
            self.wfile.write(data[index : index + 1])
            self.wfile.flush()

    def do_GET(self) -> None:
        self.state.paths.append(self.path)
        self.state.seen.append({name.lower(): value for name, value in self.headers.items()})
        try:
            self.answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def answer(self) -> None:  # noqa: C901, PLR0911, PLR0912 - one server, every fault
        mode, path = self.state.mode, self.path.split("?")[0]
        if path.startswith("/hop/"):
            left = int(path.split("/")[2])
            target = f"/hop/{left - 1}/{path.split('/')[3]}" if left else "/" + path.split("/")[3]
            return self.reply(302, Location=target)
        data = self.state.files.get(path)
        if mode.isdecimal() or data is None:
            return self.reply(int(mode) if mode.isdecimal() else 404)
        if mode == "to_file":
            return self.reply(302, Location="file:///etc/passwd")
        if mode == "stall":
            self.state.stop.wait(20)
            return None
        if mode == "drip_headers":
            self.close_connection = True
            return self.drip(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 2000)
        if mode == "drip":
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            return self.drip(data)
        if mode == "gzip":
            return self.reply(200, gzip.compress(data), Content_Encoding="gzip")
        if mode == "whole":
            self.close_connection = True
            return self.reply(200, data, Connection="close")
        if mode == "chunked":
            return self.chunked(data)
        if mode == "until_close":
            self.close_connection = True
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + data)
            return None
        etag = {}
        if self.state.etags:
            etag["ETag"] = self.state.etags.pop(0) if len(self.state.etags) > 1 else self.state.etags[0]
            if self.headers.get("If-None-Match") == etag["ETag"] and mode != "heedless":
                return self.reply(304, **etag)
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if match is None or mode == "whole_etag":
            return self.reply(200, data, **etag)
        start, stop = int(match[1]), min(int(match[2]) + 1, len(data))
        if start >= len(data):
            return self.reply(416, Content_Range=f"bytes */{len(data)}")
        if mode == "liar":
            start += 1
        return self.reply(
            206, data[start:stop], Content_Range=f"bytes {start}-{stop - 1}/{len(data)}", **etag
        )


@pytest.fixture(scope="session")
def _server():
    state = Server()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"state": state}))
    server.daemon_threads = True
    state.base = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield state
    state.stop.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(_server: Server) -> Server:
    _server.stop.clear()
    yield _server
    _server.stop.set()


def children() -> set[int]:
    """Child processes of this one, by id."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return set()  # hardly any test leaves one, and looking at all of the machine's takes 10 ms
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid():
                found.add(int(entry.name))
    return found


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """Have a figure of moviepy's on a busy machine too: after 5 s, of which it takes 0.015, there is none."""
    monkeypatch.setattr("motion_widgets.media.probe.measure.CONFIRM_DEADLINE", 60.0)


@pytest.fixture(autouse=True)
def _empty_cache():
    """Tests put other content at the same link before a cache asks the server again."""
    SHARED.clear()


@pytest.fixture(autouse=True)
def nothing_left(tmp_path_factory, monkeypatch):
    """No test leaves a child process or a temporary file."""
    # A folder of its own: other runs share the usual one.
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    before = children()
    yield
    with suppress(AssertionError):  # a thread that was told to stop is a moment at it; what stays is named
        until(lambda: children() <= before and not list(folder.glob("motion-widgets-*")))
    assert children() <= before
    assert list(folder.glob("motion-widgets-*")) == []


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    return sample_media(tmp_path_factory.mktemp("samples"))
