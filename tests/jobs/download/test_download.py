# ruff: noqa: ARG002
"""The way of a result to this disk: where it may lead, how slow it may be, and where it goes on."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import gzip
import hashlib
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from motion_widgets.core.errors import LogError
from motion_widgets.core.files import size_of
from motion_widgets.endpoint.errors import EndpointError, NotFoundError
from motion_widgets.jobs.download import download as room
from motion_widgets.jobs.download import http_get
from motion_widgets.jobs.download.checksums import sums_of
from motion_widgets.jobs.download.download import Download
from motion_widgets.jobs.download.partial_file import UNFINISHED, Note, PartialFile
from motion_widgets.jobs.sleep_guard import KeepAwake
from motion_widgets.media.ffmpeg import ffmpeg_exe
from tests.jobs.endpoint import Process, results_in, until
from tests.jobs.hosts import Host, Internet, certificates, tunnel

MAX = 0.50
ROOT = Path(__file__).parents[3]
PUBLIC, OTHER = "93.184.216.34", "93.184.216.35"
LINK = "https://results.example/clip.mp4"


def get(folder, link, *, trusted=True, owner="me"):
    return asyncio.run(Download(folder / "job.mp4", owner=owner, trusted=trusted).fetch(link))


def refused(download, link, words):
    with pytest.raises((EndpointError, LogError), match=words):
        asyncio.run(download.fetch(link))


@pytest.fixture
def host(clip_bytes):
    server = Host(clip_bytes)
    yield server
    server.stop()


@pytest.fixture
def internet(monkeypatch):
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("motion_widgets.core.http._good", {})
    return Internet(monkeypatch)


@pytest.fixture(scope="session")
def papers(tmp_path_factory):
    return certificates(tmp_path_factory.mktemp("papers"), "results.example", "cdn.example")


@pytest.fixture
def public(clip_bytes, internet, papers, monkeypatch):
    """A host on the internet, as far as anybody can see: results.example."""
    authority, leaf = papers
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    server = Host(clip_bytes, certificate=leaf)
    internet.routes[PUBLIC] = server.port
    internet.names["results.example"] = [[PUBLIC]]
    yield server
    server.stop()


def to(location):
    def redirect(handler):
        handler.head(302, {"Location": location, "Content-Length": 0})

    return redirect


class TestTheWayThere:
    def test_the_connection_goes_to_the_address_and_speaks_the_name(self, tmp_path, public, internet):
        got = get(tmp_path, LINK, trusted=False)
        assert got.path.read_bytes() == public.clip
        assert internet.connected == [(PUBLIC, 443)]
        assert (public.names, public.asked[0]["host"]) == (["results.example"], "results.example")

    def test_a_name_that_leads_here_a_moment_later(self, tmp_path, public, internet):
        """DNS rebinding: public for whoever checks, this machine for whoever connects."""
        internet.names["results.example"] = [[PUBLIC], ["127.0.0.1"]]
        get(tmp_path, LINK, trusted=False)
        assert internet.looked_up == ["results.example"]
        assert internet.connected == [(PUBLIC, 443)]

    def test_the_certificate_must_be_the_names(self, tmp_path, public, internet):
        internet.names["impostor.example"] = [[PUBLIC]]
        download = Download(tmp_path / "job.mp4", owner="me", trusted=False)
        refused(download, "https://impostor.example/clip.mp4", "certificate")
        assert public.asked == []
        assert [one for one in tmp_path.rglob("*") if one.is_file()] == []

    def test_every_hop_is_led_to_its_own_address(self, tmp_path, public, internet):
        internet.names["cdn.example"] = [[OTHER], ["127.0.0.1"]]
        internet.routes[OTHER] = public.port
        public.script.append(to("https://cdn.example/there.mp4"))
        get(tmp_path, LINK, trusted=False)
        assert internet.connected == [(PUBLIC, 443), (OTHER, 443)]
        assert public.names == ["results.example", "cdn.example"]
        assert [asked["host"] for asked in public.asked] == ["results.example", "cdn.example"]

    def test_the_next_address_is_tried(self, tmp_path, public, internet):
        internet.names["results.example"] = [[OTHER, PUBLIC]]
        get(tmp_path, LINK, trusted=False)
        assert internet.connected == [(OTHER, 443), (PUBLIC, 443)]

    @pytest.mark.parametrize(
        "location",
        [
            "https://inside.example/x", "https://both.example/x", "https://127.0.0.1/x", "https://2130706433/x",
            "https://localhost/x", "https://[::1]/x", "https://[::ffff:127.0.0.1]/x", "https://10.0.0.1/x",
            "https://[64:ff9b::7f00:1]/x", "https://[2002:7f00:1::]/x", "https://224.0.0.1/x",
            "https://169.254.169.254/latest", "https://0.0.0.0/x", "http://results.example/x",
            "file:///etc/passwd", "//inside.example/x",
        ],
    )  # fmt: skip
    def test_redirects_to_where_no_result_is(self, tmp_path, public, internet, location):
        internet.names |= {"inside.example": [["10.0.0.1"]], "both.example": [[PUBLIC, "192.168.0.1"]]}
        public.script.append(to(location))
        refused(Download(tmp_path / "job.mp4", owner="me", trusted=False), LINK, "not a public https")
        assert internet.connected == [(PUBLIC, 443)]

    def test_redirects_end(self, tmp_path, public, internet):
        public.script.extend([to(LINK)] * 100)
        refused(Download(tmp_path / "job.mp4", owner="me", trusted=False), LINK, "too many redirects")
        assert len(public.asked) == http_get.HOPS

    def test_a_proxy_makes_the_connection_itself(self, tmp_path, public, internet, monkeypatch):
        heard: list[str] = []
        listening = tunnel(public.port, heard)
        internet.names.clear()  # only the proxy knows the name
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listening.getsockname()[1]}")
        get(tmp_path, LINK, trusted=False)
        listening.close()
        assert heard == ["CONNECT results.example:443 HTTP/1.1"]

    def test_a_proxy_is_not_asked_for_what_is_known_to_be_inside(
        self, tmp_path, public, internet, monkeypatch
    ):
        internet.names["inside.example"] = [["10.0.0.1"]]
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        download = Download(tmp_path / "job.mp4", owner="me", trusted=False)
        refused(download, "https://inside.example/x", "not a public https")
        assert internet.connected == []


class TestPace:
    def test_a_server_that_drips_is_given_up_and_its_part_gone_on_with(self, tmp_path, host, monkeypatch):
        def drip(handler):
            handler.head(200, {"ETag": '"v1"', "Content-Length": len(host.clip)})
            handler.wfile.write(host.clip[:1000])
            at = 1000
            while not host.let_go.wait(0.02):
                handler.wfile.write(host.clip[at : at + 1])
                at += 1

        host.script.append(drip)
        monkeypatch.setattr(room, "WINDOW", 0.5)
        download = Download(tmp_path / "job.mp4", owner="me", trusted=True)
        refused(download, host.url, f"fewer than {room.RATE} bytes arrived per second")
        here = download.part.size()
        assert 1000 <= here < len(host.clip)
        monkeypatch.setattr(room, "WINDOW", 30)
        got = asyncio.run(download.fetch(host.url))
        assert (got.path.read_bytes(), host.asked[1]["range"]) == (host.clip, f"bytes={here}-")

    def test_a_slow_server_that_keeps_the_rate_is_not_given_up(self, tmp_path, host, monkeypatch):
        """It takes several windows, each of which brings what it owes."""
        monkeypatch.setattr(room, "WINDOW", 1.0)
        monkeypatch.setattr(room, "RATE", 10)

        def slow(handler):
            handler.head(200, {"ETag": '"v1"', "Content-Length": len(host.clip)})
            each = len(host.clip) // 20 + 1
            for at in range(0, len(host.clip), each):
                handler.wfile.write(host.clip[at : at + each])
                host.let_go.wait(0.12)

        host.script.append(slow)
        assert get(tmp_path, host.url).path.read_bytes() == host.clip
        assert len(host.asked) == 1

    def test_headers_that_drip_are_given_up(self, tmp_path, host, monkeypatch):
        def drip(handler):
            while not host.let_go.wait(0.02):
                handler.wfile.write(b"H")

        host.script.append(drip)
        monkeypatch.setattr(http_get, "OPENING_SECONDS", 0.3)
        refused(Download(tmp_path / "job.mp4", owner="me", trusted=True), host.url, "not start within 0.3 s")


def cancelled(download, link, when):
    """Cancel a download at a moment; after that nothing of it may be under way."""

    async def story():
        task = asyncio.create_task(download.fetch(link))
        while not when():
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(story())  # which also waits for every thread that the loop started


class TestCutting:
    def test_while_the_host_says_nothing(self, tmp_path, host):
        host.script.append(lambda _: host.let_go.wait(60))
        download = Download(tmp_path / "job.mp4", owner="me", trusted=True)
        cancelled(download, host.url, lambda: host.asked)

    def test_in_the_middle_of_a_file_keeps_what_came(self, tmp_path, host):
        host.script.append(host.half_and_hang)
        half, download = len(host.clip) // 2, Download(tmp_path / "job.mp4", owner="me", trusted=True)
        cancelled(download, host.url, lambda: download.part.size() == half)
        assert asyncio.run(download.fetch(host.url)).path.read_bytes() == host.clip
        assert host.asked[1]["range"] == f"bytes={half}-"

    def test_while_the_connection_is_secured(self, tmp_path, internet):
        silent = socket.create_server(("127.0.0.1", 0))
        internet.routes[PUBLIC] = silent.getsockname()[1]
        internet.names["results.example"] = [[PUBLIC]]
        download = Download(tmp_path / "job.mp4", owner="me", trusted=False)
        with silent:
            cancelled(download, LINK, lambda: select.select([silent], [], [], 0)[0])

    def test_before_there_is_a_connection_none_is_made(self, tmp_path, host, internet, monkeypatch):
        looking, found = threading.Event(), threading.Event()

        def slow(*_args, **_options):
            looking.set()
            found.wait(60)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, 443))]

        monkeypatch.setattr(socket, "getaddrinfo", slow)

        async def story():
            download = Download(tmp_path / "job.mp4", owner="me", trusted=False)
            task = asyncio.create_task(download.fetch(LINK))
            await asyncio.to_thread(looking.wait, 60)
            task.cancel()
            await asyncio.sleep(0)
            found.set()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(story())
        assert internet.connected == []

    def test_a_slow_disk_does_not_hold_the_loop_up(self, tmp_path, host, monkeypatch):
        slow, real, ticks = threading.Event(), PartialFile.begin, []

        def begin(part, note):
            assert slow.wait(60)
            real(part, note)

        monkeypatch.setattr(PartialFile, "begin", begin)

        async def story():
            task = asyncio.create_task(
                Download(tmp_path / "job.mp4", owner="me", trusted=True).fetch(host.url)
            )
            while not host.asked:
                await asyncio.sleep(0.005)
            ticks.append(task.done())
            slow.set()
            return await task

        assert asyncio.run(story()).path.read_bytes() == host.clip
        assert ticks == [False]


@pytest.fixture
def elsewhere(endpoint, host):
    """The endpoint's results lie on the other host, at a link that is signed anew at every look."""
    signed = iter(range(1, 10_000))

    def completed(task_id):
        link = f"{host.url}/clip.mp4?X-Amz-Signature={next(signed):x}&X-Amz-Date=1"
        return endpoint.completed(task_id, result={"videos": [{"url": link}]})

    endpoint.next_poll.extend([completed] * 1000)
    return host


