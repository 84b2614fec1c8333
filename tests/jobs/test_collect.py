# ruff: noqa: PLW0108
"""Downloading what was paid for: whole, checked, never overwritten, and for as long as its link lives."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import sqlite3
import time

import pytest

from motion_widgets import Workspace
from motion_widgets.endpoint.errors import EndpointError
from motion_widgets.jobs.download.download import Download
from motion_widgets.log.engine import now_us
from motion_widgets.log.store import Log
from tests import hostile
from tests.jobs.endpoint import Endpoint, Say, refusal, results_in, until

MAX = 0.50
DAY = 86400.0
ETAG = {"ETag": '"v1"'}


def cut(endpoint, **headers):
    half = endpoint.clip[: len(endpoint.clip) // 2]
    return Say(200, half, {"Content-Length": str(len(endpoint.clip)), **headers})


def finished(ws, req, endpoint):
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert job.state == "collected"
    assert job.result.read_bytes() == endpoint.clip
    assert job.row.result_sha == hashlib.sha256(endpoint.clip).hexdigest()
    assert [one.name for one in results_in(ws.folder)] == [f"{job.id}.mp4"]
    return job


def test_truncated_download_is_resumed_where_it_broke(ws, req, endpoint):
    endpoint.next_download.append(cut(endpoint, **ETAG))
    finished(ws, req, endpoint)
    assert endpoint.downloads[1]["range"] == f"bytes={len(endpoint.clip) // 2}-"
    assert endpoint.downloads[1]["if-range"] == '"v1"'


def test_without_an_etag_it_begins_anew(ws, req, endpoint):
    endpoint.next_download.append(cut(endpoint))
    finished(ws, req, endpoint)
    assert "range" not in endpoint.downloads[1]


@pytest.mark.parametrize("content_range", ["bytes 0-9/99999", "bytes 7-9/10", "nonsense"])
def test_part_that_was_not_asked_for_begins_anew(ws, req, endpoint, content_range):
    odd = Say(206, b"0123456789", {"Content-Range": content_range, **ETAG})
    endpoint.next_download.extend([cut(endpoint, **ETAG), odd])
    finished(ws, req, endpoint)


def test_changed_file_begins_anew(ws, req, endpoint):
    """If-Range with an old tag brings the whole file, which takes the place of the half one."""
    endpoint.next_download.extend([cut(endpoint, ETag='"old"'), None])
    finished(ws, req, endpoint)
    assert endpoint.downloads[1]["if-range"] == '"old"'


@pytest.mark.parametrize(
    "answer", [Say(200, b"<html>sorry</html>"), Say(200, b""), refusal(500), "reset", "half"], ids=repr
)
def test_what_is_no_whole_video_is_refused_and_fetched_again(ws, req, endpoint, answer):
    if answer == "half":  # as long as promised, but its boxes say more
        answer = Say(200, endpoint.clip[: len(endpoint.clip) // 2])
    endpoint.next_download.append(answer)
    finished(ws, req, endpoint)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_dead_link_asks_the_task_for_another(ws, req, endpoint, status):
    endpoint.next_download.append(refusal(status))
    finished(ws, req, endpoint)
    assert len(endpoint.polls) == 2


def test_link_that_stays_dead_expires(ws, req, endpoint):
    endpoint.next_download.extend([refusal(403)] * 10_000)
    job = ws.submit(req, max_cost=MAX)
    until(lambda: len(endpoint.downloads) > 8)
    assert job.state == "completed", "the task says that it lives"
    endpoint.expires_in = -5.0
    assert job.wait(30).state == "expired"
    assert "403" in job.error
    assert ws.submit(req).id == job.id, "expired is no reason to pay again"
    endpoint.next_download.clear()
    assert ws.attach(job.id).wait(30).state == "collected", "a person's attach asks again"


def test_expiry_is_by_the_endpoints_clock(ws, req, endpoint, monkeypatch):
    """This machine's clock is a week ahead, so that every link seems to have expired."""
    endpoint.clock_ahead = -7 * 24 * 3600.0
    endpoint.next_download.extend([refusal(403)] * 5)
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, len(endpoint.downloads)) == ("collected", 6)


def test_a_clock_that_was_behind_and_is_put_right_expires_nothing(ws, req, endpoint, set_clock):
    """By what this machine's clock showed when the task ended, its link should have expired days ago."""
    set_clock(-7 * DAY)
    endpoint.next_download.extend([refusal(403)] * 10_000)
    job = ws.submit(req, max_cost=MAX)
    until(lambda: len(endpoint.downloads) > 3)
    endpoint.next_poll.extend([refusal(404)] * 10_000)
    set_clock(0)
    asked = len(endpoint.downloads)
    until(lambda: len(endpoint.downloads) > asked + 3)
    assert job.state == "completed"
    endpoint.next_download.clear()
    assert job.wait(30).state == "collected"


