"""Real JSON responses as a fault changes them."""

from __future__ import annotations

import json
import math
import time
from email.utils import parsedate_to_datetime

import pytest

from tests.sandbox.faults.conftest import raw


def test_shapes_of_a_submit(wire, play, body, paid):
    play(
        {"on": "submit", "kind": "no_task_id"},
        *[{"on": "submit", "kind": "data_shape", "data": shape} for shape in ("object", "bare", "list")],
        {"on": "submit", "kind": "fields", "set": {"task_id": 7, "more.deep": [1]}, "drop": ["status"]},
    )
    assert wire.submit(body).json() == {"code": 200, "data": [{"status": "submitted"}]}
    assert "task_id" in wire.submit(body).json()["data"]
    assert "task_id" in wire.submit(body).json()
    assert "task_id" in wire.submit(body).json()["data"][0]
    assert wire.submit(body).json()["data"] == [{"task_id": 7, "more": {"deep": [1]}}]
    assert paid() == 5


@pytest.mark.parametrize("value", ["45%", 0.45, 150, -3, None])
def test_odd_progress(fresh, body, value):
    wire = fresh(speed=1)
    task = wire.submit(body).json()["data"][0]["task_id"]
    wire.sandbox.faults = {"fault": [{"on": "status", "kind": "progress", "value": value}]}
    assert wire.poll(task)["progress"] == value


@pytest.mark.parametrize("value", [-5, "soon", math.nan, 1e308, 10**30])
def test_odd_estimated_time(wire, play, done, value):
    play({"on": "status", "kind": "estimated_time", "value": value})
    got = wire.poll(done)["estimated_time"]
    assert got == value or (math.isnan(got) and math.isnan(value))
    assert wire.http.get("/sandbox/faults").status_code == 200


def test_links_in_other_shapes(wire, play, done, link):
    play(
        *[
            {"on": "status", "kind": "url_shape", "url": shape}
            for shape in ("string", "list", "duplicate", "objects")
        ]
    )
    urls = [wire.poll(done)["result"]["videos"][0]["url"] for _ in range(4)]
    assert urls == [link, [link], [link, link], [{"url": link}, link]]
    play(*[{"on": "status", "kind": "url_shape", "url": shape} for shape in ("no_scheme", "relative")])
    urls = [wire.poll(done)["result"]["videos"][0]["url"] for _ in range(2)]
    assert urls == [link.removeprefix("http:"), f"/results/{done}.mp4"]


def test_words_backwards_and_ends(wire, play, done):
    play(
        {"on": "status", "kind": "word", "word": "polishing"},
        {"on": "status", "kind": "backwards"},
        {"on": "status", "kind": "no_link", "times": 2},
        {"on": "status", "kind": "failed", "reason": "moderation"},
        {"on": "status", "kind": "cancelled", "billed": "said"},
        {"on": "status", "kind": "cost", "usd": 9.99},
    )
    told = [wire.poll(done) for _ in range(9)]
    assert [one["status"] for one in told] == [
        "polishing",
        "processing",
        "queued",
        "submitted",
        "completed",
        "completed",
        "failed",
        "cancelled",
        "completed",
    ]
    assert [one["progress"] for one in told[1:4]] == [80, 50, 20]
    assert not any("result" in one for one in told[:4])
    assert told[4]["result"] == {"videos": []}
    assert (told[6]["error"]["code"], told[6]["cost"]) == (1301, 0.0)
    assert told[7]["cost"] == 0.45696
    assert (told[8]["cost"], told[8]["credits_cost"]) == (9.99, 99.9)
    assert told[8]["result"]["videos"][0]["url"]


def test_another_head_of_the_real_response(wire, play, done):
    play(
        {"on": "status", "kind": "head", "headers": {"Content-Encoding": "UTF-8", "X-Cache": "HIT"}},
        {"on": "status", "kind": "head", "code": 206},
    )
    answer = wire.http.get(f"/v1/tasks/{done}")
    assert (answer.headers["content-encoding"], answer.headers["x-cache"]) == ("UTF-8", "HIT")
    assert answer.json()["data"]["id"] == done
    partial = wire.http.get(f"/v1/tasks/{done}")
    assert (partial.status_code, partial.json()) == (206, answer.json())