def whole_part(folder, size):
    """Return whether a part in a folder has come to this size."""
    return any(size_of(part) == size for part in folder.rglob("*.mp4.*.part"))  # some go meanwhile


class TestAcrossProcesses:
    def killed(self, tmp_path, endpoint, req, host):
        """Let a process be killed when half of its result is here."""
        host.script.append(host.half_and_hang)
        half = len(host.clip) // 2
        with Process(tmp_path / "ws", endpoint, req, lease=1.0) as run:
            until(lambda: whole_part(tmp_path / "ws" / "results", half))
            run.kill()
            assert run.code() == -9
        return half

    def finish(self, ws, host):
        job = ws.jobs()[0].wait(60)
        assert job.state == "collected"
        assert job.result.read_bytes() == host.clip
        assert [one.name for one in results_in(ws.folder)] == [f"{job.id}.mp4"]

    def test_the_part_of_a_killed_process_is_gone_on_with(self, tmp_path, spaces, endpoint, req, elsewhere):
        half = self.killed(tmp_path, endpoint, req, elsewhere)
        self.finish(spaces(), elsewhere)
        assert [asked.get("range") for asked in elsewhere.asked] == [None, f"bytes={half}-"]
        assert elsewhere.asked[1]["if-range"] == '"v1"'

    def test_a_file_that_changed_meanwhile_begins_anew(self, tmp_path, spaces, endpoint, req, elsewhere):
        self.killed(tmp_path, endpoint, req, elsewhere)
        elsewhere.etag = '"v2"'
        self.finish(spaces(), elsewhere)
        assert elsewhere.asked[1]["if-range"] == '"v1"'

    def test_a_part_that_was_not_asked_for_begins_anew(self, tmp_path, spaces, endpoint, req, elsewhere):
        self.killed(tmp_path, endpoint, req, elsewhere)

        def odd(handler):
            span = {"Content-Range": f"bytes 5-9/{len(elsewhere.clip)}", "Content-Length": 5}
            handler.head(206, {"ETag": '"v1"', **span})
            handler.wfile.write(elsewhere.clip[5:10])

        elsewhere.script.append(odd)
        self.finish(spaces(), elsewhere)
        assert "range" not in elsewhere.asked[2]

    def test_what_was_whole_when_the_process_died_is_not_asked_for_again(
        self, tmp_path, spaces, endpoint, req, elsewhere
    ):
        with Process(tmp_path / "ws", endpoint, req, die="download") as run:
            assert run.code() == -9
        self.finish(spaces(), elsewhere)
        assert len(elsewhere.asked) == 1

    def test_closing_keeps_the_part_for_the_next(self, tmp_path, spaces, endpoint, req, elsewhere):
        elsewhere.script.append(elsewhere.half_and_hang)
        half, ws = len(elsewhere.clip) // 2, spaces()
        ws.submit(req, max_cost=MAX)
        until(lambda: whole_part(ws.folder / "results", half))
        ws.close()
        self.finish(spaces(), elsewhere)
        assert elsewhere.asked[1]["range"] == f"bytes={half}-"

    def test_a_busy_host_costs_nothing_of_what_is_here(self, tmp_path, spaces, endpoint, req, elsewhere):
        half = self.killed(tmp_path, endpoint, req, elsewhere)
        elsewhere.script.append(lambda handler: handler.head(503, {"Content-Length": 0}))
        self.finish(spaces(), elsewhere)
        assert elsewhere.asked[2]["range"] == f"bytes={half}-"


