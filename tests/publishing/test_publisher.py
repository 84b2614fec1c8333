"""What a person does with it: consent, the default destination, links of jobs, earlier results."""

from __future__ import annotations

import asyncio
import json
import re
import stat
import time

import httpx
import pytest

import motion_widgets as mw
from motion_widgets import RequestError, Workspace
from motion_widgets.core.signed_file import read_signed, write_signed
from motion_widgets.publishing.destination import DAY, UPLOAD_LIFE, Destination
from motion_widgets.workspace.settings import Target
from tests.jobs.endpoint import KEY, Say, make_png, until
from tests.publishing.conftest import BUCKET

TO = f"s3://{BUCKET}/refs"
COMMAND = "echo https://h.example/{name} # {path}"


@pytest.fixture
def sandbox(tmp_path):
    with Workspace(tmp_path / "sandbox", speed=2000) as space:
        yield space


@pytest.fixture
def far(tmp_path):
    """A workspace at the live endpoint, to which nothing is ever sent here."""
    with Workspace(tmp_path / "far", endpoint="apimart", key=KEY) as space:
        yield space


class TestUpload:
    def test_on_the_sandbox_it_needs_no_consent_and_is_remembered(self, sandbox, image, tmp_path):
        began = time.time()
        first = sandbox.publish(image, "endpoint")
        ended = time.time()
        assert httpx.get(first.url, trust_env=False, timeout=60).content == image.read_bytes()
        twin = tmp_path / "twin.png"
        twin.write_bytes(image.read_bytes())
        assert mw.publish(twin, ws=sandbox) == first
        assert began + 0.9 * UPLOAD_LIFE / 2000 < first.expires < ended + UPLOAD_LIFE / 2000

    def test_it_is_refreshed_when_due(self, sandbox, image):
        """72 h are 130 s at this speed, and the two hours of a job 3.6 s."""
        first = sandbox.publish(image, "endpoint")
        file = sandbox.folder / "published.json"
        held = read_signed(file)
        for one in held.values():
            one["expires"] = time.time() + 3.0
        write_signed(file, held)
        again = sandbox.publish(image, "endpoint")
        assert again.expires > first.expires - 1
        assert again.expires > time.time() + 100

    def test_jobs_upload_the_same_bytes_once(self, ws, req, endpoint, image):
        first = ws.submit(req.replace(image_url=image), max_cost=1).wait(30)
        other = ws.submit(req.replace(image_url=image, prompt="other"), max_cost=1).wait(30)
        assert (first.state, other.state, endpoint.uploads) == ("collected", "collected", 1)

    @pytest.mark.parametrize("kind", ["WEBP", "GIF"])
    def test_stricter_limits_come_first(self, ws, endpoint, tmp_path, kind):
        from PIL import Image

        path = tmp_path / "odd"
        Image.new("RGB", (400, 400)).save(path, kind)
        with pytest.raises(RequestError, match="takes JPEG and PNG"):
            ws.publish(path, "endpoint")
        Image.new("RGB", (2000, 301)).save(path, "PNG")
        with pytest.raises(RequestError, match=r"odd.*2\.5 to 1") as refused:
            ws.publish(path, "endpoint")
        (copy,) = (ws.folder / "inputs").glob("*.png")
        assert copy.stem not in str(refused.value), "people call it by its own name"
        with pytest.raises(RequestError, match=r"odd.*2\.5 to 1"):
            ws.publish(copy, "endpoint")
        assert endpoint.uploads == 0

    def test_there_is_none_for_clips(self, ws, clip):
        with pytest.raises(RequestError, match="no video upload"):
            ws.publish(clip, "endpoint")