def test_lifetime_instead_of_a_moment(ws, req, endpoint):
    def lives(task_id):
        return endpoint.completed(
            task_id, result={"videos": [{"url": f"{endpoint.url}/result/{task_id}.mp4", "expires_at": 86400}]}
        )

    endpoint.next_poll.extend([lives] * 100)
    endpoint.next_download.extend([refusal(403)] * 5)
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert job.state == "collected"
    assert job.row.expires_at / 1e6 == pytest.approx(time.time() + 86400, abs=120)


def test_any_trouble_past_the_expiry_expires(ws, req, endpoint):
    endpoint.expires_in = -5.0
    endpoint.next_download.extend([refusal(500)] * 100)
    assert ws.submit(req, max_cost=MAX).wait(30).state == "expired"


def test_fresh_link_of_the_task_is_used(ws, req, endpoint):
    moved = {"videos": [{"url": f"{endpoint.url}/media/clip.mp4"}]}
    endpoint.next_poll.extend([None, lambda task_id: endpoint.completed(task_id, result=moved)])
    endpoint.next_download.extend([refusal(403)] * 100)
    finished(ws, req, endpoint)


@pytest.mark.parametrize(
    "link", ["http://[", "file:///etc/passwd", "http://10.0.0.1/x.mp4", "", "\x00", "ftp://x/y"]
)
def test_links_that_lead_astray_are_refused_in_words(ws, req, endpoint, link):
    odd = {"videos": [{"url": [link, f"{endpoint.url}/result/task_0001.mp4"]}]}
    endpoint.next_poll.extend([lambda task_id: endpoint.completed(task_id, result=odd)] * 100)
    finished(ws, req, endpoint)


def test_live_host_may_not_lead_to_this_machine(tmp_path, endpoint):
    for link in (f"{endpoint.url}/result/x.mp4", "https://127.0.0.1/x.mp4", "https://localhost/x.mp4"):
        with pytest.raises(EndpointError, match="not a public"):
            asyncio.run(Download(tmp_path / "x.mp4", owner="me", trusted=False).fetch(link))
    assert endpoint.downloads == []


def test_redirects_are_followed_hop_by_hop(ws, req, endpoint):
    there = Say(302, b"", {"Location": "/result/task_0001.mp4"})
    away = Say(302, b"", {"Location": "http://10.0.0.1/x.mp4"})
    endpoint.next_download.extend([there, away, *[there] * 5])
    finished(ws, req, endpoint)


def test_disk_trouble_waits_and_goes_on(ws, req, endpoint, monkeypatch):
    real, left = Download._accept, [2]

    def full(self, *arguments):
        if left[0]:
            left[0] -= 1
            raise OSError(28, "No space left on device")
        return real(self, *arguments)

    monkeypatch.setattr(Download, "_accept", full)
    finished(ws, req, endpoint)


