"""Looking at links over real HTTP before they are paid for."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from motion_widgets.publishing.destination import JOB, expires_of
from motion_widgets.publishing.link_check import LinkChecker, check_link
from tests.jobs.endpoint import Endpoint, Say, make_png


@dataclass
class Host:
    """An endpoint's server that answers a path as told."""

    server: Endpoint
    told: dict = field(default_factory=dict)

    def says(self, path, status=200, body=b"", **headers):
        self.server.next_download.append(Say(status, body, headers))
        return f"{self.server.url}/result/{path}"


@pytest.fixture
def host(endpoint):
    return Host(endpoint)


def codes(field, link, **options):
    found = asyncio.run(check_link(field, link, **({"cover": JOB, "public": False} | options)))
    assert all(one.field == field for one in found)
    return [(one.severity, one.code) for one in found]


@pytest.mark.parametrize("brand", ["mp4", "mov"])
def test_clip_in_parts_is_well(host, clip_bytes, brand):
    head = clip_bytes if brand == "mp4" else clip_bytes[:8] + b"qt  " + clip_bytes[12:]
    size = len(head)
    link = host.says("a", 206, head[:512], **{"Content-Range": f"bytes 0-511/{size}"})
    assert codes("video_url", link) == []
    assert host.server.downloads[0]["range"] == "bytes=0-511"


@pytest.mark.parametrize("picture", [make_png(), b"\xff\xd8\xff\xe0" + bytes(600)])
def test_picture_is_well_also_as_a_whole(host, picture):
    assert codes("image_url", host.says("a.png", 200, picture)) == []


def test_clip_as_a_whole_only_is_a_hint(host, clip_bytes):
    assert codes("video_url", host.says("a", 200, clip_bytes)) == [("hint", "link_no_parts")]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_dead_link_is_an_error(host, status):
    assert codes("video_url", host.says("a", status)) == [("error", "link_dead")]
    assert len(host.server.downloads) == 1


@pytest.mark.parametrize("status", [400, 405, 501])
def test_host_that_refuses_parts_is_asked_for_the_whole(host, clip_bytes, status):
    link = host.says("a", status)
    host.says("a", 200, clip_bytes)
    assert codes("video_url", link) == [("hint", "link_no_parts")]
    assert "range" not in host.server.downloads[1]


def test_host_in_trouble_is_only_a_warning(host):
    link = host.says("a", 503)
    host.says("a", 503)
    assert codes("video_url", link) == [("warning", "link_dead")]


def test_host_that_cannot_be_reached_from_here_is_a_warning():
    assert codes("video_url", "http://127.0.0.1:9/x.mp4") == [("warning", "link_unreachable")]


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("video_url", b"<!doctype html><p>Sign in</p>"), ("image_url", b"<html>"), ("video_url", make_png()),
        ("image_url", b"\x00\x00\x00\x18ftypisom" + bytes(40)), ("image_url", b"GIF89a" + bytes(40)),
        ("video_url", b'{"error": "expired"}'), ("image_url", b"RIFF\0\0\0\0WEBPVP8 " + bytes(40)),
    ],
)  # fmt: skip
def test_something_else_is_an_error(host, field, body):
    assert codes(field, host.says("a", 200, body)) == [("error", "link_other")]


def test_empty_and_too_large(host, clip_bytes):
    assert codes("video_url", host.says("a", 206, b"", **{"Content-Range": "bytes 0-0/0"})) == [
        ("error", "link_empty")
    ]
    large = {"Content-Range": "bytes 0-511/100000001"}
    assert codes("video_url", host.says("a", 206, clip_bytes[:512], **large)) == [("error", "link_large")]
    large = {"Content-Range": "bytes 0-511/10000001"}
    assert codes("image_url", host.says("a", 206, make_png()[:512], **large)) == [("error", "link_large")]


