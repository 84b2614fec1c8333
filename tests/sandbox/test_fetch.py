"""Links are fetched over real HTTP, own ones under the present port."""

from __future__ import annotations

import socket

import pytest

from motion_widgets.sandbox import fetch
from tests.sandbox.conftest import Wire, refused, task_of


def test_links_are_really_fetched(wire: Wire, body, clip, elsewhere):
    elsewhere.answers["/a.mp4"] = (200, {"Content-Type": "text/plain"}, clip())
    elsewhere.answers["/moved"] = (302, {"Location": "/a.mp4"}, b"")
    elsewhere.answers["/loop"] = (302, {"Location": "/loop"}, b"")
    elsewhere.answers["/file"] = (302, {"Location": "file:///etc/passwd"}, b"")
    assert wire.submit(body | {"video_url": elsewhere.url + "/moved"}).status_code == 200
    assert elsewhere.asked == ["/moved", "/a.mp4"]
    refused(wire.submit(body | {"video_url": elsewhere.url + "/gone.mp4"}), "404", "publicly")
    refused(wire.submit(body | {"video_url": elsewhere.url + "/loop"}), "redirects")
    refused(wire.submit(body | {"video_url": elsewhere.url + "/file"}), "redirects")
    refused(wire.submit(body | {"video_url": "http://127.0.0.1:9/x.mp4"}), "video_url", "publicly")
    refused(wire.submit(body | {"image_url": "http://nowhere.invalid/x.png"}), "image_url", "publicly")


def test_own_media_are_found_under_an_earlier_port(fresh, body, clip):
    wire = fresh()
    moved = wire.host(clip(8)).replace(wire.sandbox.url, "http://localhost:9")
    answer = wire.submit(body | {"video_url": moved})
    task_id = task_of(answer)
    wire.end(task_id)
    refused(wire.submit(body | {"video_url": f"http://127.0.0.1:9/results/{task_id}.mp4"}), "mp4")  # 3 bytes
    refused(wire.submit(body | {"video_url": "http://127.0.0.1:9/media/" + "0" * 32 + ".mp4"}), "fetched")


@pytest.mark.parametrize("target", ["127.0.0.2", "127.2", "inside.example", "[::1]", "10.0.0.8"])
def test_a_redirect_from_outside_never_leads_inside(wire: Wire, body, elsewhere, monkeypatch, target):
    """A link of this machine's own is fetched; one from elsewhere does not lead there."""
    port = elsewhere.url.rpartition(":")[2]
    real, names = socket.getaddrinfo, {"outside.example": "127.0.0.1", "inside.example": "127.0.0.2"}

    def look_up(host, *args, **options):
        return real(names.get(host, host), *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(fetch, "_is_inside", lambda one: one != "127.0.0.1")
    elsewhere.answers["/hop"] = (302, {"Location": f"http://{target}:{port}/a.mp4"}, b"")
    refused(wire.submit(body | {"video_url": f"http://outside.example:{port}/hop"}), "private network")
    assert elsewhere.asked == ["/hop"]


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.1", True), ("10.1.2.3", True), ("169.254.169.254", True), ("100.64.0.1", True),
        ("224.0.0.1", True), ("::1", True), ("fe80::1%3", True), ("fd00::1", True), ("fec0::1", True),
        ("::ffff:10.0.0.1", True), ("64:ff9b::7f00:1", True), ("2002:7f00:1::", True), ("::127.0.0.1", True),
        ("93.184.216.34", False), ("2606:2800:220:1::1", False), ("::ffff:93.184.216.34", False),
    ],
)  # fmt: skip
def test_what_is_inside(address, inside):
    assert fetch._is_inside(address) is inside
