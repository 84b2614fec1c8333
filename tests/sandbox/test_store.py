"""What must outlive a request, a process, a link: keys, money, tasks, tokens, hosted files."""

from __future__ import annotations

import stat
import threading

import httpx
import pytest

from motion_widgets.sandbox import Sandbox
from tests.sandbox.conftest import Wire, png, until
from tests.sandbox.test_app import refused


def task_of(answer) -> str:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"][0]["task_id"]


def test_same_key_same_body_gets_the_original_answer(fresh, body):
    wire = fresh()
    first = wire.submit(body, {"Idempotency-Key": "k1", "X-Sandbox-Answer": "202"})
    again = wire.submit(body, {"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert wire.balance == 49.54304
    later = fresh()  # another process on the folder
    assert later.submit(body, {"Idempotency-Key": "k1"}).json() == first.json()
    assert later.balance == 49.54304


def test_same_key_other_body(wire: Wire, body):
    key = {"Idempotency-Key": "reused"}
    task_of(wire.submit(body, key))
    error = refused(wire.submit(body | {"mode": "pro"}, key), http=409)
    assert error["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("key", ["", "x" * 192, "a b", "ключ", "tab\t."])
def test_bad_keys(wire: Wire, body, key):
    refused(wire.submit(body, [("Idempotency-Key", key.encode())]), "1-191")


def test_longest_key(wire: Wire, body):
    task_of(wire.submit(body, {"Idempotency-Key": "~" * 191}))


def test_a_refused_key_may_try_again(wire: Wire, body):
    key = {"Idempotency-Key": "poor"}
    wire.sandbox.set_balance(0.1)
    refused(wire.submit(body, key), http=402, kind="payment_required")
    wire.sandbox.set_balance(50)
    answer = wire.submit(body, key)
    task_of(answer)
    assert "idempotency-replayed" not in answer.headers


def test_many_at_once_with_one_key_charge_once(fresh, body):
    wires = [fresh(), fresh()]
    answers = []

    def send(wire):
        answers.append(wire.submit(body, {"Idempotency-Key": "together"}))

    threads = [threading.Thread(target=send, args=(wires[n % 2],)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert {answer.json()["error"]["code"] for answer in waiting} <= {"idempotency_in_progress"}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in waiting)
    assert len({task_of(answer) for answer in answers if answer.status_code == 200}) == 1
    assert wires[0].balance == wires[1].balance == 49.54304


def test_a_first_try_under_way_answers_409_and_then_replays(fresh, body, clip, elsewhere, monkeypatch):
    wire = fresh()
    entered, go_on = threading.Event(), threading.Event()
    from motion_widgets.sandbox import app

    real = app.check_media

    def slow(*args):
        entered.set()
        assert go_on.wait(30)
        return real(*args)

    monkeypatch.setattr(app, "check_media", slow)
    key, answers = {"Idempotency-Key": "slow"}, []
    thread = threading.Thread(target=lambda: answers.append(wire.submit(body, key)))
    thread.start()
    assert entered.wait(30)
    other = Wire(wire.sandbox)
    error = refused(other.submit(body, key), http=409)
    assert error["code"] == "idempotency_in_progress"
    go_on.set()
    thread.join()
    assert task_of(other.submit(body, key)) == task_of(answers[0])


def test_without_a_key_each_submit_is_a_task_of_its_own(wire: Wire, body):
    assert task_of(wire.submit(body)) != task_of(wire.submit(body))


def test_money_never_goes_below_zero_when_many_submit(fresh, body):
    wire = fresh()
    wire.sandbox.set_balance(3 * 0.45696)
    codes = []
    threads = [threading.Thread(target=lambda: codes.append(wire.submit(body).status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200] * 3 + [402] * 5
    assert wire.balance == 0


def test_too_many_tasks_at_once(fresh, body):
    wire = fresh(speed=20, max_in_flight=2)
    task_of(wire.submit(body))
    task_of(wire.submit(body))
    answer = wire.submit(body)
    refused(answer, "too many tasks", "1303", http=429, kind="rate_limit_error")
    assert int(answer.headers["retry-after"]) >= 1
    assert wire.balance == pytest.approx(50 - 2 * 0.45696)


def test_state_outlives_the_process(fresh, body, tmp_path):
    wire = fresh()
    task_id = task_of(wire.submit(body))
    before, url, token = wire.end(task_id), wire.sandbox.url, wire.sandbox.token
    media = wire.host(png(color="red"))
    wire.http.close()
    wire.sandbox.stop()
    with pytest.raises(httpx.TransportError):
        httpx.get(media)
    later = fresh(speed=20)
    assert later.sandbox.url == url  # the port used last is free again
    assert later.sandbox.token == token
    assert later.poll(task_id) == before
    assert later.balance == 49.54304
    assert httpx.get(before["result"]["videos"][0]["url"][0]).content == b"mp4"
    assert httpx.get(media).content == png(color="red")
    if hasattr(stat, "S_IMODE"):
        assert stat.S_IMODE((tmp_path / "sandbox" / "token").stat().st_mode) == 0o600


def test_two_servers_on_one_folder(fresh, body):
    one, two = fresh(), fresh()
    assert one.sandbox.url != two.sandbox.url
    assert one.sandbox.token == two.sandbox.token
    task_id = task_of(one.submit(body))
    assert two.end(task_id)["id"] == task_id
    link = two.end(task_id)["result"]["videos"][0]["url"][0]
    assert link.startswith(two.sandbox.url)
    assert httpx.get(link).content == b"mp4"
    two.sandbox.set_balance(7)
    assert one.balance == 7


def test_own_media_are_found_under_an_earlier_port(fresh, body, clip):
    wire = fresh()
    moved = wire.host(clip(8)).replace(wire.sandbox.url, "http://localhost:9")
    answer = wire.submit(body | {"video_url": moved})
    task_id = task_of(answer)
    wire.end(task_id)
    refused(wire.submit(body | {"video_url": f"http://127.0.0.1:9/results/{task_id}.mp4"}), "mp4")  # 3 bytes
    refused(wire.submit(body | {"video_url": "http://127.0.0.1:9/media/" + "0" * 32 + ".mp4"}), "fetched")


def test_a_lost_result_is_drawn_again(fresh, body, tmp_path):
    wire = fresh()
    task_id = task_of(wire.submit(body))
    link = wire.end(task_id)["result"]["videos"][0]["url"][0]
    (tmp_path / "sandbox" / "results" / f"{task_id}.mp4").unlink()
    assert httpx.get(link).content == b"mp4"


def test_a_drawing_left_by_a_dead_process_is_taken_over(fresh, body, monkeypatch):
    wire = fresh()
    drawing = threading.Event()

    def hang(*_args, cancelled, **_options):
        drawing.set()
        until(cancelled)
        raise OSError("gone")

    monkeypatch.setattr("motion_widgets.sandbox.rendering.worker.draw", hang)
    task_id = task_of(wire.submit(body))
    assert drawing.wait(30)
    assert wire.poll(task_id)["progress"] <= 99
    wire.sandbox.stop()
    monkeypatch.undo()
    monkeypatch.setattr(
        "motion_widgets.sandbox.rendering.worker.draw", lambda _i, _c, t, **_: t.write_bytes(b"later")
    )
    later = fresh()
    data = later.end(task_id)
    assert data["status"] == "completed"
    assert httpx.get(data["result"]["videos"][0]["url"][0]).content == b"later"


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


def test_no_result_before_its_time(fresh, body):
    wire = fresh(speed=20)
    task_id = task_of(wire.submit(body))
    assert wire.http.get(f"/results/{task_id}.mp4").status_code == 404


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_uploads(wire: Wire, kind):
    content = png(kind=kind)
    answer = wire.http.post("/v1/uploads/images", files={"file": ("../../é?.bin", content, "text/plain")})
    data = answer.json()
    assert answer.status_code == 200
    assert set(data) == {"url", "filename", "content_type", "bytes", "created_at"}
    assert data["content_type"] == f"image/{kind.lower()}"
    assert data["bytes"] == len(content)
    got = httpx.get(data["url"])
    assert got.content == content
    assert got.headers["content-type"] == data["content_type"]


def test_upload_refusals(wire: Wire, clip):
    post = wire.http.post
    refused(post("/v1/uploads/images", files={"file": ("a.png", b"<svg/>")}))
    refused(post("/v1/uploads/images", files={"file": ("a.mp4", clip())}))
    refused(post("/v1/uploads/images", files={"file": ("a.bmp", png(kind="BMP"))}), "bmp")
    refused(post("/v1/uploads/images", files={"other": ("a.png", png())}), "file")
    refused(post("/v1/uploads/images", data={"file": "text"}), "file")
    refused(post("/v1/uploads/images", content=b"x", headers={"Content-Type": "multipart/form-data"}))
    refused(post("/v1/uploads/images", files={"file": ("a.png", png() + bytes(20_000_000))}), http=413)
    refused(post("/v1/uploads/images", content=bytes(21_000_000)), http=413)
    fits = png() + bytes(20_000_000 - len(png()))
    assert post("/v1/uploads/images", files={"file": ("a.png", fits)}).status_code == 200


def test_hosting_names_by_content_and_refuses_the_empty_and_the_huge(wire: Wire):
    one, two = wire.host(png()), wire.host(png())
    assert one == two
    assert one.endswith(".png")
    refused(wire.http.post("/sandbox/media", content=b""))
    chunks = (bytes(1_000_000) for _ in range(201))
    refused(wire.http.post("/sandbox/media", content=chunks), "200 MB", http=413)
    assert wire.host(b"<script>alert(1)</script>").endswith(".bin")


@pytest.mark.parametrize(
    "path", ["/media/../token", "/media/%2e%2e/token", "/media/..%2ftoken", "/media/token"]
)
def test_no_way_out_of_the_folder(wire: Wire, path):
    answer = wire.http.get(path)
    assert answer.status_code == 404
    assert wire.sandbox.token not in answer.text


def test_ranges(wire: Wire, clip):
    content = clip(3.2)
    link = wire.host(content)
    whole = httpx.get(link)
    assert whole.content == content
    assert whole.headers["accept-ranges"] == "bytes"
    etag = whole.headers["etag"]
    part = httpx.get(link, headers={"Range": "bytes=100-199", "If-Range": etag})
    assert part.status_code == 206
    assert part.content == content[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(content)}"
    assert part.headers["content-length"] == "100"
    assert part.headers["etag"] == etag
    tail = httpx.get(link, headers={"Range": "bytes=-10"})
    assert tail.content == content[-10:]
    assert httpx.get(link, headers={"Range": "bytes=0-9", "If-Range": '"other"'}).status_code == 200
    assert httpx.get(link, headers={"Range": f"bytes={len(content)}-"}).status_code == 416
    head = httpx.head(link)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(content)))


def test_front_page_and_samples(wire: Wire):
    assert "SANDBOX" in httpx.get(wire.sandbox.url).text
    figure = httpx.get(wire.sandbox.url + "/media/sample/figure.png")
    assert figure.headers["content-type"] == "image/png"
    assert httpx.get(wire.sandbox.url + "/media/sample/other.png").status_code == 404


def test_a_taken_port_is_said(fresh, tmp_path):
    wire = fresh()
    port = int(wire.sandbox.url.rsplit(":", 1)[1])
    with pytest.raises(OSError):
        Sandbox(tmp_path / "other", port=port).start()


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_speed_must_make_sense(tmp_path, speed):
    with pytest.raises(ValueError, match="positive"):
        Sandbox(tmp_path, speed=speed)