class TestConsent:
    def test_nothing_leaves_without_it(self, far, sandbox, bucket, clip, image):
        for space in (far, sandbox):  # a store is elsewhere, whatever the endpoint
            said = (
                rf"{re.escape(clip.name)} would become public at s3://clips/refs for about 24 h.*consent=True"
            )
            with pytest.raises(RequestError, match=said):
                space.publish(clip, TO)
        with pytest.raises(RequestError, match=r"endpoint's upload for about 72 h"):
            far.publish(image)
        assert "Contents" not in bucket.list_objects_v2(Bucket=BUCKET)

    def test_for_one_file(self, far, clip, image):
        assert far.publish(clip, COMMAND, consent=True).url.startswith("https://h.example/")
        with pytest.raises(RequestError, match="consent"):
            far.publish(image, COMMAND)

    def test_is_remembered_by_destination_and_can_be_taken_back(self, far, clip):
        far.consent(COMMAND)
        far.publish(clip, COMMAND)
        with Workspace(far.folder, endpoint="apimart", key=KEY) as later:
            assert later.connection.links.consented(Destination.read(COMMAND))
            assert not later.connection.links.consented(Destination.read(f"{COMMAND} "[1:]))
            later.switch("sandbox")
            later.consent(COMMAND, given=False)
            assert read_signed(far.folder / "workspace.json") == {"endpoint": "sandbox"}
        assert not far.connection.links.consented(Destination.read(COMMAND))

    @pytest.mark.usefixtures("bucket")
    def test_plain_http_is_no_link_for_an_endpoint_elsewhere(self, far, clip):
        with pytest.raises(RequestError, match="no usable link"):
            far.publish(clip, TO, consent=True)

    def test_upload_is_agreed_to_by_endpoint(self, far):
        far.consent("endpoint")
        assert far.connection.links.consented(Destination.read("endpoint"))
        far.switch("https://mirror.example", key=KEY, remember=False)
        assert not far.connection.links.consented(Destination.read("endpoint"))

    def test_live_submit_asks_before_a_row_is_written(self, far, req, image, clip):
        far.publish_to = TO
        local = req.replace(image_url=image, video_url=clip)
        assert [one.code for one in far.check(local) if one.severity == "error"] == []
        assert [(one.field, one.place.label) for one in far.connection.links.asked(local)] == [
            ("image_url", "the endpoint's upload"), ("video_url", TO),
        ]  # fmt: skip
        with pytest.raises(RequestError, match=r"me\.png would become public at the end.*ws\.consent"):
            far.submit(local, max_cost=5)
        with pytest.raises(RequestError, match="would become public"):
            mw.Sweep(local).plan(far).run(budget=5)
        assert len(far.log) == 0
        far.consent()
        assert far.connection.links.asked(local) == []

    def test_sandbox_and_links_need_none(self, sandbox, far, req, image, clip):
        assert sandbox.connection.links.asked(req.replace(image_url=image, video_url=clip)) == []
        links = req.replace(image_url="https://h.example/a", video_url="https://h.example/b")
        assert far.connection.links.asked(links) == []