def test_a_clock_that_is_wrong(wire, play, done):
    right = wire.poll(done)
    play({"on": "status", "kind": "clock", "clock_skew": -7200})
    answer = wire.http.get(f"/v1/tasks/{done}")
    assert answer.headers.get_list("date") == [answer.headers["date"]], "one Date alone"
    date = parsedate_to_datetime(answer.headers["date"]).timestamp()
    assert date == pytest.approx(time.time() - 7200, abs=60)
    told = answer.json()["data"]
    assert {name: right[name] - told[name] for name in ("created", "completed")} == {
        "created": 7200,
        "completed": 7200,
    }
    ends = [one["result"]["videos"][0]["expires_at"] for one in (right, told)]
    assert ends[0] - ends[1] == 7200


def test_packed_and_marked_responses(wire, play, done):
    play({"on": "status", "kind": "encoded"}, {"on": "status", "kind": "encoded", "encoding": "bom"})
    packed = wire.http.get(f"/v1/tasks/{done}")
    assert (packed.headers["content-encoding"], packed.json()["data"]["id"]) == ("gzip", done)
    marked = wire.http.get(f"/v1/tasks/{done}").content
    assert marked[:3] == b"\xef\xbb\xbf"
    assert json.loads(marked[3:])["data"]["id"] == done


@pytest.mark.parametrize(("framing", "end"), [("length", b"}"), ("chunks", b"}\r\n")])
def test_whole_responses_without_their_end(wire, play, body, paid, *, framing, end):
    play({"on": "submit", "kind": "unended", "framing": framing})
    head, _, content = raw(wire, "POST", "/v1/videos/generations", json.dumps(body).encode()).partition(
        b"\r\n\r\n"
    )
    assert content.endswith(end)
    assert b"task_id" in content
    if framing == "length":
        assert int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) > len(content)
    else:
        assert b"transfer-encoding: chunked" in head
        assert b"content-length" not in head
    assert paid() == 1


def test_a_cache_answers_with_the_first(wire, play, body, done):
    other = wire.submit(body).json()["data"][0]["task_id"]
    play({"on": "status", "kind": "cached"})
    assert [wire.poll(task)["id"] for task in (done, other, done)] == [done, done, done]
    assert wire.poll(other, headers={"Cache-Control": "no-cache"})["id"] == other
    play({"on": "status", "kind": "cached", "obeys": False})
    assert [wire.poll(task, headers={"Cache-Control": "no-cache"})["id"] for task in (other, done)] == [
        other,
        other,
    ]


def test_dead_and_wrong_results(wire, play, result_file):
    content, url = result_file
    play(
        {"on": "result", "kind": "expired"},
        {"on": "result", "kind": "html_result"},
        {"on": "result", "kind": "flipped", "at": 0.5},
        {"on": "result", "kind": "truncated", "length": "wrong"},
        {"on": "result", "kind": "redirect", "to": "file:///etc/passwd"},
    )
    assert wire.http.get(url).status_code == 403
    page = wire.http.get(url)
    assert (page.headers["content-type"], page.text[:6]) == ("video/mp4", "<html>")
    flipped = wire.http.get(url).content
    assert (len(flipped), sum(a != b for a, b in zip(flipped, content, strict=True))) == (len(content), 64)
    assert wire.http.get(url).content == content[: len(content) // 2]
    assert wire.http.get(url).headers["location"] == "file:///etc/passwd"
    assert wire.http.get(url).content == content


def test_ranges_that_lie(wire, play, result_file):
    content, url = result_file
    etag = wire.http.get(url).headers["etag"]
    part = {"Range": "bytes=100-", "If-Range": etag}
    play(
        {"on": "result", "kind": "wrong_range"},
        {"on": "result", "kind": "etag_changed"},
        {"on": "result", "kind": "etag_changed", "if_range": "ignored"},
    )
    answer = wire.http.get(url, headers=part)
    assert (answer.status_code, answer.headers["content-range"].startswith("bytes 100-")) == (206, False)
    answer = wire.http.get(url, headers=part)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, content, '"changed"')
    answer = wire.http.get(url, headers=part)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (206, content[100:], '"changed"')
    assert wire.http.get(url, headers=part).content == content[100:]


def test_the_whole_under_another_head(wire, play, result_file):
    content, url = result_file
    play({"on": "result", "kind": "head", "code": 206}, {"on": "result", "kind": "encoded"})
    whole = wire.http.get(url)
    assert (whole.status_code, whole.content) == (206, content)
    packed = wire.http.get(url)
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", content)
