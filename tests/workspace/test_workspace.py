# ruff: noqa: E501, F811
"""What a notebook opens first: which endpoint, whose key, where things are kept."""

from __future__ import annotations

import json
import socket
import sqlite3
import warnings

import pytest

from motion_widgets import BudgetError, LogError, MotionRequest, RequestError, Sweep, Workspace
from motion_widgets.core.errors import MotionError
from motion_widgets.core.signed_file import write_signed
from motion_widgets.endpoint.api_key import Secret
from motion_widgets.endpoint.client import LIVE_URL
from motion_widgets.request.price import PRICES, Prices
from motion_widgets.workspace.settings import target_of
from tests.jobs.conftest import clip_bytes, endpoint, hurry, req, spaces, ws  # noqa: F401
from tests.jobs.endpoint import KEY, make_png, until

V26 = "kling-v2-6-motion-control"


class TestTarget:
    @pytest.mark.parametrize(
        ("given", "name"),
        [
            ("sandbox", "sandbox"), ("apimart", "apimart"), (LIVE_URL, "apimart"), (f"{LIVE_URL}/v1/", "apimart"),
            ("https://API.apimart.ai:443", "apimart"), ("HTTPS://Mirror.example/v1", "https://mirror.example"),
            ("https://m.example:8443/a/?x=1", "https://m.example:8443/a"), ("http://[::1]:80/", "http://[::1]"),
            ("http://localhost:8000", "http://localhost:8000"),
            ("https://m.example/v1/videos/generations", "https://m.example"),
            ("https://m.example/a/v1/videos/generations/", "https://m.example/a"),
            ("https://m.example/videos/generations", "https://m.example"),
            (f"{LIVE_URL}/v1/tasks", "apimart"), ("https://m.example/v1/tasks/task_1?x=1", "https://m.example"),
            (f"{LIVE_URL}/v1/user/balance", "apimart"), ("https://m.example/v1/mirror", "https://m.example/v1/mirror"),
        ],
    )  # fmt: skip
    def test_one_spelling_each(self, given, name, monkeypatch):
        monkeypatch.delenv("APIMART_BASE_URL", raising=False)
        assert target_of(given, Secret(KEY)).endpoint == name

    @pytest.mark.parametrize(
        "given",
        [
            "live",
            "ftp://x",
            "http://mirror.example",
            "https://",
            "https://a:b@host",
            "http://127.0.0.1.evil.example",
            5,
        ],
    )
    def test_where_no_key_may_go(self, given):  # fmt: skip
        with pytest.raises(RequestError) as caught:
            target_of(given, Secret(KEY))
        assert "a:b" not in str(caught.value)

    def test_base_url_without_a_key(self, monkeypatch):
        monkeypatch.setenv("APIMART_API_KEY", "sk-environment")
        with pytest.raises(RequestError, match="key="):
            target_of("https://mirror.example", None)

    def test_mirror_by_the_environment_is_the_same_endpoint(self, monkeypatch):
        monkeypatch.setenv("APIMART_BASE_URL", "https://mirror.example/v1")
        found = target_of("apimart", None)
        assert (found.endpoint, found.base_url) == ("apimart", "https://mirror.example")
        monkeypatch.setenv("APIMART_BASE_URL", "http://mirror.example")
        with pytest.raises(RequestError, match="not https"):
            target_of("apimart", None)

    def test_account_tells_keys_apart_and_shows_none(self):
        one, two = (target_of("apimart", Secret(key)).account for key in ("sk-one-secret", "sk-two-secret"))
        assert one != two
        assert "secret" not in one + repr(target_of("apimart", Secret("sk-one-secret")))


