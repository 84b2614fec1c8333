"""A thousand jobs at an endpoint with a hundred places: ``python -m tests.benchmarks.bench_jobs``.

Real seconds on loopback: a lean server in a process of its own, the client in another one. It takes a quarter
of an hour (some four minutes per variant), and asserts nothing. For a look at one thing, name it:
``intents``, ``interrupts``, ``naive``, ``exact``, ``within``, ``none``; with ``MW_BENCH_JOBS=200
MW_BENCH_SLOTS=40`` in the environment it is half as long. On a busy Linux machine start it with `setsid -w`:
processes share the CPU by sessions first, and by `nice` only within one.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import json
import os
import random
import resource
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

JOBS = int(os.environ.get("MW_BENCH_JOBS", "1000"))
SLOTS = int(os.environ.get("MW_BENCH_SLOTS", "100"))
MODELS = ("kling-v2-6-motion-control", "kling-v3-motion-control")
KEY = "bench-key"
VARIANTS = {"exact": "<= 1.02", "within": "<= 1.04", "none": "<= 1.06"}
"""By how right the estimates are: to the second, within 20 %, or that there are none."""
ROUNDS = 200
INTERRUPTS = 5


class Work(NamedTuple):
    """One job as the server sees it: what it is, and how long it takes (s)."""

    model: str
    mode: str
    length: float
    seconds: float


def workload(count: int = JOBS) -> list[Work]:
    """Return jobs of 4 to 30 s: longer clips, pro and v3 take longer, and each is up to 5 % off."""
    chance = random.Random(7)
    made = []
    for _ in range(count):
        model, mode = chance.choice(MODELS), chance.choice(("std", "pro"))
        length = float(chance.randint(3, 30))
        seconds = 3 + 0.62 * length + 4.5 * (mode == "pro") + 2.5 * ("v3" in model)
        made.append(Work(model, mode, length, min(max(seconds * chance.uniform(0.95, 1.05), 4.0), 30.0)))
    return made


def ideal(work: list[Work], slots: int) -> float:
    """Return the s that list scheduling takes, longest first, with the true durations."""
    free = [0.0] * slots
    for one in sorted(work, key=lambda one: -one.seconds):
        heapq.heapreplace(free, free[0] + one.seconds)
    return max(free)


# The server.


class Server:
    """Answers as `motion_widgets/endpoint/API.md` says, from memory."""

    def __init__(self, variant: str, film: Path) -> None:
        self.variant, self.film = variant, film.read_bytes()
        self.image = film.with_suffix(".png").read_bytes()
        self.work = workload()
        self.chance = random.Random(11)
        self.tasks: list[tuple[float, Work, float | None]] = []  # when it began, what, as estimated
        self.running: list[float] = []
        self.idle: list[float] = []  # when the places became free that nobody took yet
        self.counts = {"posts": 0, "polls": 0, "refused": 0, "refused later": 0}
        self.gaps: list[float] = []  # s between a task's end and the next one in its place
        self.first_refusal = float("inf")

    def answer(self, method: str, path: str, body: bytes, since: float) -> tuple[int, bytes, str]:
        now = time.time()
        if method == "POST":
            return self.submit(json.loads(body), now, since)
        if path.startswith("/film"):
            return 200, self.film, "Content-Type: video/mp4\r\n"
        if path.startswith("/image"):
            return 200, self.image, "Content-Type: image/png\r\n"
        if path.startswith("/v1/tasks/"):
            self.counts["polls"] += 1
            return (
                200,
                self.status(int(path.split("/")[3].split("?", maxsplit=1)[0].removeprefix("task_")), now),
                "",
            )
        told: dict[str, Any] = self.counts | {"gaps": self.gaps, "ramp": self.ramp(), "edges": self.edges()}
        return 200, json.dumps(told).encode(), ""

    def ramp(self) -> float:
        """Return the s from the first task to the one that took the last place."""
        return self.tasks[SLOTS - 1][0] - self.tasks[0][0] if len(self.tasks) >= SLOTS else 0.0

    def edges(self) -> tuple[float, float]:
        """Return when the first task began, and when the last one ended (unix s)."""
        begun = [(began, began + one.seconds) for began, one, _ in self.tasks] or [(0.0, 0.0)]
        return begun[0][0], max(end for _, end in begun)

    def submit(self, asked: dict[str, Any], now: float, since: float) -> tuple[int, bytes, str]:
        """Answer a POST that came at a moment, on a connection that was made at an earlier one."""
        self.counts["posts"] += 1
        while self.running and self.running[0] <= now:
            heapq.heappush(self.idle, heapq.heappop(self.running))
        if len(self.running) >= SLOTS:
            self.counts["refused"] += 1
            # Who had begun to call before the first refusal was read could not know of it.
            self.counts["refused later"] += since > self.first_refusal
            said = f"too many tasks: {SLOTS} are under way, {SLOTS} are allowed at once (1303)"
            error = {"error": {"code": 429, "message": said, "type": "rate_limit_error"}}
            return 429, json.dumps(error).encode(), "Retry-After: 5\r\n"
        one = self.work[int(asked["prompt"].split()[-1])]
        wrong = {"exact": 1.0, "within": self.chance.uniform(0.8, 1.2)}.get(self.variant)
        estimated = None if wrong is None else one.seconds * wrong
        task_id = f"task_{len(self.tasks)}"
        self.tasks.append((now, one, estimated))
        heapq.heappush(self.running, now + one.seconds)
        if self.idle:
            self.gaps.append(now - heapq.heappop(self.idle))
        data = {"status": "submitted", "task_id": task_id} | self.estimate(estimated)
        return 200, json.dumps({"code": 200, "data": [data]}).encode(), ""

    @staticmethod
    def estimate(estimated: float | None) -> dict[str, float]:
        return {} if estimated is None else {"estimated_time": estimated}

    def status(self, number: int, now: float) -> bytes:
        began, one, estimated = self.tasks[number]
        data: dict[str, Any] = {"id": f"task_{number}", "status": "processing", "created": int(began)}
        data |= self.estimate(estimated)
        if now >= began + one.seconds:
            video = {"url": [f"{self.url}/film/{number}.mp4"], "expires_at": int(now) + 86400}
            ends = {"completed": int(began + one.seconds), "cost": 0.1, "result": {"videos": [video]}}
            data |= {"status": "completed", "progress": 100} | ends
        return json.dumps({"code": 200, "data": data}).encode()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        since, status = time.time(), 0
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                method, path, _ = head.split("\r\n")[0].split(" ")
                length = head.partition("content-length: ")[2].split("\r\n")[0]
                body = await reader.readexactly(int(length or 0))
                status, content, more = self.answer(method.upper(), path, body, since)
                top = f"HTTP/1.1 {status} OK\r\nContent-Length: {len(content)}\r\n{more}\r\n"
                writer.write(top.encode() + content)
                await writer.drain()
        if status == 429:  # they ended the connection, so they have read it
            self.first_refusal = min(self.first_refusal, time.time())
        writer.close()

    async def serve(self) -> None:
        server = await asyncio.start_server(self.talk, "127.0.0.1", 0, backlog=2000)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        print(self.url, flush=True)
        await server.serve_forever()


# Its clients.


def rows_of(ws: Any) -> list[dict[str, Any]]:
    """Return the log's columns of all jobs; one clip is measured, and stands for clips of all lengths."""
    from motion_widgets import MotionRequest

    links = {
        "image_url": f"{ws.connection.target.base_url}/image.png",
        "video_url": f"{ws.connection.target.base_url}/film.mp4",
    }
    plain = ws.preparation.plan_job(MotionRequest(model=MODELS[0], mode="std", **links))
    return [
        {
            **plain, "model": one.model, "mode": one.mode, "clip_length": one.length, "key": f"key {number}",
            "character_orientation": "video", "prompt": f"job {number}",
        }
        for number, one in enumerate(workload())
    ]  # fmt: skip