class TestJobs:
    @pytest.mark.usefixtures("bucket")
    def test_local_clip_goes_to_the_store_and_on_the_wire_as_its_link(self, ws, req, endpoint, clip):
        ws.publish_to = TO
        ws.consent()
        job = ws.submit(req.replace(video_url=clip), max_cost=1).wait(30)
        assert job.state == "collected"
        link = json.loads(endpoint.posts[0].body)["video_url"]
        assert httpx.get(link, trust_env=False, timeout=60).content == clip.read_bytes()
        assert ws.submit(req.replace(video_url=clip), max_cost=1).id == job.id

    @pytest.mark.usefixtures("bucket")
    def test_signature_is_in_no_event_frame_export_or_repr(self, ws, req, clip, caplog):
        caplog.set_level("DEBUG")
        ws.publish_to = TO
        ws.consent()
        job = ws.submit(req.replace(video_url=clip), max_cost=1).wait(30)
        found = ws.publish(clip)
        signature = found.url.partition("?")[2]
        assert len(signature) > 40
        ws.log.to_csv(ws.folder / "log.csv")
        logged = [one.getMessage() for one in caplog.records if one.name.startswith("motion_widgets")]
        events = ws.log_store.jobs.events(job.id)
        shown = f"{found!r}{ws.log.frame().to_csv()}{events}{vars(ws)!r}{vars(ws.connection.links)!r}{logged}"
        for part in ("Signature=", signature):
            assert part not in shown
            assert part not in (ws.folder / "log.csv").read_text()
        for name in ("published.json", "workspace.json"):
            assert stat.S_IMODE((ws.folder / name).stat().st_mode) == 0o600

    @pytest.mark.parametrize("say", [Say(404, b""), Say(200, b"<html>sign in</html>")])
    def test_dead_link_costs_nothing_and_says_so(self, ws, req, endpoint, say):
        endpoint.next_download.append(say)
        row, _ = ws.log_store.jobs.add(
            {**ws.preparation.plan_job(req), "video_url": f"{endpoint.url}/result/dance.mp4"}
        )
        ws.connection.runner.drive(row.id)
        message = until(lambda: ws.log_store.jobs.get(row.id).error_message)
        assert message.startswith("Nothing was sent, and it cost nothing.")
        until(lambda: ws.log_store.jobs.get(row.id).state == "planned")
        assert (endpoint.posts, ws.log_store.jobs.get(row.id).reserved) == ([], 0)
        ws.connection.runner.drive(row.id)  # once the link lives again, it goes on
        until(lambda: ws.log_store.jobs.get(row.id).state == "collected")

    def test_wait_returns_when_a_link_is_dead(self, ws, req, endpoint):
        job = ws.submit(
            req.replace(image_url=f"{endpoint.url}/media/image.png?Signature=x&Expires=5"), max_cost=1
        )
        assert (job.wait(30).state, "expires too soon" in job.error) == ("planned", True)

    def test_link_that_would_die_under_the_job_is_not_paid_for(self, ws, req, endpoint):
        soon = f"{endpoint.url}/media/clip.mp4?Signature=x&AWSAccessKeyId=k&Expires={int(time.time()) + 1800}"
        job = ws.submit(req.replace(video_url=soon), max_cost=1)
        assert "expires too soon" in until(lambda: job.row.error_message)
        assert endpoint.posts == []

    def test_consent_taken_back_stops_what_is_planned(self, ws, req, endpoint, bucket, clip):
        ws.publish_to = TO
        ws.consent()
        row, _ = ws.log_store.jobs.add(ws.preparation.plan_job(req.replace(video_url=clip)))
        ws.consent(given=False)
        ws.connection.runner.drive(row.id)
        assert "would become public" in until(lambda: ws.log_store.jobs.get(row.id).error_message)
        assert endpoint.posts == []
        assert "Contents" not in bucket.list_objects_v2(Bucket=BUCKET)