def test_redirects_are_followed_hop_by_hop(host, clip_bytes):
    link = host.says("a", 302, b"", Location="/result/b")
    host.says("b", 206, clip_bytes[:512], **{"Content-Range": f"bytes 0-511/{len(clip_bytes)}"})
    assert codes("video_url", link) == []
    assert codes("video_url", host.says("a", 302, b"", Location="file:///etc/passwd")) == [
        ("error", "link_redirect")
    ]


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "192.168.1.4", "169.254.169.254"]
)
def test_private_addresses_are_none_of_a_live_endpoint(host, name):
    port = host.server.url.rpartition(":")[2]
    assert codes("video_url", f"http://{name}:{port}/media/clip.mp4", public=True) == [
        ("error", "link_inside")
    ]
    assert host.server.requests == 0


def stamp(seconds, form="%Y%m%dT%H%M%SZ"):
    return time.strftime(form, time.gmtime(time.time() + seconds))


@pytest.mark.parametrize(
    ("query", "left"),
    [
        (lambda: f"X-Amz-Date={stamp(-60)}&X-Amz-Expires=3660&X-Amz-Signature=s", 3600),
        (lambda: f"X-Goog-Date={stamp(0)}&X-Goog-Expires=60&X-Goog-Signature=s", 60),
        (lambda: f"Expires={int(time.time()) + 500}&Signature=s&AWSAccessKeyId=k", 500),
        (lambda: f"se={stamp(900, '%Y-%m-%dT%H:%M:%SZ')}&sv=1&sig=s", 900),
        (lambda: f"Expires={int(time.time()) - 500}&Signature=s", -500),
    ],
)
def test_stated_end_of_a_signed_link(host, query, left):
    link = f"{host.server.url}/media/clip.mp4?{query()}"
    assert expires_of(link) == pytest.approx(time.time() + left, abs=30)
    assert codes("video_url", link, cover=left + 200) == [("error", "link_dies")]
    assert host.server.requests == 0
    if left > 0:
        assert ("error", "link_dies") not in codes("video_url", link, cover=max(left - 50, 0))


@pytest.mark.parametrize(
    "query", ["", "Expires=5", "X-Amz-Date=x&X-Amz-Expires=y", "sig=s&se=soon", "Signature=a&Expires=never",
              "X-Amz-Date=20260101T000000Z&X-Amz-Expires=" + "9" * 400]
)  # fmt: skip
def test_end_that_is_not_stated_is_unknown(query):
    assert expires_of(f"https://h.example/x?{query}") is None


def test_good_link_is_not_asked_for_again_and_a_bad_one_is(host):
    probes = LinkChecker(public=False)
    good, bad = f"{host.server.url}/media/image.png", f"{host.server.url}/nothing"

    async def ask(link):
        return await asyncio.gather(*[probes("image_url", link, cover=JOB) for _ in range(5)])

    assert probes.known("image_url", good, cover=JOB) is None
    assert asyncio.run(ask(good)) == [[]] * 5
    assert host.server.requests == 1
    assert probes.known("image_url", good, cover=JOB) == []
    assert all(found[0].code == "link_dead" for found in asyncio.run(ask(bad)))
    assert host.server.requests == 6
    assert probes.known("image_url", bad, cover=JOB) is None


def test_good_link_is_asked_for_again_after_a_while(host, monkeypatch):
    monkeypatch.setattr("motion_widgets.publishing.link_check._GOOD_FOR", 0.0)
    probes, link = LinkChecker(public=False), f"{host.server.url}/media/image.png"
    assert asyncio.run(probes("image_url", link, cover=JOB)) == []
    assert probes.known("image_url", link, cover=JOB) is None


def test_a_link_without_parts_is_hinted_at_for_each_request_and_asked_for_once(host, clip_bytes):
    """A sweep of a thousand cells sends the same clip a thousand times."""
    probes, link = LinkChecker(public=False), host.says("a", 200, clip_bytes)

    async def ask():
        return [await probes("video_url", link, cover=JOB) for _ in range(5)]

    assert [[one.code for one in found] for found in asyncio.run(ask())] == [["link_no_parts"]] * 5
    assert len(host.server.downloads) == 1
