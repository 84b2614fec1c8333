"""Result files as a fault changes them."""

from __future__ import annotations


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
