"""Clips by link and in bulk, beside moviepy, ffmpeg and PyAV: ``python -m tests.benchmarks.bench_clips``.

The server runs in a process of its own and shapes every connection: a round trip before each answer, three
before the first one of a connection (name, TCP, TLS), and a bandwidth. It asserts nothing.
"""

from __future__ import annotations

import multiprocessing
import statistics
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.background import spawn
from motion_widgets.core.http import shared_transport
from motion_widgets.media.batch import measure_clips
from motion_widgets.media.probe.cache import SHARED
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.probe.moviepy_check import load_moviepy
from tests.benchmarks.bench_media import make, seconds
from tests.media.gallery import make_gallery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

ROUND_TRIP = 0.05
BYTES_PER_SECOND = 100e6 / 8
PIECE = 16 << 10
ROUNDS = 5
CORPUS = 1_000


class Shaped(BaseHTTPRequestHandler):
    """Serves parts of one file, late and slowly."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    folder: Path

    def setup(self) -> None:
        super().setup()
        time.sleep(3 * ROUND_TRIP)

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        time.sleep(ROUND_TRIP)
        path = self.folder / Path(self.path).name
        size = path.stat().st_size
        asked = self.headers.get("Range", "")
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, stop = (int(first), min(int(last or size), size - 1)) if asked else (0, size - 1)
        self.send_response(206 if asked else 200)
        self.send_header("Accept-Ranges", "bytes")
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{stop}/{size}")
        self.send_header("Content-Length", str(stop - start + 1))
        self.end_headers()
        self._send(path, start, stop + 1)

    def _send(self, path: Path, at: int, end: int) -> None:
        """Send no faster than the line: each piece when the ones before would be through."""
        begun, sent = time.monotonic(), 0
        try:
            with path.open("rb") as file:
                file.seek(at)
                while at + sent < end:
                    piece = file.read(min(PIECE, end - at - sent))
                    self.wfile.write(piece)
                    sent += len(piece)
                    time.sleep(max(0.0, begun + sent / BYTES_PER_SECOND - time.monotonic()))
        except ConnectionError:
            self.close_connection = True


def serve(folder: Path, pipe: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Shaped,), {"folder": folder}))
    pipe.send(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.recv()


def median(call: Callable[[], object], *, rounds: int = ROUNDS, before: Callable[[], object] = int) -> float:
    """Return the median of several calls in s; `before` each, something that is not counted."""
    times = []
    for _ in range(rounds):
        before()
        times.append(seconds(call))
    return statistics.median(times)


def rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Return figure, measured, beside it, target."""
    load_moviepy()
    yield from _links(folder)
    yield from _local(folder)
    yield from _exact(folder)
    yield from _corpus(folder)


def _links(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    end = make(folder / "end.mp4", rate="78M")
    front = folder / "front.mp4"
    tool = load_moviepy().FFMPEG_BINARY
    subprocess.run(
        [tool, "-loglevel", "error", "-y", "-i", end, "-c", "copy", "-movflags", "+faststart", front],
        check=True,
    )
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(folder, theirs), daemon=True)
    server.start()
    base = f"http://127.0.0.1:{ours.recv()}"
    try:
        for path, time_target, cost_target in (
            (front, "<= 0.23 s", "<= 45 KB and 1"),
            (end, "<= 0.29 s", "<= 90 KB and 2"),
        ):
            yield from _link(f"{base}/{path.name}", path, time_target, cost_target)
    finally:
        ours.send("end")
        server.join(10)