class TestPart:
    def left(self, folder, **changes):
        """Leave what another process had of a file."""
        other = PartialFile(folder / "job.mp4", "other")
        other.begin(Note("link", '"v1"', 100))
        other.path.write_bytes(b"half")
        about = folder / UNFINISHED / "job.mp4.other.about.part"
        about.write_text(json.dumps(json.loads(about.read_text()) | changes))
        return other

    def test_of_another_process_is_copied(self, tmp_path):
        other, mine = self.left(tmp_path), PartialFile(tmp_path / "job.mp4", "me")
        assert (mine.resume("link"), mine.path.read_bytes(), mine.note.etag) == (4, b"half", '"v1"')
        other.path.open("ab").write(b" more")
        assert mine.size() == 4, "a slow process may still write to its own"

    @pytest.mark.parametrize(
        "changes",
        [
            {"link": "another"}, {"etag": ""}, {"etag": 1}, {"odd": 1},
            {"whole": 3}, {"whole": "3"}, {"sums": ["md5"]},
        ],
        ids=str,
    )  # fmt: skip
    def test_of_something_else_is_not(self, tmp_path, changes):
        self.left(tmp_path, **changes)
        assert PartialFile(tmp_path / "job.mp4", "me").resume("link") == 0

    @pytest.mark.parametrize("torn", ["", '{"link": "li', "[]", "null"])
    def test_with_half_a_note_is_not(self, tmp_path, torn):
        self.left(tmp_path)
        (tmp_path / UNFINISHED / "job.mp4.other.about.part").write_text(torn)
        assert PartialFile(tmp_path / "job.mp4", "me").resume("link") == 0

    def test_of_a_weakly_tagged_file_is_not(self, tmp_path, host):
        host.etag = 'W/"v1"'
        host.script.append(lambda handler: cut_short(handler, host))
        download = Download(tmp_path / "job.mp4", owner="me", trusted=True)
        refused(download, host.url, "could not be downloaded")
        asyncio.run(download.fetch(host.url))
        assert "range" not in host.asked[1]

    def test_who_lost_the_lease_removes_only_its_own(self, tmp_path):
        other, mine = self.left(tmp_path), PartialFile(tmp_path / "job.mp4", "me")
        mine.resume("link")
        other.discard()
        assert (mine.resume("link"), other.path.exists()) == (4, False)
        mine.tidy()
        assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def cut_short(handler, host):
    handler.head(200, {"ETag": host.etag, "Content-Length": len(host.clip)})
    handler.wfile.write(host.clip[:100])
    handler.close_connection = True


