"""Links are fetched over real HTTP, own ones under the present port."""

from __future__ import annotations

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
