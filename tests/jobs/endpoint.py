"""A paid endpoint for tests, over real loopback HTTP: scripted per request, counting POSTs and charges."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import json
import multiprocessing
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from PIL import Image

from motion_widgets.media.ffmpeg import ffmpeg_exe
from tests.loopback import LoopbackServer

KEY = "test-key"
REAL_TIME = time.time
COST = 0.17136  # 3 s of v2.6 std


def until(condition, deadline=60.0):
    """Ask until it is so; the deadline only guards against hanging."""
    ends = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < ends, "did not come to pass"
        threading.Event().wait(0.01)
    return value


def results_in(folder):
    """Return what lies among a workspace's results, but for their sidecars, which may come a moment later."""
    found = (folder / "results").rglob("*")
    return sorted(one for one in found if one.is_file() and one.suffix != ".json")


def make_clip(path, length=3.2, sides="360x360"):
    source = ["-f", "lavfi", "-t", str(length), "-i", f"testsrc=s={sides}:r=12"]
    coder = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    command = [ffmpeg_exe(), "-loglevel", "error", "-y", *source, *coder, str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)
    return path.read_bytes()


SERVER = multiprocessing.get_context("forkserver")  # its children begin with everything imported
SERVER.set_forkserver_preload(["tests.jobs.worker"])


class Process:
    """A worker in a process of its own, as a context: `hear` gives what it says next.

    What it says comes through a pipe: a kill in the middle of a word is heard as an EOFError.
    """

    def __init__(self, folder, endpoint, req, *, do="submit", gate=None, **told):
        from tests.jobs.worker import work

        told = {
            "folder": str(folder),
            "url": endpoint.url,
            "request": dataclasses.asdict(req),
            "do": do,
            **told,
        }
        self._said, said = SERVER.Pipe(duplex=False)
        heard, self._told = SERVER.Pipe(duplex=False)
        self._ends = (said, heard)
        self._process = SERVER.Process(target=work, args=(told, said.send, gate, heard.recv), daemon=True)

    def __enter__(self):
        self._process.start()
        for end in self._ends:
            end.close()  # it has its own; so a dead one is heard as an end
        return self

    def __exit__(self, *_):
        self.kill()
        self._process.join(30)
        self._process.close()
        self._said.close()
        self._told.close()

    def hear(self):
        return self._said.recv()

    def tell(self, *words):
        """Have a notebook run a cell, and return what it answers."""
        self._told.send(words)
        return self.hear()

    def interrupt(self):
        """Interrupt a cell as a person does, and give what it says to that.

        The interpreter swallows an interrupt that comes in a finalizer, say of a loop that an earlier one
        left half-made; a person then presses again.
        """
        for _ in range(3):
            os.kill(self._process.pid, signal.SIGINT)
            if self._said.poll(15):
                return self.hear()
        raise AssertionError("three interrupts were lost")

    def freeze(self):
        """Stop it, and wait until its threads stand still: until then one may still begin to write."""
        os.kill(self._process.pid, signal.SIGSTOP)
        self.await_stop()

    def await_stop(self):
        until(lambda: all(one in "TZX" for one in self._thread_states()))

    def _thread_states(self):
        """Return the kernel's letter for each thread; none where there is no ``/proc``."""
        for thread in Path(f"/proc/{self._process.pid}/task").glob("*/stat"):
            with contextlib.suppress(OSError):  # it ended meanwhile
                yield thread.read_text().rpartition(") ")[2][0]

    def thaw(self):
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self):
        self._process.kill()

    def done(self, seconds):
        """Wait for its end, or some s, and say whether it came."""
        self._process.join(seconds)
        return self._process.exitcode is not None

    def code(self):
        """Wait for its end; -9: it was killed."""
        self._process.join(60)
        return self._process.exitcode


@functools.cache
def make_png(color="teal"):
    out = io.BytesIO()
    Image.new("RGB", (400, 400), color).save(out, "PNG")
    return out.getvalue()


@dataclass
class Post:
    key: str
    body: bytes
    authorization: str


@dataclass
class Say:
    """An answer: status, JSON (or raw bytes), headers; `charge`: the task is accepted all the same."""

    status: int = 200
    body: object = None
    headers: dict = field(default_factory=dict)
    charge: bool = False