def memory(name: str) -> float:
    """Return MB of resident memory, now (``VmRSS``) or at its peak (``VmHWM``)."""
    found = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(name))
    return int(found.split()[1]) / 1024


def processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def yardstick() -> float:
    """Return the CPU ms of a fixed sum: a machine that is shared runs by a third slower at times."""
    took = []
    for _ in range(50):
        start = time.process_time()
        sum(range(100_000))
        took.append(time.process_time() - start)
    return statistics.median(took) * 1e3


def client(url: str, folder: str) -> None:
    """Drive all jobs as a run, to the last result."""
    import motion_widgets.sweep
    from motion_widgets import Workspace
    from motion_widgets.media.probe.moviepy_check import load_moviepy

    ws = Workspace(folder, endpoint=url, key=KEY)
    cells = [({}, row) for row in rows_of(ws)]
    run_id = "run-bench"
    head = {"id": run_id, "endpoint": ws.endpoint, "account": ws.account, "axes": "{}"}
    ws.log_store.sweeps.add(head, cells, limit=10**12, keep=False, new=False)
    run = motion_widgets.sweep.Run(ws, run_id)
    del cells
    load_moviepy()  # which goes on in the background, and is one of the imports
    before, used, start = memory("VmRSS"), processor(), time.time()
    ws.connection.runner.drive(*[row.id for row in run.rows()])  # not measured anew, for which the rows stand
    run.wait()
    end, used = time.time(), processor() - used
    told = {"seconds": end - start, "cpu": used, "memory": memory("VmHWM") - before, "ends": run.counts()}
    told |= {"yardstick": yardstick(), "start": start, "end": end}
    print(json.dumps(told), flush=True)
    ws.close()