def _link(link: str, path: Path, time_target: str, cost_target: str) -> Iterator[tuple[str, str, str, str]]:
    import av
    import httpx
    from moviepy import VideoFileClip

    where = f"moov {path.stem}, {path.stat().st_size / 1e6:.0f} MB"
    parse = load_moviepy().ffmpeg_parse_infos
    clips = []

    def measure(*, confirm: bool) -> None:
        clips.append(measure_clip(link, confirm=confirm, cache=None))

    def forget() -> None:
        """Close the connections that are kept, so that the next request makes a new one."""

        async def close() -> None:
            for connection in list(shared_transport(httpx.URL(link))._pool.connections):
                await connection.aclose()

        spawn(close()).result()

    def open_av() -> None:
        with av.open(link) as container:
            assert container.duration

    beside = [
        ("VideoFileClip", median(lambda: VideoFileClip(link).close(), rounds=1)),
        ("ffmpeg_parse_infos", median(lambda: parse(link), rounds=3)),
        ("PyAV", median(open_av, rounds=3)),
        ("all of it", median(lambda: httpx.get(link, timeout=60), rounds=1)),
    ]
    said = ", ".join(f"{name} {taken:.2f}" for name, taken in beside)
    exact = median(lambda: measure(confirm=False), before=forget)
    yield f"exact length by a new connection, {where}", f"{exact:.3f} s", said, time_target
    both = median(lambda: measure(confirm=True), before=forget)
    yield f"with moviepy, {where}", f"{both:.3f} s", "", ""
    again = median(lambda: measure(confirm=False))
    yield f"exact length by an open connection, {where}", f"{again:.3f} s", "", ""
    cost = f"{clips[0].fetched / 1e3:.0f} KB, {clips[0].requests}"
    yield f"bytes and requests, {where}", cost, "", cost_target


def _local(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    parse = load_moviepy().ffmpeg_parse_infos
    small = make(folder / "small.mp4", rate="1600k")
    for path in (small, folder / "front.mp4"):
        ours, theirs = [], []
        for _ in range(15):
            ours.append(seconds(lambda path=path: measure_clip(path, cache=None)))
            theirs.append(seconds(lambda: parse(str(small))))
        ratio = statistics.median(ours) / statistics.median(theirs)
        yield (
            f"measured with moviepy, local, {path.stat().st_size / 1e6:.0f} MB",
            f"{statistics.median(ours) * 1e3:.1f} ms, x{ratio:.2f}",
            f"ffmpeg_parse_infos of 2 MB {statistics.median(theirs) * 1e3:.1f} ms",
            "<= x1.2",
        )


def _exact(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    import av

    home = folder / "gallery"
    home.mkdir()
    worst, good, count = 0.0, 0, 0
    for name, path in make_gallery(home).items():
        if name.startswith("no_"):
            continue
        with av.open(str(path)) as container:
            off = abs(container.duration / 1e6 - measure_clip(path, confirm=False).length)
        worst, good, count = max(worst, off), good + (off <= 1e-3), count + 1
    yield "exact length is PyAV's", f"{good} of {count}", f"worst {worst * 1e3:.2f} ms off", "<= 1 ms, 100 %"


def _corpus(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Measure many clips with moviepy on each, and let bare moviepy read the same headers."""
    found = sorted(path for path in (folder / "gallery").glob("2*_*.m??") if path.stat().st_size)
    home = folder / "corpus"
    home.mkdir()
    sources = [home / f"{number}.mp4" for number in range(CORPUS)]
    for number, path in enumerate(sources):
        path.hardlink_to(found[number % len(found)])
    parse = load_moviepy().ffmpeg_parse_infos
    threads = 2 * (multiprocessing.cpu_count() or 1)
    ours, theirs = [], []
    for _ in range(3):
        with ThreadPoolExecutor(threads) as pool:
            SHARED.clear()
            ours.append(seconds(lambda pool=pool: measure_clips(sources, pool, batch=5, progress=False)))
            theirs.append(seconds(lambda pool=pool: list(pool.map(lambda path: parse(str(path)), sources))))
    speed, bare = CORPUS / statistics.median(ours), CORPUS / statistics.median(theirs)
    yield (
        f"{CORPUS} clips with moviepy on each, {threads} threads",
        f"{speed:.0f} a second, {speed / bare:.0%}",
        f"bare ffmpeg_parse_infos {bare:.0f} a second",
        ">= 90 %",
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="motion-widgets-bench-") as name:
        for row in rows(Path(name)):
            print(" | ".join(row), flush=True)