class TestWhichEndpoint:
    def test_sandbox_at_first_whatever_the_environment_holds(self, tmp_path, monkeypatch):
        monkeypatch.setenv("APIMART_API_KEY", "sk-environment")
        with Workspace(tmp_path) as space:
            assert (space.endpoint, space.live, space.connection.secret, space.account) == (
                "sandbox",
                False,
                None,
                "sandbox",
            )

    def test_switch_is_remembered_by_the_folder(self, tmp_path):
        with Workspace(tmp_path) as space:
            space.switch("apimart", key=KEY)
            assert space.live
        with Workspace(tmp_path) as space:
            assert space.endpoint == "apimart"
            space.switch("sandbox")
        with Workspace(tmp_path) as space:
            assert space.endpoint == "sandbox"
        assert KEY not in (tmp_path / "workspace.json").read_text()

    def test_named_endpoint_wins(self, tmp_path):
        write_signed(tmp_path / "workspace.json", {"endpoint": "apimart"})
        with Workspace(tmp_path, endpoint="sandbox") as space:
            assert not space.live

    @pytest.mark.parametrize(
        "text", ["", "[]", '{"endpoint": 5}', '{"endpoint": "https://evil.example"}', "\x00"]
    )
    def test_odd_memory_means_the_sandbox(self, tmp_path, text):
        (tmp_path / "workspace.json").write_text(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            space = Workspace(tmp_path)
        with space:
            assert space.endpoint == "sandbox"

    def test_live_without_a_key_says_so_before_anything(self, tmp_path, req, monkeypatch):
        monkeypatch.setattr("motion_widgets.workspace.settings.find_key", lambda *_a, **_k: None)
        with Workspace(tmp_path, endpoint="apimart") as space:
            clean = req.replace(image_url="https://example.com/a.png", video_url="https://example.com/a.mp4")
            monkeypatch.setattr(space.preparation, "measure", lambda _: (None, None))
            with pytest.raises(MotionError, match="No API key"):
                space.submit(clean, max_cost=5)
            assert len(space.log) == 0


def test_key_in_the_environment_of_a_sandboxed_workspace_sends_nothing(
    tmp_path, endpoint, monkeypatch, clip_bytes
):
    monkeypatch.setenv("APIMART_API_KEY", "sk-environment")
    monkeypatch.setenv("APIMART_BASE_URL", endpoint.url)
    clip, image = tmp_path / "clip.mp4", tmp_path / "image.png"
    clip.write_bytes(clip_bytes)
    image.write_bytes(make_png())
    req = MotionRequest(model=V26, image_url=image, video_url=clip)
    with Workspace(tmp_path / "ws", speed=2000) as space:
        job = space.submit(req).wait(60)
        assert (job.state, job.row.sandbox) == ("collected", True)
        assert space.balance() < 50
        assert Sweep(req).plan(space).run().wait(120).counts() == {"collected": 4}
        assert space.submit(req).id == job.id
    assert endpoint.requests == 0
    written = b"".join(one.read_bytes() for one in (tmp_path / "ws").rglob("*") if one.is_file())
    assert b"sk-environment" not in written


class TestFolder:
    def test_local_media_are_kept_by_content(self, ws, req, tmp_path, endpoint):
        image = tmp_path / "hero.png"
        image.write_bytes(make_png("red"))
        job = ws.submit(req.replace(image_url=image), max_cost=1).wait(30)
        row = job.row
        assert (job.state, row.image_name, endpoint.uploads) == ("collected", "hero.png", 1)
        assert (ws.folder / row.image_path).read_bytes() == image.read_bytes()
        assert json.loads(endpoint.posts[0].body)["image_url"].startswith(f"{endpoint.url}/media/up")
        again = tmp_path / "other name.png"
        again.write_bytes(image.read_bytes())
        assert ws.submit(req.replace(image_url=again), max_cost=1).id == job.id
        assert len(endpoint.posts) == 1

    def test_resend_uploads_nothing_again(self, ws, req, tmp_path, endpoint):
        image = tmp_path / "hero.png"
        image.write_bytes(make_png("red"))
        endpoint.next_post.append("reset")
        job = ws.submit(req.replace(image_url=image), max_cost=1).wait(30)
        assert job.resend().wait(30).state == "collected"
        assert (endpoint.uploads, len({post.body for post in endpoint.posts})) == (1, 1)

    def test_results_that_take_no_files_are_found_before_the_first_post(self, ws, req, endpoint):
        results = ws.folder / "results"
        results.rmdir()
        results.symlink_to("/proc/self")  # takes no files, whoever asks
        for act in (lambda: ws.submit(req, max_cost=1), lambda: Sweep(req).plan(ws).run(budget=5)):
            with pytest.raises(LogError, match="is not writable"):
                act()
        assert (endpoint.posts, len(ws.log)) == ([], 0)

    @pytest.mark.parametrize("folder", ["/proc/nowhere", "/dev/null/x"])
    def test_folder_that_cannot_be(self, folder):
        with pytest.raises(LogError, match="is not writable"):
            Workspace(folder)

    def test_log_that_cannot_be(self, tmp_path):
        with pytest.raises(LogError, match="cannot be opened"):
            Workspace(tmp_path, log="sqlite:////dev/null/x")

    def test_wishes_of_the_environment(self, tmp_path, monkeypatch):
        monkeypatch.setenv("MOTION_WIDGETS_FOLDER", str(tmp_path / "there"))
        monkeypatch.setenv("MOTION_WIDGETS_LOG", f"sqlite:///{tmp_path}/elsewhere.sqlite")
        with Workspace() as space:
            assert space.folder == tmp_path / "there"
        assert (tmp_path / "elsewhere.sqlite").exists()
        assert not (tmp_path / "there" / "log.sqlite").exists()

    def test_own_prices(self, tmp_path, req):
        own = tmp_path / "prices.toml"
        own.write_text(f'date = "2027-01"\n[{V26}]\nstd = 1.0\n')
        with pytest.warns(UserWarning, match="prices --accept"):
            space = Workspace(tmp_path)
        with space:
            assert space.prices == PRICES
            space.accept_prices()
            assert space.estimate(req).high == 4.0
            space.prices = Prices(date="x", per_second={(V26, "std"): 2.0})
            assert space.estimate(req).high == 8.0
        with Workspace(tmp_path) as space:
            assert space.notices == ()
            assert space.estimate(req).high == 4.0
        own.write_text(f'date = "2027-02"\n[{V26}]\nstd = 0.01\n')
        with pytest.warns(UserWarning, match="prices --accept"):
            space = Workspace(tmp_path)
        with space:
            assert space.prices == PRICES, "each change is accepted anew"

    def test_broken_prices_are_said_when_they_are_accepted(self, tmp_path):
        (tmp_path / "prices.toml").write_text("nonsense")
        with pytest.warns(UserWarning, match="prices --accept"):
            space = Workspace(tmp_path)
        with space:
            with pytest.raises(RequestError, match="prices"):
                space.accept_prices()
            assert space.prices == PRICES


class TestRequests:
    def test_errors_stop_it_and_are_all_there(self, ws, req, endpoint):
        with pytest.raises(RequestError) as caught:
            ws.submit(req.replace(mode="turbo", model=None), max_cost=1)
        assert {one.field for one in caught.value.findings if one.severity == "error"} == {"mode", "model"}
        assert (endpoint.posts, len(ws.log)) == ([], 0)

    def test_private_links_are_fine_only_for_an_endpoint_on_this_machine(self, ws, req, tmp_path):
        assert [one for one in ws.check(req) if one.severity == "error"] == []
        with Workspace(tmp_path / "live", endpoint="apimart", key=KEY) as live:
            assert {one.code for one in live.check(req)} >= {"link_private"}
            with pytest.raises(RequestError):
                live.submit(req, max_cost=1)

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "inside.example", "2130706433", "127.1", "localhost.", "[::1]"]
    )
    def test_live_a_link_inside_is_refused_before_anything_is_asked(
        self, req, tmp_path, endpoint, monkeypatch, host
    ):
        """However it is written, and also where only the name server says that it leads inside."""
        real, port = socket.getaddrinfo, endpoint.url.rpartition(":")[2]
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda name, *a, **o: real("127.0.0.1" if name == "inside.example" else name, *a, **o),
        )
        inside = req.replace(
            image_url=f"http://{host}:{port}/media/image.png",
            video_url=f"http://{host}:{port}/media/clip.mp4",
        )
        with Workspace(tmp_path / "live", endpoint="apimart", key=KEY) as live:
            errors = [(one.field, one.code) for one in live.check(inside) if one.severity == "error"]
            assert {field for field, _ in errors} == {"image_url", "video_url"}
            assert {code for _, code in errors} <= {"link_private", "link_inside"}
            assert len(errors) == 2  # each is said once
            assert live.estimate(inside).length_unknown
            with pytest.raises(RequestError):
                live.submit(inside, max_cost=1)
        assert endpoint.requests == 0
        with Workspace(tmp_path / "sandbox") as sandbox:
            assert not sandbox.estimate(req).length_unknown

    def test_local_clip_is_never_put_on_a_live_wire(self, ws, req, tmp_path, clip_bytes, endpoint):
        clip = tmp_path / "dance.mp4"
        clip.write_bytes(clip_bytes)
        with pytest.raises(RequestError, match="public https link"):
            ws.submit(req.replace(video_url=clip), max_cost=1)
        row, _ = ws.log_store.jobs.add({**ws.preparation.plan_job(req), "video_url": str(clip)})
        ws.connection.runner.drive(row.id)
        until(lambda: ws.log_store.jobs.get(row.id).error_message)
        assert (endpoint.posts, ws.log_store.jobs.get(row.id).state) == ([], "planned")

    def test_clip_measured_from_bytes_has_no_file_to_send(self, tmp_path, clip_bytes, req):
        from motion_widgets import measure_clip

        with Workspace(tmp_path / "ws") as space, pytest.raises(RequestError, match="file"):
            space.submit(req.replace(video_url=measure_clip(clip_bytes)))

    def test_sandbox_needs_no_bound_but_keeps_one(self, tmp_path, req):
        with Workspace(tmp_path) as space, pytest.raises(BudgetError):
            space.submit(req, max_cost=0.01)

    def test_key_is_found_nowhere(self, ws, req, caplog):
        caplog.set_level("DEBUG")
        ws.submit(req, max_cost=1).wait(30)
        ws.log.to_csv(ws.folder / "log.csv")
        shown = f"{ws!r} {vars(ws)!r} {ws.connection.target!r} {vars(ws.connection.runner)!r}"
        until(next(ws.folder.glob("results/*.mp4")).with_suffix(".json").is_file)
        ws.close()  # else a file may be renamed just before it is read
        shown += caplog.text
        written = b"".join(one.read_bytes() for one in ws.folder.rglob("*") if one.is_file())
        assert KEY.encode() not in written
        assert KEY not in shown

    def test_row_keeps_what_reading_it_later_needs(self, ws, req):
        row = ws.submit(req.replace(watermark_info={"enabled": False}), max_cost=1).wait(30).row
        assert json.loads(row.watermark_info) == {"enabled": False}
        assert json.loads(row.body)["watermark_info"] == {"enabled": False}
        for name in (
            "toolkit_version",
            "prices_date",
            "clip_length",
            "image_width",
            "answer",
            "idempotency_key",
        ):
            assert getattr(row, name) is not None, name


def test_jobs_of_this_endpoint_newest_first(ws, req):
    made = [ws.submit(req.replace(prompt=one), max_cost=1).id for one in "abc"]
    assert [job.id for job in ws.jobs(limit=2)] == made[:0:-1]


def test_balance(ws):
    assert ws.balance() == 10.5


def test_attach_to_nothing(ws):
    with pytest.raises(LogError, match="no job-none"):
        ws.attach("job-none")


def test_job_of_another_endpoint_is_shown_but_not_driven(ws, req, tmp_path):
    job = ws.submit(req, max_cost=1).wait(30)
    with Workspace(ws.folder, endpoint="sandbox") as other:
        seen = other.attach(job.id)
        assert (seen.state, seen.resting) == ("collected", True)
        with sqlite3.connect(ws.folder / "log.sqlite") as db:
            db.execute("UPDATE jobs SET state = 'failed'")
        with pytest.raises(RequestError, match="Open the workspace there"):
            seen.retry()
        assert len(other.log) == 1


def test_repr_of_a_workspace_that_is_not_open_yet():
    assert repr(Workspace.__new__(Workspace)) == "<Workspace, not opened>"