def refusal(status, kind="error", message="no", **headers):
    body = {"error": {"code": status, "type": kind, "message": message}}
    return Say(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


class Endpoint(LoopbackServer):
    """`posts`, `polls`, `downloads` hold what comes next: Say, "reset", "close", "hang", or a callable.

    An empty queue means that all goes well. `charges` maps a task id to the idempotency key that paid for it.
    """

    def __init__(self, clip: bytes):
        self.clip = clip
        self.files = {"/media/clip.mp4": clip, "/media/image.png": make_png()}
        self.next_post, self.next_poll, self.next_download = deque(), deque(), deque()
        self.next_upload: deque[Say] = deque()
        self.results_at: str | None = None
        """What a result's link begins with. None: this server's address."""
        self.posts: list[Post] = []
        self.polls: list[str] = []
        self.uploads = 0
        self.downloads: list[dict] = []
        self.charges: dict[str, str] = {}
        self.bills: dict[str, float] = {}
        self.refunds = True
        """Whether a failed task that states no cost is given its money back, as the documentation says."""
        self.balance = 10.5
        self.balance_says: Say | str | None = None
        self.requests = 0
        self.honours_keys = True
        self.on_post = lambda _: None
        self.expires_in = 3600.0
        self.clock_ahead = 0.0
        """s by which its clock is ahead of this machine's."""
        self.let_go = threading.Event()
        self._lock = threading.Lock()
        super().__init__(_Handler)

    def stop(self):
        self.let_go.set()
        super().stop()

    def accept(self, key: str) -> str:
        """Charge for a task, unless this key paid for one already."""
        with self._lock:
            if self.honours_keys:
                for task_id, paid in self.charges.items():
                    if paid == key:
                        return task_id
            task_id = f"task_{len(self.charges) + 1:04d}"
            self.charges[task_id] = key
            self.bills[task_id] = COST
            return task_id

    def bill(self, task_id: str, said: object) -> None:
        """Move the money that an answer about a task speaks of."""
        body = said.body if isinstance(said, Say) else None
        data = body.get("data") if isinstance(body, dict) else None
        if isinstance(data, dict) and task_id in self.bills:
            if isinstance(data.get("cost"), float):
                self.bills[task_id] = data["cost"]
            elif data.get("status") == "failed" and self.refunds:
                self.bills[task_id] = 0.0

    def now(self):
        """Return the time by its own clock (unix s), which no test sets with this machine's."""
        return REAL_TIME() + self.clock_ahead

    def completed(self, task_id="", **changes) -> Say:
        video = {
            "url": [f"{self.url if self.results_at is None else self.results_at}/result/{task_id}.mp4"],
            "expires_at": int(self.now() + self.expires_in),
        }
        data = {"id": task_id, "status": "completed", "cost": COST, "result": {"videos": [video]}} | changes
        return Say(
            200, {"code": 200, "data": {name: value for name, value in data.items() if value is not None}}
        )

    @staticmethod
    def working(word="processing", **more) -> Say:
        return Say(200, {"code": 200, "data": {"status": word, **more}})

    @staticmethod
    def failed(message="no reason", **more) -> Say:
        data = {"status": "failed", "error": {"code": 500, "message": message, "type": "x"}, **more}
        return Say(200, {"code": 200, "data": data})


def _next(script):
    """Take what comes next; None: nothing is left, as a test may clear it at any moment."""
    try:
        return script.popleft()
    except IndexError:
        return None


class _Handler(BaseHTTPRequestHandler):
    own: Endpoint
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return super().date_time_string(self.own.now() if timestamp is None else timestamp)

    def _act(self, action, default, *arguments):
        """Do what the script says; give the Say to send, or None when the connection is done with."""
        if callable(action):
            action = action(*arguments)
        if action is None:
            action = default()
        if action in ("reset", "close", "hang"):
            if action == "hang":
                self.own.let_go.wait(60)
            if action == "reset":
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR) if action == "close" else self.connection.close()
            return None
        return action

    def _send(self, say):
        if say is None:
            return
        raw = say.body if isinstance(say.body, bytes) else json.dumps(say.body).encode()
        headers = {"Content-Length": str(len(raw)), "Content-Type": "application/json", **say.headers}
        self.send_response(say.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)
        self.wfile.flush()
        if int(headers["Content-Length"]) != len(raw):
            self.close_connection = True

    def do_POST(self):
        own = self.own
        own.requests += 1
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # its client died in the middle of it
            self.close_connection = True
            return
        if self.path.startswith("/v1/uploads"):
            own.uploads += 1
            said = _next(own.next_upload)
            if said is not None:
                self._send(said)
                return
            own.files[f"/media/up{own.uploads}.png"] = own.files["/media/image.png"]
            self._send(Say(200, {"url": f"{own.url}/media/up{own.uploads}.png"}))
            return
        post = Post(self.headers["Idempotency-Key"], body, self.headers["Authorization"])
        with own._lock:
            own.posts.append(post)
            action = _next(own.next_post)
        own.on_post(post)

        def fine():
            replayed = post.key in own.charges.values() and own.honours_keys
            task_id = own.accept(post.key)
            headers = {"Idempotency-Replayed": "true"} if replayed else {}
            return Say(200, {"code": 200, "data": [{"status": "submitted", "task_id": task_id}]}, headers)

        if isinstance(action, str) and action.startswith("charge "):
            own.accept(post.key)
            action = action.removeprefix("charge ")
        elif isinstance(action, Say) and action.charge:
            own.accept(post.key)
        self._send(self._act(action, fine, post))

    def do_GET(self):
        own = self.own
        own.requests += 1
        path = self.path.split("?")[0]
        if path in own.files:
            self._send(Say(200, own.files[path], {"Content-Type": "application/octet-stream"}))
        elif path.startswith("/v1/tasks/"):
            task_id = path.rsplit("/", 1)[1]
            with own._lock:
                own.polls.append(task_id)
                action = _next(own.next_poll)
            said = self._act(action, lambda: own.completed(task_id), task_id)
            own.bill(task_id, said)
            self._send(said)
        elif path.startswith("/result/"):
            with own._lock:
                own.downloads.append({name.lower(): value for name, value in self.headers.items()})
                action = _next(own.next_download)
            self._send(self._act(action, self._result, own.downloads[-1]))
        elif path.endswith("/balance"):
            left = Say(200, {"success": True, "remain_balance": own.balance - sum(own.bills.values())})
            self._send(self._act(own.balance_says, lambda: left))
        else:
            self._send(refusal(404))

    def _result(self):
        clip = self.own.clip
        match = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if match and self.headers.get("If-Range") == '"v1"':
            start = int(match[1])
            headers = {"ETag": '"v1"', "Content-Range": f"bytes {start}-{len(clip) - 1}/{len(clip)}"}
            return Say(206, clip[start:], headers)
        return Say(200, clip, {"ETag": '"v1"', "Content-Type": "video/mp4"})