class TestWhere:
    @pytest.mark.parametrize(
        "to", ["", "here", "https://h.example/x", "result:", "serve:ftp://x", "serve:x", 5, "s3://"]
    )
    def test_what_is_no_place(self, ws, clip, to):
        with pytest.raises(RequestError, match="not a place to publish"):
            ws.publish(clip, to)

    @pytest.mark.parametrize("to", ["endpoint", "result:job-1", "nonsense"])
    def test_what_is_no_default(self, ws, to):
        with pytest.raises(RequestError, match="not a place"):
            ws.publish_to = to
        assert ws.publish_to is None

    def test_default_is_remembered_and_taken_back(self, ws):
        ws.publish_to = "serve:https://my.tunnel.example"
        ws.switch("sandbox")
        with Workspace(ws.folder) as later:
            assert (later.publish_to, later.endpoint) == ("serve:https://my.tunnel.example", "sandbox")
            later.publish_to = None
        assert ws.publish_to is None

    @pytest.mark.parametrize("odd", [{"publish_to": 5, "consent": [1]}, {"consent": "all"}])
    def test_odd_memory_means_no(self, far, odd):
        write_signed(far.folder / "workspace.json", odd)
        assert far.publish_to is None
        assert not far.connection.links.consented(Destination.read("s3://x/y"))

    def test_labels_hide_who_may_write_there(self):
        assert "geheim" not in repr(Destination.read("ftp://me:geheim@h.example/x?k=geheim"))

    @pytest.mark.parametrize("life", [0, -1, float("nan"), float("inf"), "a day"])
    def test_odd_lives(self, ws, clip, life):
        with pytest.raises(RequestError, match="not a valid link lifetime"):
            ws.publish(clip, "serve", life=life)

    def test_no_upload_lives_for_a_week(self, ws, image, endpoint):
        with pytest.raises(RequestError, match=r"at most 2\.94 days; 7 were"):
            ws.publish(image, "endpoint", life=7 * DAY)
        assert endpoint.uploads == 0

    def test_odd_names_and_sources(self, ws, clip):
        for name in ("../x", "-rf", ".hidden", "a b", "x/y", ""):
            with pytest.raises(RequestError, match="cannot be used as a name"):
                ws.publish(clip, "serve", name=name)
        with pytest.raises(RequestError, match="not a local file"):
            ws.publish("https://h.example/a.mp4", "serve")


class TestLinkCache:
    @pytest.mark.parametrize("text", ["", "[]", "{", '{"x": 5}', "\x00", "[" * 100_000])
    def test_broken_one_is_begun_anew(self, sandbox, image, text):
        (sandbox.folder / "published.json").write_text(text)
        first = sandbox.publish(image, "endpoint")
        assert sandbox.publish(image, "endpoint") == first

    def test_dead_links_are_forgotten(self, sandbox, image, tmp_path):
        sandbox.publish(image, "endpoint")
        file = sandbox.folder / "published.json"
        held = read_signed(file)
        for one in held.values():
            one["expires"] = 1.0
        write_signed(file, held)
        other = tmp_path / "other.png"
        other.write_bytes(make_png("blue"))
        sandbox.publish(other, "endpoint")
        assert len(read_signed(file)) == 1


class TestEarlierResult:
    def test_living_link_is_given(self, ws, req, endpoint):
        endpoint.expires_in = 86_400.0
        job = ws.submit(req, max_cost=1).wait(30)
        found = ws.publish(None, f"result:{job.id}")
        assert found.url == f"{endpoint.url}/result/{job.task_id}.mp4"
        assert ws.publish(job.result, f"result:{job.id}") == found

    def test_other_content_dying_link_or_no_result(self, ws, req, endpoint, image):
        endpoint.expires_in = 3600.0
        job = ws.submit(req, max_cost=1).wait(30)
        with pytest.raises(RequestError, match="expires before"):
            ws.publish(None, f"result:{job.id}")
        with pytest.raises(RequestError, match="a different file"):
            ws.publish(image, f"result:{job.id}")
        with pytest.raises(RequestError, match="no result here"):
            ws.publish(None, "result:job-none")

    def test_result_of_another_endpoint_is_none_here(self, ws, req):
        job = ws.submit(req, max_cost=1).wait(30)
        with (
            Workspace(ws.folder, endpoint="sandbox") as other,
            pytest.raises(RequestError, match="no result"),
        ):
            other.publish(None, f"result:{job.id}")


def test_plain_server_is_refused_by_a_look_from_afar(clip, give):
    from motion_widgets.publishing.link_check import check_link

    found = give(clip, "serve")
    private = asyncio.run(check_link("video_url", found.url, cover=1, public=True))
    assert [one.code for one in private] == ["link_inside"]
    assert asyncio.run(check_link("video_url", found.url, cover=1, public=False)) == []
    assert not Target("apimart", "https://api.apimart.ai").here
