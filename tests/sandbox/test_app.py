"""Submit, judged by the facts: types, media, lengths, prices. Raw HTTP only."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from motion_widgets.sandbox.measure import measure_clip
from motion_widgets.sandbox.price import billed_seconds
from tests.sandbox.conftest import V3, V26, Wire, png, until


def refused(answer, *words, http=400, kind="invalid_request_error"):
    assert answer.status_code == http, answer.text
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "type"}
    assert error["type"] == kind
    assert answer.headers["x-request-id"]
    for word in words:
        assert word in error["message"]
    return error


def test_documented_request_is_accepted_and_billed_as_documented(wire: Wire, body):
    answer = wire.submit(body)
    assert answer.status_code == 200
    task_id = answer.json()["data"][0]["task_id"]
    assert answer.json() == {"code": 200, "data": [{"status": "submitted", "task_id": task_id}]}
    data = wire.end(task_id)
    assert data["status"] == "completed"
    assert data["progress"] == 100
    assert data["cost"] == 0.45696
    assert data["credits_cost"] == 4.5696
    assert data["completed"] >= data["created"]
    (video,) = data["result"]["videos"]
    assert video["expires_at"] > data["completed"]
    assert wire.http.get(video["url"][0], headers={"Authorization": ""}).content == b"mp4"


def test_second_documented_request(wire: Wire, body, clip):
    changes = {"character_orientation": "video", "mode": "pro", "keep_original_sound": "no"}
    assert wire.submit(body | changes | {"video_url": wire.host(clip(12))}).status_code == 200
    assert wire.balance == pytest.approx(50 - 12 * 0.09144, abs=1e-9)


def test_twelve_seconds_do_not_fit_the_image_orientation(wire: Wire, body, clip):
    link = wire.host(clip(12))
    refused(wire.submit(body | {"video_url": link}), "12.0", "3-10 s")
    assert wire.balance == 50


def test_modern_shape_is_chosen_by_header(wire: Wire, body):
    answer = wire.submit(body, {"X-Sandbox-Answer": "202"})
    assert answer.status_code == 202
    assert answer.headers["x-apimart-response-version"] == "2026-07-27"
    assert answer.json()["code"] == 202
    assert answer.json()["data"]["status"] == "queued"
    task_id = answer.json()["data"]["id"]
    wire.end(task_id)
    video = wire.poll(task_id, headers={"X-Sandbox-Answer": "string-url"})["result"]["videos"][0]
    assert isinstance(video["url"], str)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic abc", "Bearer sk-live-key-é"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/videos/generations"),
        ("GET", "/v1/tasks/x"),
        ("POST", "/v1/uploads/images"),
        ("GET", "/v1/balance"),
        ("GET", "/v1/user/balance"),
        ("GET", "/v1/models"),
        ("GET", "/v1/usage"),
        ("POST", "/sandbox/media"),
    ],
)
def test_only_the_own_token_opens(wire: Wire, header, method, path):
    headers = {"Authorization": (header or "").encode("latin-1")}
    refused(wire.http.request(method, path, headers=headers), http=401, kind="authentication_error")


def test_a_foreign_key_is_never_kept(fresh, body, tmp_path):
    wire = fresh()
    key = "sk-live-1234567890abcdef"
    wire.submit(body, {"Authorization": f"Bearer {key}"})
    wire.submit(body)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(key.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "kling-v9"),
        ("model", 3),
        ("image_url", ""),
        ("image_url", "data:image/png;base64,AAAA"),
        ("image_url", "file:///etc/passwd"),
        ("image_url", None),
        ("video_url", "dance.mp4"),
        ("video_url", ["http://127.0.0.1/x.mp4"]),
        ("video_url", "http://[::1"),
        ("character_orientation", "Image"),
        ("character_orientation", True),
        ("mode", "fast"),
        ("mode", None),
        ("keep_original_sound", True),
        ("keep_original_sound", "true"),
        ("watermark_info", True),
        ("watermark_info", None),
        ("watermark_info", {"enabled": "yes"}),
        ("prompt", 5),
        ("prompt", "x" * 2501),
        ("webhook", "ftp://example.com"),
        ("webhook", 7),
    ],
)
def test_types_are_strict(wire: Wire, body, field, value):
    refused(wire.submit(body | {field: value}), field)


@pytest.mark.parametrize("field", ["model", "image_url", "video_url", "character_orientation", "mode"])
def test_required_fields(wire: Wire, body, field):
    del body[field]
    refused(wire.submit(body), field)


def test_optional_fields_may_be_absent_and_unknown_ones_are_dropped(wire: Wire, body):
    for field in ("prompt", "keep_original_sound", "watermark_info"):
        del body[field]
    extra = {"duration": 5, "resolution": "4k", "webhook": "https://example.com/hook"}
    assert wire.submit(body | extra | {"prompt": "x" * 2500}).status_code == 200


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_object(wire: Wire, raw):
    refused(wire.http.post("/v1/videos/generations", content=raw))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (png(299, 400), "299 x 400"),
        (png(300, 760), "aspect"),
        (png(760, 300), "aspect"),
        (png(kind="WEBP"), "webp"),
        (png(kind="GIF"), "gif"),
        (b"<html>not an image</html>", "not an image"),
        (png() + bytes(10_000_000), "10 MB"),
    ],
)
def test_image_rules(wire: Wire, body, content, word):
    refused(wire.submit(body | {"image_url": wire.host(content)}), "image", word)


@pytest.mark.parametrize("content", [png(300, 750), png(750, 300), png(kind="JPEG")])
def test_images_at_the_limits_are_taken(wire: Wire, body, content):
    assert wire.submit(body | {"image_url": wire.host(content)}).status_code == 200


def test_clip_rules(wire: Wire, body, clip):
    def judged(content):
        return wire.submit(body | {"video_url": wire.host(content)})

    refused(judged(clip(width=338)), "338 x 360")
    refused(judged(clip(width=3852, fps=1)), "3852")
    refused(judged(clip(ext="webm")), "mp4")
    refused(judged(png()), "mp4")
    refused(judged(clip()[:2000]))
    refused(judged(clip(2.96)), "2.960")
    refused(judged(clip(10.08)), "10.080")
    assert judged(clip(width=340)).status_code == 200
    assert judged(clip(ext="mov")).status_code == 200
    assert judged(clip(3.0)).status_code == 200
    assert judged(clip(10.04)).status_code == 200


def test_thirty_seconds_for_the_video_orientation(wire: Wire, body, clip):
    body["character_orientation"] = "video"
    assert wire.submit(body | {"video_url": wire.host(clip(30, fps=10))}).status_code == 200
    refused(wire.submit(body | {"video_url": wire.host(clip(30.1, fps=10))}), "3-30 s")


def test_a_length_that_rounds_to_three_seconds_is_still_too_short(wire: Wire, body, clip, tmp_path):
    path = tmp_path / "short.mp4"
    path.write_bytes(clip(2.997, fps="90000/2997"))
    assert measure_clip(path).length == pytest.approx(2.997, abs=1e-4)
    refused(wire.submit(body | {"video_url": wire.host(path.read_bytes())}), "2.997")


def test_a_clip_over_100_mb_is_judged_by_its_size(wire: Wire, body, clip):
    refused(wire.submit(body | {"video_url": wire.host(clip() + bytes(100_000_000))}), "100 MB")


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


@pytest.mark.parametrize(
    ("model", "mode", "price"),
    [(V26, "std", 0.05712), (V26, "pro", 0.09144), (V3, "std", 0.10288), (V3, "pro", 0.13712)],
)
def test_prices_of_all_cells(wire: Wire, body, model, mode, price):
    answer = wire.submit(body | {"model": model, "mode": mode})
    assert answer.status_code == 200
    assert wire.balance == pytest.approx(50 - 8 * price, abs=1e-9)
    assert wire.end(answer.json()["data"][0]["task_id"])["cost"] == pytest.approx(8 * price, abs=1e-9)


def test_seconds_are_rounded_half_up(wire: Wire, body, clip):
    assert [billed_seconds(x) for x in (3.0, 9.066, 9.499, 9.5, 10.05)] == [3, 9, 9, 10, 10]
    wire.submit(body | {"video_url": wire.host(clip(9.066, fps="137000/9066"))})
    assert wire.balance == pytest.approx(50 - 9 * 0.05712, abs=1e-9)


def test_balance_too_low_names_both_sums(wire: Wire, body):
    wire.sandbox.set_balance(0.45695)
    refused(wire.submit(body), "0.45696", "0.45695", http=402, kind="payment_required")
    assert wire.balance == 0.45695
    wire.sandbox.set_balance(0.45696)
    assert wire.submit(body).status_code == 200
    assert wire.balance == 0


def test_account_endpoints(fresh, body):
    wire = fresh()
    wire.submit(body)
    expected = {
        "success": True,
        "remain_balance": 49.54304,
        "used_balance": 0.45696,
        "unlimited_quota": False,
    }
    assert wire.http.get("/v1/balance").json() == expected
    assert wire.http.get("/v1/user/balance").json() == expected
    assert {model["id"] for model in wire.http.get("/v1/models").json()["data"]} == {V26, V3}
    usage = wire.http.get("/v1/usage", params={"group_by": "day"}).json()["data"]
    assert usage["total"]["amount_usd"] == 0.45696
    assert len(usage["items"]) == 1
    span = {"start": "2026-01-01", "end": "2026-03-01"}
    refused(wire.http.get("/v1/usage", params=span), "31 days")
    refused(wire.http.get("/v1/usage", params={"start": "soon"}))


def test_a_failed_task_is_refunded_once_and_says_why(fresh, body, monkeypatch):
    wire = fresh()
    from motion_widgets.sandbox.rendering.draw import DrawError

    def broken(*_args, **_options):
        raise DrawError("zeroed body")

    monkeypatch.setattr("motion_widgets.sandbox.rendering.worker.draw", broken)
    task_id = wire.submit(body).json()["data"][0]["task_id"]
    data = wire.end(task_id)
    assert data["status"] == "failed"
    assert data["cost"] == 0
    assert set(data["error"]) == {"code", "message", "type"}
    assert wire.balance == 50
    other = wire.poll(task_id, params={"language": "ja"})
    assert other["error"]["message"] != data["error"]["message"]
    other["error"]["message"] = data["error"]["message"]
    assert other == data
    assert wire.http.get("/v1/usage").json()["data"]["total"]["amount_usd"] == 0


def test_unknown_task_and_unknown_path(wire: Wire):
    refused(wire.http.get("/v1/tasks/task_nope"), http=404)
    refused(wire.http.get("/v1/nothing"), http=404)
    refused(wire.http.get("/v1/videos/generations"), http=405)


def test_importing_the_sandbox_is_light():
    """Nothing heavy, and of the client side only what the package itself loads."""
    code = (
        "import sys, motion_widgets; before = set(sys.modules); import motion_widgets.sandbox; "
        "heavy = {'starlette', 'uvicorn', 'moviepy', 'numpy', 'httpx', 'PIL'} & set(sys.modules); "
        "ours = [m for m in set(sys.modules) - before if m.startswith('motion_widgets.')]; "
        "own = [m for m in ours if 'sandbox' not in m]; "
        "import json; print(json.dumps([sorted(heavy), own]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == [[], []]


def test_progress_is_a_function_of_time(fresh, body):
    wire = fresh(speed=100)
    task_id = wire.submit(body).json()["data"][0]["task_id"]
    seen = []
    until(lambda: seen.append(wire.poll(task_id)) or seen[-1]["status"] == "completed")
    words = list(dict.fromkeys(data["status"] for data in seen))
    assert words == ["submitted", "processing", "completed"]
    progress = [data["progress"] for data in seen]
    assert progress == sorted(progress)
    assert seen[0]["estimated_time"] == 2
