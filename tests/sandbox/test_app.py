"""The routes: who may call them, which shape a response has, when a result is sent."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox.conftest import Wire, png, refused, task_of, until


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


def test_unknown_task_and_unknown_path(wire: Wire):
    refused(wire.http.get("/v1/tasks/task_nope"), http=404)
    refused(wire.http.get("/v1/nothing"), http=404)
    refused(wire.http.get("/v1/videos/generations"), http=405)


def test_no_result_before_its_time(fresh, body):
    wire = fresh(speed=20)
    task_id = task_of(wire.submit(body))
    assert wire.http.get(f"/results/{task_id}.mp4").status_code == 404


def test_links_expire(fresh, body):
    wire = fresh(result_life=4000, upload_life=4000)  # 1 s each
    task_id = task_of(wire.submit(body))
    data = wire.end(task_id)
    link = data["result"]["videos"][0]["url"][0]
    upload = wire.http.post("/v1/uploads/images", files={"file": ("a.png", png(color="blue"))}).json()["url"]
    for expiring in (link, upload):
        until(lambda expiring=expiring: httpx.get(expiring).status_code == 403, 20)
    assert wire.poll(task_id)["status"] == "completed"
    refused(wire.submit(body | {"video_url": link}), "403")


def test_front_page_and_samples(wire: Wire):
    assert "SANDBOX" in httpx.get(wire.sandbox.url).text
    figure = httpx.get(wire.sandbox.url + "/media/sample/figure.png")
    assert figure.headers["content-type"] == "image/png"
    assert httpx.get(wire.sandbox.url + "/media/sample/other.png").status_code == 404