def naive(url: str, folder: str) -> None:
    """Drive all jobs with a thread each that tries and polls every 5 s."""

    def call(path: str, body: dict[str, str] | None = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(url + path, data), timeout=60) as got:
            return bytes(got.read())

    def work(number: int) -> None:
        while True:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                answer = json.loads(call("/v1/videos/generations", {"prompt": f"job {number}"}))
                break
            time.sleep(5)
        task_id = answer["data"][0]["task_id"]
        while json.loads(call(f"/v1/tasks/{task_id}"))["data"]["status"] != "completed":
            time.sleep(5)
        (Path(folder) / f"{number}.mp4").write_bytes(call(f"/film/{number}.mp4"))

    used, start = processor(), time.perf_counter()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(JOBS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"seconds": time.perf_counter() - start, "cpu": processor() - used}), flush=True)


def waiter(url: str, folder: str, how: str) -> None:
    """Wait for a job until interrupted; say when the prompt is back."""
    from motion_widgets import Workspace

    ws = Workspace(folder, endpoint=url, key=KEY)
    row, _ = ws.log_store.jobs.add(rows_of(ws)[0])
    ws.connection.runner.drive(row.id)
    job = ws.attach(row.id)

    async def cell() -> None:
        await job

    threading.Timer(1.0, lambda: print("ready", flush=True)).start()
    try:
        if how == "wait":
            job.wait()
        else:
            asyncio.new_event_loop().run_until_complete(cell())
    except KeyboardInterrupt:
        print("prompt", flush=True)
        os._exit(0)


# The figures.


