# ruff: noqa: PLW0108
"""Downloading what was paid for: whole, checked, never overwritten, and for as long as its link lives."""

from __future__ import annotations

import asyncio
import hashlib
import os

import pytest

from motion_widgets.endpoint.errors import EndpointError
from motion_widgets.jobs.download.download import Download
from motion_widgets.jobs.scheduling import timing
from tests.jobs.endpoint import Say, refusal, results_in, until

MAX = 0.50
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
    endpoint.next_download.extend([refusal(403)] * 100)
    job = ws.submit(req, max_cost=MAX).wait(30)
    assert (job.state, len(endpoint.downloads)) == ("expired", timing.GONE)
    assert "403" in job.error
    assert ws.submit(req).id == job.id, "expired is no reason to pay again"


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