class TestNeverOverwritten:
    def test_result_of_an_earlier_process_is_taken_as_it_is(self, tmp_path, endpoint):
        target = tmp_path / "job.mp4"
        target.write_bytes(endpoint.clip)
        got = asyncio.run(Download(target, owner="me", trusted=True).fetch(f"{endpoint.url}/result/x"))
        assert (got.path, got.size, endpoint.downloads) == (target, len(endpoint.clip), [])

    def test_something_else_of_that_name_stays(self, tmp_path, endpoint):
        target = tmp_path / "job.mp4"
        target.write_bytes(b"mine")
        download = Download(target, owner="me", trusted=True)
        got = asyncio.run(download.fetch(f"{endpoint.url}/result/x"))
        assert (target.read_bytes(), got.path.read_bytes()) == (b"mine", endpoint.clip)
        assert got.path.name == "job-2.mp4"

    def test_name_taken_during_the_download(self, tmp_path, endpoint):
        target = tmp_path / "job.mp4"

        def race(_):
            target.write_bytes(b"mine")

        endpoint.next_download.append(race)
        got = asyncio.run(Download(target, owner="me", trusted=True).fetch(f"{endpoint.url}/result/x"))
        assert (target.read_bytes(), got.path.name) == (b"mine", "job-2.mp4")

    def test_name_taken_at_the_last_moment(self, tmp_path, endpoint, monkeypatch):
        target, real = tmp_path / "job.mp4", os.link

        def race(part, place):
            target.exists() or target.write_bytes(b"mine")
            real(part, place)

        monkeypatch.setattr("os.link", race)
        got = asyncio.run(Download(target, owner="me", trusted=True).fetch(f"{endpoint.url}/result/x"))
        assert (target.read_bytes(), got.path.name) == (b"mine", "job-2.mp4")

    def test_two_processes_never_write_the_same_part(self, tmp_path, endpoint):
        target = tmp_path / "job.mp4"
        downloads = [Download(target, owner=f"{number}", trusted=True) for number in range(4)]

        async def all_at_once():
            return await asyncio.gather(*[one.fetch(f"{endpoint.url}/result/x") for one in downloads])

        assert {got.path for got in asyncio.run(all_at_once())} == {target}
        assert [one.name for one in tmp_path.rglob("*") if one.is_file()] == ["job.mp4"]

    def test_without_hard_links_it_is_renamed(self, tmp_path, endpoint, monkeypatch):
        def no_links(*_):
            raise PermissionError

        monkeypatch.setattr("os.link", no_links)
        download = Download(tmp_path / "job.mp4", owner="me", trusted=True)
        asyncio.run(download.fetch(f"{endpoint.url}/result/x"))
        assert [one.name for one in tmp_path.rglob("*") if one.is_file()] == ["job.mp4"]


def test_part_appears_under_its_name_only_when_whole(ws, req, endpoint):
    seen = []

    def look(_):
        seen.extend(one.name for one in (ws.folder / "results").iterdir() if one.suffix == ".mp4")

    endpoint.next_download.extend([cut(endpoint, **ETAG), look])
    job = finished(ws, req, endpoint)
    assert seen == []
    until(lambda: job.result.exists())


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
@pytest.mark.parametrize("known", [True, False])
def test_link_of_a_row_is_never_fetched_before_its_task_told_it(tmp_path, spaces, endpoint, address, known):
    """Under one's own account as well: somebody may have sent the folder."""
    canary, ws = Endpoint(endpoint.clip), spaces()
    ws.close()  # else it might take the row up in passing
    row = {
        "id": "job-sent", "endpoint": ws.endpoint, "account": ws.account, "sandbox": 0, "state": "completed",
        "task_id": endpoint.accept("paid") if known else "task-none", "sent": 1, "submitted": now_us(),
        "expires_at": now_us() + 3_600_000_000, "links": json.dumps([f"{canary.url}/result/x.mp4"]),
    }  # fmt: skip
    if not known:
        endpoint.next_poll.extend([refusal(404)] * 100_000)
    with contextlib.closing(sqlite3.connect(address)) as db, db:
        assert hostile.insert(db, "jobs", hostile.good_row("jobs", **row))
    again = spaces()
    job = again.attach("job-sent")
    if known:
        assert job.wait(30).state == "collected"
        assert len(endpoint.downloads) == 1
    else:
        until(lambda: len(endpoint.polls) > 5)
        assert (job.state, endpoint.downloads) == ("completed", [])
    canary.stop()
    assert canary.requests == 0
    assert canary.downloads == []


def test_sandbox_row_of_a_received_folder_is_asked_for_nowhere_else(tmp_path):
    canary = Endpoint(b"")
    folder = tmp_path / "received"
    folder.mkdir()
    Log(folder / "log.sqlite").close()
    row = {
        "id": "job-sent",
        "state": "completed",
        "task_id": "task-1",
        "expires_at": now_us() + 3_600_000_000,
    }
    row |= {"links": json.dumps([f"{canary.url}/result/x.mp4"])}
    row |= {"submitted": now_us()}
    with contextlib.closing(sqlite3.connect(folder / "log.sqlite")) as db, db:
        assert hostile.insert(db, "jobs", hostile.good_row("jobs", **row))
    with Workspace(folder) as ws:
        job = ws.attach("job-sent")
        until(lambda: job.error)
    canary.stop()
    assert canary.requests == 0
    assert canary.downloads == []


@pytest.mark.parametrize("form", ["relative", "without a scheme"])
def test_a_link_that_leaves_out_what_is_the_endpoints_own(ws, req, endpoint, form):
    endpoint.results_at = "" if form == "relative" else endpoint.url.removeprefix("http:")
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert job.state == "collected"
    assert job.result.read_bytes() == endpoint.clip
    assert json.loads(job.row.links) == [f"{endpoint.url}/result/{job.task_id}.mp4"]