@contextlib.contextmanager
def process(*told: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_jobs", *told]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def heard(started: subprocess.Popen[str]) -> str:
    assert started.stdout is not None
    return started.stdout.readline().strip()


def make_film(folder: Path) -> str:
    """Make a real clip, padded to 1 MB with a box that says so, and the image beside it."""
    from tests.jobs.endpoint import make_clip, make_png

    film = folder / "film.mp4"
    content = make_clip(film)
    left = 1_000_000 - len(content)
    film.write_bytes(content + left.to_bytes(4, "big") + b"free" + bytes(left - 8))
    film.with_suffix(".png").write_bytes(make_png())
    return str(film)


def played(folder: Path, film: str, variant: str, peer: str) -> dict[str, Any]:
    with process("server", variant, film) as server:
        url = heard(server)
        own = folder / f"{peer} {variant}"
        own.mkdir()
        with process(peer, url, str(own)) as started:
            told = json.loads(heard(started) or "{}")
        with urllib.request.urlopen(f"{url}/counts") as got:
            return {**told, **json.loads(got.read())}


def rows(folder: Path, *wanted: str) -> Iterator[tuple[str, str, str, str]]:
    """Return (figure, measured, beside it, target): all figures, or those of some names."""
    wanted = wanted or ("intents", "interrupts", "naive", *VARIANTS)
    folder = Path(tempfile.mkdtemp(dir=folder))
    film = make_film(folder)
    best = ideal(workload(), SLOTS)
    if "intents" in wanted:
        yield from intents(folder)
    if "interrupts" in wanted:
        yield from interrupts(folder, film)
    beside, peer = "", {"refused": "?"}
    if "naive" in wanted:
        peer = played(folder, film, "exact", "naive")
        beside = f"a thread per job, 5 s: {peer['seconds'] / best:.3f}, {peer['cpu']:.1f} s CPU"
        yield "a thread per job", f"{peer['seconds'] / best:.3f}", f"{peer['cpu']:.1f} s CPU", ""
    for variant, target in VARIANTS.items():
        if variant not in wanted:
            continue
        got = played(folder, film, variant, "client")
        load = os.getloadavg()[1]
        yield f"makespan / ideal, estimate {variant}", f"{got['seconds'] / best:.3f}", beside, target
        yield f"ends (load {load:.1f})", json.dumps(got["ends"]), f"ideal {best:.1f} s", ""
        yield f"polls per job, {variant}", f"{got['polls'] / JOBS:.2f}", "", "<= 1.1" * (variant == "exact")
        refused = f"{got['refused later']} ({got['refused']} in all)"
        yield "429s after the first was read", refused, f"{peer['refused']} in all", "0"
        gaps = sorted(got["gaps"])
        gap = f"{statistics.median(gaps):.3f} s (p90 {gaps[len(gaps) * 9 // 10]:.3f})"
        yield "a task's end to the next one in its place", gap, f"first places: {got['ramp']:.2f} s", ""
        first, last = got["edges"]
        edges = f"{first - got['start']:.2f} and {got['end'] - last:.2f} s"
        yield "before the first task, and after the last", edges, "", ""
        speed = f"sum(range(10**5)): {got['yardstick']:.2f} ms"
        yield f"client CPU, {variant}", f"{got['cpu']:.1f} s", speed, "<= 30 s" * (variant == "exact")
        yield "peak memory above imports", f"{got['memory']:.0f} MB", "", "<= 80 MB"


def interrupts(folder: Path, film: str) -> Iterator[tuple[str, str, str, str]]:
    for how in ("wait", "await"):
        took = []
        for number in range(INTERRUPTS):
            with process("server", "none", film) as server:
                told = ("waiter", heard(server), str(folder / f"{how} {number}"), how)
                with process(*told) as started:
                    assert heard(started) == "ready"
                    start = time.perf_counter()
                    started.send_signal(signal.SIGINT)
                    while heard(started) != "prompt":
                        pass
                    took.append(time.perf_counter() - start)
        name = f"interrupt of {'job.wait()' if how == 'wait' else 'await job'} to prompt"
        yield name, f"{statistics.median(took):.3f} s (worst {max(took):.3f})", "", "<= 0.5 s"


def intents(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Time the intent (job, event, budget) beside the driver alone running the very same statements."""
    from sqlalchemy import event

    from motion_widgets.log.store import Log

    log = Log(folder / "intents.sqlite")
    log.budgets.set("b", 10**12)
    plain = {"endpoint": "bench", "account": "a", "sandbox": False, "budget_id": "b"}
    ids = [log.jobs.add({**plain, "key": str(number)})[0].id for number in range(2 * ROUNDS + 1)]
    said: list[tuple[str, Any]] = []
    assert log.database._writer is not None

    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    event.listen(log.database._writer, "before_cursor_execute", hear)
    log.transitions.intend(ids[0], 1000, owner="bench")
    event.remove(log.database._writer, "before_cursor_execute", hear)
    raw = sqlite3.connect(folder / "intents.sqlite", isolation_level=None)
    raw.execute("PRAGMA synchronous=FULL")
    ours, theirs = [], []
    for one, other in zip(ids[1 : ROUNDS + 1], ids[ROUNDS + 1 :], strict=True):
        start = time.perf_counter()
        log.transitions.intend(one, 1000, owner="bench")
        middle = time.perf_counter()
        raw.execute("BEGIN IMMEDIATE")
        for statement, parameters in said:
            raw.execute(statement, [other if value == ids[0] else value for value in parameters]).fetchall()
        raw.execute("COMMIT")
        ours.append(middle - start)
        theirs.append(time.perf_counter() - middle)
    mine, plainly = statistics.median(ours), statistics.median(theirs)
    beside = f"raw sqlite3 {plainly * 1e3:.2f} ms ({mine / plainly:.2f} times)"
    yield "durable intent", f"{mine * 1e3:.2f} ms", beside, "<= 3 times"
    raw.close()
    log.close()


def main(do: str = "", *told: str) -> None:
    """Be one of the processes; with nothing told, print the table."""
    if do == "server":
        asyncio.run(Server(told[0], Path(told[1])).serve())
    elif do == "naive":
        naive(told[0], told[1])
    elif do in ("client", "waiter"):
        {"client": client, "waiter": waiter}[do](*told)
    else:
        with tempfile.TemporaryDirectory() as folder:
            for row in rows(Path(folder), *filter(None, (do, *told))):
                print(" | ".join(row), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