UNSHARE = shutil.which("unshare")
SMALL = ["sh", "-c", 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"', "sh"]


def namespaces():
    """Return whether a process may have a disk of its own, on which room can be made."""
    if UNSHARE is None:
        return False
    trial = [UNSHARE, "-rm", "sh", "-c", "mount -t tmpfs tmpfs /tmp"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


own_disk = pytest.mark.skipif(not namespaces(), reason="no mount namespaces here")

FETCH = """
import asyncio, json, resource, subprocess, sys
from pathlib import Path
from motion_widgets.core.errors import LogError
from motion_widgets.jobs.download.download import Download
told = json.loads(sys.argv[1])
download = Download(Path(told["folder"]) / "job.mp4", owner="me", trusted=True)
if told["limit"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (told["limit"], resource.RLIM_INFINITY))
said = []
for _ in range(2):
    try:
        asyncio.run(download.fetch(told["url"]))
    except LogError as error:
        said.append([error.code, download.part.size()])
if told["limit"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
else:
    subprocess.run(["mount", "-o", "remount,size=64m", told["folder"]], check=True)
got = asyncio.run(download.fetch(told["url"]))
print(json.dumps([said, got.sha256]))
"""

WHOLE_JOB = """
import dataclasses, json, subprocess, sys, time
from motion_widgets import MotionRequest, Workspace
from motion_widgets.jobs.scheduling import timing
timing.BEAT, timing.POLL, timing.BACKOFF = 0.1, (0.005, 0.01), (0.005, 0.05)
told = json.loads(sys.argv[1])
results = told["folder"] + "/results"
ws = Workspace(told["folder"], endpoint=told["url"], key="test-key")
req = MotionRequest(**told["request"])
def until(condition):
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)
first = ws.submit(req, max_cost=0.5)
until(lambda: first.row.error_code == "results_full")
second = ws.submit(dataclasses.replace(req, prompt="another"), max_cost=0.5)
until(lambda: second.row.error_code == "results_full")
subprocess.run(["mount", "-o", "remount,ro,size=64m", results], check=True)
until(lambda: first.row.error_code == "results_locked")
print(json.dumps([first.state, second.state, first.error]))
subprocess.run(["mount", "-o", "remount,rw", results], check=True)
print(json.dumps([job.wait(60).state for job in (first, second)] + [first.row.error_code]))
ws.close()
"""


def child(script, told, *before):
    command = [*before, sys.executable, "-c", script, json.dumps(told)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


class TestDisk:
    @own_disk
    def test_without_room_the_file_is_not_even_begun(self, tmp_path, host):
        """Its length is known, so the disk is not filled to the brim first, and the host is left alone."""
        told = {"folder": str(tmp_path), "url": host.url, "limit": 0}
        small = [UNSHARE, "-rm", *SMALL, f"{len(host.clip) // 2}", str(tmp_path)]
        [[said, sha]] = child(FETCH, told, *small)
        assert said == [["results_full", 0]] * 2
        assert sha == hashlib.sha256(host.clip).hexdigest()
        assert len(host.asked) == 2

    @own_disk
    def test_what_came_until_the_disk_was_full_is_kept(self, tmp_path, host):
        host.script.append(host.unknown_length)
        told = {"folder": str(tmp_path), "url": host.url, "limit": 0}
        [[said, sha]] = child(FETCH, told, UNSHARE, "-rm", *SMALL, "20k", str(tmp_path))
        (code, size), again = said
        assert (code, again) == ("results_full", ["results_full", size])
        assert 0 < size < len(host.clip)
        assert sha == hashlib.sha256(host.clip).hexdigest()
        assert [asked.get("range") for asked in host.asked] == [None, f"bytes={size}-"]

    def test_a_limit_on_files_is_a_full_disk(self, tmp_path, host):
        half = len(host.clip) // 2
        [[said, sha]] = child(FETCH, {"folder": str(tmp_path), "url": host.url, "limit": half})
        assert said == [["results_full", half]] * 2
        assert sha == hashlib.sha256(host.clip).hexdigest()
        assert host.asked[-1]["range"] == f"bytes={half}-"

    @own_disk
    def test_downloads_pause_polls_go_on_and_it_ends_well(self, tmp_path, endpoint, req):
        results = tmp_path / "ws" / "results"
        results.mkdir(parents=True)
        told = {"folder": str(tmp_path / "ws"), "url": endpoint.url, "request": dataclasses.asdict(req)}
        small = [UNSHARE, "-rm", *SMALL, f"{len(endpoint.clip) // 2}", str(results)]
        paused, ended = child(WHOLE_JOB, told, *small)
        assert paused[:2] == ["completed", "completed"], "the second was followed to its end meanwhile"
        assert "Make it writable" in paused[2]
        assert ended == ["collected", "collected", None]
        assert len(endpoint.posts) == 2

    def test_folder_that_is_gone_is_waited_for(self, ws, req, endpoint):
        results, away = ws.folder / "results", ws.folder / "away"
        endpoint.next_download.append(lambda _: results.rename(away) and None)
        job = ws.submit(req, max_cost=MAX)
        until(lambda: job.row.error_code == "results_gone")
        assert str(results) in job.error
        assert job.state == "completed"
        away.rename(results)
        assert job.wait(30).state == "collected"
        assert job.result.read_bytes() == endpoint.clip


def b64(algorithm, data):
    return base64.b64encode(hashlib.new(algorithm, data).digest()).decode()


STATED = {
    "Content-MD5": lambda data: b64("md5", data),
    "Digest": lambda data: f"crc32c=AAAA, SHA-256={b64('sha256', data)}",
    "Repr-Digest": lambda data: f"sha-512=:{b64('sha512', data)}:, unixsum=1",
    "Content-Digest": lambda data: f"sha-256=:{b64('sha256', data)}:",
    "x-amz-checksum-sha256": lambda data: b64("sha256", data),
    "x-goog-hash": lambda data: f"crc32c=n03x6A==,md5={b64('md5', data)}",
    "ETag": lambda data: f'"{hashlib.md5(data).hexdigest()}"',
}


STORE = {"x-amz-request-id": "1"}


class TestWhatIsNoResult:
    """A host that sends something else, or not all of it: said in words, and a later try still ends well."""

    @pytest.fixture
    def download(self, tmp_path):
        return Download(tmp_path / "job.mp4", owner="me", trusted=True)

    def gets_it(self, download, host):
        assert asyncio.run(download.fetch(host.url)).path.read_bytes() == host.clip

    def test_a_rest_that_ends_too_early(self, download, host):
        half, size = len(host.clip) // 2, len(host.clip)

        def short(handler):
            span = {"ETag": '"v1"', "Content-Range": f"bytes {half}-{size - 1}/{size}", "Content-Length": 10}
            handler.head(206, span)
            handler.wfile.write(host.clip[half : half + 10])

        host.script.extend([part_of(host, half), short])
        refused(download, host.url, "ConnectError|RemoteProtocolError|peer closed")
        assert download.part.size() == half
        refused(download, host.url, f"only {half + 10} of {size} bytes arrived")
        self.gets_it(download, host)
        assert host.asked[2]["range"] == f"bytes={half + 10}-"

    @pytest.mark.parametrize("status", [412, 416])
    def test_a_file_that_is_another_by_the_time_the_rest_is_asked_for(self, download, host, status):
        def gone(handler):
            handler.head(status, {"Content-Length": 0})

        host.script.extend([part_of(host, len(host.clip) // 2), gone])
        refused(download, host.url, "peer closed")
        refused(download, host.url, f"HTTP {status}")
        self.gets_it(download, host)
        assert "range" not in host.asked[2], "it begins anew"

    @pytest.mark.parametrize("status", [403, 404, 410])
    def test_a_link_that_is_dead(self, download, host, status):
        host.script.append(lambda handler: handler.head(status, {"Content-Length": 0}))
        with pytest.raises(NotFoundError, match=str(status)):
            asyncio.run(download.fetch(host.url))
        self.gets_it(download, host)

    def test_a_file_that_says_that_it_is_too_large_is_not_begun(self, download, host, monkeypatch):
        monkeypatch.setattr(room, "RESULT_MAX", len(host.clip) - 1)
        refused(download, host.url, "too large to be a result")
        assert download.part.size() == 0

    def test_a_file_that_turns_out_to_be_too_large_is_given_up(self, download, host, monkeypatch):
        monkeypatch.setattr(room, "RESULT_MAX", len(host.clip) - 1)
        host.script.append(host.unknown_length)
        refused(download, host.url, "too large to be a result")
        assert download.part.size() < len(host.clip)
        assert not download.target.exists()

    def test_a_clip_that_was_cut_off_at_the_endpoint(self, download, host):
        whole = header_first(host.clip, download.target.parent)
        host.clip = whole[: len(whole) * 2 // 3]
        refused(download, host.url, r"\(it is cut off\)")
        assert not download.target.exists()
        host.clip = whole
        self.gets_it(download, host)
        assert "range" not in host.asked[1], "nothing is appended to what is no video"

    def test_settings_of_this_machine_that_lead_nowhere(self, tmp_path, public, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", "gopher://127.0.0.1:9")
        refused(Download(tmp_path / "job.mp4", owner="me", trusted=False), LINK, "HTTPS_PROXY|gopher")
        assert public.asked == []

    def test_a_result_of_another_process_beside_which_this_one_goes(self, download, host):
        download.target.write_bytes(b"somebody's own")
        download.target.with_name("job-2.mp4").write_bytes(b"and another")
        got = asyncio.run(download.fetch(host.url))
        assert (got.path.name, got.path.read_bytes()) == ("job-3.mp4", host.clip)
        assert download.target.read_bytes() == b"somebody's own"

    def test_a_result_that_another_process_put_there_meanwhile_is_the_same_one(self, download, host):
        def first(handler):
            download.target.with_name("job-2.mp4").write_bytes(host.clip)
            handler.head(200, {"Content-Length": len(host.clip)})
            handler.wfile.write(host.clip)

        download.target.write_bytes(b"somebody's own")
        host.script.append(first)
        assert asyncio.run(download.fetch(host.url)).path.name == "job-2.mp4"
        assert sorted(one.name for one in download.target.parent.glob("*.mp4")) == ["job-2.mp4", "job.mp4"]

    def test_what_was_not_asked_for_to_be_kept_is_removed(self, download, host):
        host.script.append(part_of(host, 1000))
        refused(download, host.url, "peer closed")
        assert download.part.size() == 1000
        download.discard()
        assert [one for one in download.target.parent.rglob("*") if one.is_file()] == []


def header_first(clip, folder):
    """Return a clip whose header lies before its pictures, so that the rest may be cut off."""
    before, after = folder / "before.mp4", folder / "after.mp4"
    before.write_bytes(clip)
    copied = ["-i", str(before), "-c", "copy", "-movflags", "+faststart", str(after)]
    subprocess.run([ffmpeg_exe(), "-loglevel", "error", *copied], check=True)
    return after.read_bytes()


def part_of(host, count):
    """Send so many bytes of the clip, then close the connection."""

    def answer(handler):
        handler.head(200, {"ETag": '"v1"', "Content-Length": len(host.clip)})
        handler.wfile.write(host.clip[:count])
        handler.wfile.flush()
        handler.close_connection = True

    return answer


class TestFolder:
    """What the results' folder refuses is told apart, as a person mends each in another way."""

    def test_a_name_that_the_disk_does_not_take(self, tmp_path, host):
        download = Download(tmp_path / f"{'j' * 250}.mp4", owner="me", trusted=True)
        refused(download, host.url, "Cannot write the file: .*it is tried again")

    @pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="a place where not even root may write")
    def test_a_place_where_nobody_may_write(self, host):
        host.script.append(host.unknown_length)  # else it says that there is no room
        download = Download(Path("/sys/kernel/job.mp4"), owner="me", trusted=True)
        refused(download, host.url, "/sys/kernel is not writable .*Make it writable")

    def test_a_disk_that_filled_up_since_the_last_attempt(self, tmp_path, host, monkeypatch):
        download, usage = (
            Download(tmp_path / "job.mp4", owner="me", trusted=True),
            shutil.disk_usage(tmp_path),
        )
        host.script.append(part_of(host, 1000))
        refused(download, host.url, "peer closed")
        monkeypatch.setattr(room.shutil, "disk_usage", lambda _: usage._replace(free=len(host.clip) - 1001))
        refused(download, host.url, "no room for the result")
        assert len(host.asked) == 1, "it is not even asked for"
        monkeypatch.setattr(room.shutil, "disk_usage", lambda _: usage._replace(free=len(host.clip) - 1000))
        assert asyncio.run(download.fetch(host.url)).size == len(host.clip)
        assert host.asked[1]["range"] == "bytes=1000-"


class TestSums:
    def flipped(self, clip):
        """Flip one bit inside the media, where no box tells of it."""
        at = clip.index(b"mdat") + 500
        return clip[:at] + bytes([clip[at] ^ 4]) + clip[at + 1 :]

    @pytest.mark.parametrize("name", STATED)
    def test_flipped_bits_show_by_what_the_server_states(self, tmp_path, host, name):
        good = host.clip
        host.headers = {name: STATED[name](good), **STORE}
        host.etag = host.headers.pop("ETag", '"v1"')
        host.clip = self.flipped(good)
        download = Download(tmp_path / "job.mp4", owner="me", trusted=True)
        refused(download, host.url, "does not match the server's")
        host.clip = good
        assert asyncio.run(download.fetch(host.url)).path.read_bytes() == good
        assert "range" not in host.asked[1]

    @pytest.mark.parametrize("name", STATED)
    def test_right_hash_is_no_trouble(self, tmp_path, host, name):
        host.headers = {name: STATED[name](host.clip), **STORE}
        host.etag = host.headers.pop("ETag", '"v1"')
        get(tmp_path, host.url)
        assert len(host.asked) == 1

    def test_a_server_that_states_a_wrong_hash_costs_one_more_try_not_the_result(self, tmp_path, host):
        host.headers = {"Content-MD5": b64("md5", b"something else")}
        download = Download(tmp_path / "job.mp4", owner="me", trusted=True)
        refused(download, host.url, "its md5")
        assert asyncio.run(download.fetch(host.url)).path.read_bytes() == host.clip

    def test_what_is_put_together_of_two_answers_is_checked_as_a_whole(self, tmp_path, host):
        good = host.clip
        host.headers = {"Digest": STATED["Digest"](good)}
        host.script.append(host.half_and_hang)
        host.let_go.set()
        download = Download(tmp_path / "job.mp4", owner="me", trusted=True)
        refused(download, host.url, "could not be downloaded")
        host.clip = good[:-1] + bytes([good[-1] ^ 1])
        refused(Download(tmp_path / "job.mp4", owner="next", trusted=True), host.url, "its sha256")

    def test_without_a_stated_hash_flipped_pictures_are_not_found(self, tmp_path, host):
        """Not a promise, but the truth: the boxes are whole, and nothing else tells."""
        host.clip = self.flipped(host.clip)
        assert get(tmp_path, host.url).size == len(host.clip)

    @pytest.mark.parametrize(
        "headers",
        [
            {"etag": f'"{"a" * 32}"'}, {"etag": '"v1"', **STORE}, {"etag": f'W/"{"a" * 32}"', **STORE},
            {"etag": f'"{"a" * 32}-3"', **STORE},
            {"etag": f'"{"a" * 32}"', "x-amz-server-side-encryption-aws-kms-key-id": "arn", **STORE},
            {"x-amz-checksum-sha256": f"{b64('sha256', b'')}-3"}, {"content-md5": "nonsense"},
            {"content-md5": b64("sha256", b"")}, {"digest": "md5=, sha-256"},
            {"content-md5": b64("md5", b""), "content-encoding": "gzip"},
        ],
        ids=str,
    )  # fmt: skip
    def test_what_is_ambiguous_states_nothing(self, headers):
        assert sums_of(headers) == {}


class TestOtherForms:
    """A result is taken in whatever form it comes, as long as it is all there."""

    def test_a_part_that_is_the_whole_file(self, tmp_path, host):
        def whole(handler):
            size = len(host.clip)
            handler.head(206, {"Content-Range": f"bytes 0-{size - 1}/{size}", "Content-Length": size})
            handler.wfile.write(host.clip)

        host.script.append(whole)
        assert get(tmp_path, host.url).path.read_bytes() == host.clip
        assert len(host.asked) == 1

    def test_a_part_that_is_the_whole_file_after_half_of_it(self, tmp_path, host):
        def half(handler):
            handler.head(200, {"ETag": '"v1"', "Content-Length": len(host.clip)})
            handler.wfile.write(host.clip[: len(host.clip) // 2])
            handler.close_connection = True

        def whole(handler):
            size = len(host.clip)
            handler.head(206, {"Content-Range": f"bytes 0-{size - 1}/{size}", "Content-Length": size})
            handler.wfile.write(host.clip)

        host.script += [half, whole]
        download = Download(tmp_path / "job.mp4", owner="me", trusted=True)
        refused(download, host.url, "could not be downloaded")
        assert asyncio.run(download.fetch(host.url)).path.read_bytes() == host.clip
        assert "range" in host.asked[1]

    def test_a_part_that_is_not_the_whole_is_refused(self, tmp_path, host):
        def part(handler):
            size = len(host.clip)
            handler.head(206, {"Content-Range": f"bytes 0-{size - 2}/{size}", "Content-Length": size - 1})
            handler.wfile.write(host.clip[:-1])

        host.script.append(part)
        download = Download(tmp_path / "job.mp4", owner="me", trusted=True)
        refused(download, host.url, "not requested")

    @pytest.mark.parametrize("named", [True, False])
    def test_a_compressed_file(self, tmp_path, host, named):
        clip, host.clip = host.clip, gzip.compress(host.clip)
        host.headers = {"Content-Encoding": "gzip"} if named else {}
        got = get(tmp_path, host.url)
        assert got.path.read_bytes() == clip
        assert (got.size, got.sha256) == (len(clip), hashlib.sha256(clip).hexdigest())
        assert [one.name for one in tmp_path.rglob("*") if one.is_file()] == ["job.mp4"]

    def test_a_compressed_file_is_gone_on_with_as_it_was_sent(self, tmp_path, host):
        clip, host.clip = host.clip, gzip.compress(host.clip)
        host.headers = {"Content-Encoding": "gzip"}

        def half(handler):
            handler.head(200, {"ETag": '"v1"', "Content-Length": len(host.clip), **host.headers})
            handler.wfile.write(host.clip[: len(host.clip) // 2])
            handler.close_connection = True

        host.script.append(half)
        download = Download(tmp_path / "job.mp4", owner="me", trusted=True)
        refused(download, host.url, "could not be downloaded")
        assert asyncio.run(download.fetch(host.url)).path.read_bytes() == clip
        assert host.asked[1]["range"] == f"bytes={len(host.clip) // 2}-"

    @pytest.mark.parametrize("damage", ["cut off", "wrong sum", "bomb"])
    def test_a_compressed_file_that_is_damaged_or_too_large_is_no_result(
        self, tmp_path, host, damage, monkeypatch
    ):
        packed = gzip.compress(host.clip)
        host.clip = packed[:-20] if damage == "cut off" else packed[:-8] + bytes(8)
        if damage == "bomb":
            host.clip = gzip.compress(bytes(32 << 20))
            monkeypatch.setattr(room, "RESULT_MAX", 1 << 20)
        download = Download(tmp_path / "job.mp4", owner="me", trusted=True)
        refused(download, host.url, "could not be downloaded")
        assert not (tmp_path / "job.mp4").exists()

    def test_a_plain_file_that_is_called_compressed(self, tmp_path, host):
        host.headers = {"Content-Encoding": "gzip"}
        assert get(tmp_path, host.url).path.read_bytes() == host.clip


class TestLeaving:
    def test_results_that_are_not_here_yet_are_named_with_their_end(self, ws, req, endpoint, capsys):
        endpoint.next_download.append("hang")
        job = ws.submit(req, max_cost=MAX)
        until(lambda: endpoint.downloads)
        ws.close()
        said = capsys.readouterr().out
        assert job.id in said
        assert "1 finished result has not been downloaded yet; the first link expires 2" in said

    def test_nothing_is_said_of_what_is_here(self, ws, req, capsys):
        ws.submit(req, max_cost=MAX).wait(30)
        ws.close()
        assert capsys.readouterr().out == ""


class TestAwake:
    @pytest.fixture
    def modes(self, monkeypatch):
        """The real wakepy, which is told that its attempts succeed; give what holds the machine awake."""
        import wakepy

        monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "1")
        until(lambda: not wakepy.global_modes())
        return wakepy.global_modes

    def test_held_while_something_is_under_way(self, modes):
        awake = KeepAwake()
        awake.hold(True)
        awake.hold(True)
        until(lambda: len(modes()) == 1 and modes()[0].active)
        awake.hold(False)
        awake.hold(False)
        until(lambda: not modes())

    def test_the_runner_holds_it_as_long_as_it_has_orders(self, modes, ws, req, endpoint):
        endpoint.next_poll.extend([endpoint.working()] * 100_000)
        job = ws.submit(req, max_cost=MAX)
        until(modes)
        endpoint.next_poll.clear()
        assert job.wait(30).state == "collected"
        until(lambda: not modes())

    def test_closing_lets_it_sleep(self, modes, ws, req, endpoint):
        endpoint.next_poll.extend([endpoint.working()] * 100_000)
        ws.submit(req, max_cost=MAX)
        until(modes)
        ws.close()
        until(lambda: not modes())

    def test_without_wakepy_nothing_happens(self, ws, req, monkeypatch, recwarn):
        monkeypatch.setitem(sys.modules, "wakepy", None)
        assert ws.submit(req, max_cost=MAX).wait(30).state == "collected"
        assert not recwarn.list


class TestLinksInTheWay:
    def test_no_link_in_the_place_of_a_partial_file_is_followed(self, tmp_path, host):
        mine = tmp_path / "mine.txt"
        mine.write_text("mine")
        (tmp_path / "away").mkdir()
        download = Download(tmp_path / "job.mp4", owner="me", trusted=True)
        download.part.path.parent.symlink_to(tmp_path / "away")
        (tmp_path / "away" / download.part.path.name).symlink_to(mine)
        (tmp_path / "job.mp4").symlink_to(mine)
        got = asyncio.run(download.fetch(host.url))
        assert (got.path.read_bytes(), mine.read_text()) == (host.clip, "mine")
        assert [one.name for one in (tmp_path / "away").iterdir()] == [download.part.path.name]

    def test_a_link_that_takes_its_place_meanwhile_is_not_written_through(self, tmp_path):
        mine = tmp_path / "mine.txt"
        mine.write_text("mine")
        download = Download(tmp_path / "job.mp4", owner="me", trusted=True)
        download.part.begin(download.part.note)
        download.part.path.unlink()
        download.part.path.symlink_to(mine)
        with pytest.raises(OSError, match="symbolic links"):
            download.part.append()
        assert mine.read_text() == "mine"


def test_a_kill_while_the_note_is_written_leaves_nothing_behind(tmp_path, monkeypatch):
    def killed(_, file):
        file.write('{"link": "the li')
        file.flush()
        os._exit(9)

    target, link = tmp_path / "job-1.mp4", "the link"
    child = os.fork()
    if not child:
        monkeypatch.setattr(json, "dump", killed)
        PartialFile(target, "dead").begin(Note(link=link, etag='"v1"', whole=9))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    part = PartialFile(target, "alive")
    assert part.resume(link) == 0
    part.tidy()
    assert list((tmp_path / UNFINISHED).iterdir()) == []
