"""A pack and a log made by somebody who means harm, through the whole product: opened, shown, sent, exported.

No file leaves its folder, no address but this machine's own sandbox is asked, and nothing is paid for.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import sqlite3
import threading

import ipywidgets as w
import pytest

import motion_widgets as mw
from motion_widgets.core.errors import MotionError, RequestError
from motion_widgets.log.store import Log
from motion_widgets.workspace.bundle import merge_from, pack
from motion_widgets.workspace.unpack import unpack
from tests.jobs.endpoint import make_png, until
from tests.log.test_merge import put
from tests.widgets.test_studio import parts

V26 = "kling-v2-6-motion-control"
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def spy():
    """A server on this machine that nobody has any business to ask."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        do_POST = do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_):
            """Log nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.asked = asked
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def private(tmp_path):
    path = tmp_path / "private.png"
    path.write_bytes(make_png("red"))
    return path


@pytest.fixture
def hostile(tmp_path, spy, private):
    """A folder whose rows say what is not so."""
    folder = tmp_path / "hostile"
    for name in ("results", "inputs"):
        (folder / name).mkdir(parents=True)
    (folder / "ipykernel_launcher.py").write_text("raise SystemExit")
    (folder / "prices.toml").write_text(f'date = "2020"\n[{V26}]\nstd = 0.000001\n')
    (folder / "workspace.json").write_text('{"endpoint": "apimart", "publish_to": "touch pwned"}')
    (folder / "results/evil.ipynb").write_text("{}")
    (folder / "results/page.mp4").write_text("<script>alert(1)</script>")
    (folder / "inputs/link.png").symlink_to(private)
    log = Log(folder / "log.sqlite")
    asks = {"model": V26, "mode": "std", "character_orientation": "image", "prompt": MARKUP}
    links = {"image_url": f"{spy.url}/a.png", "video_url": f"{spy.url}/a.mp4"}
    for number, path in enumerate((str(private), "../private.png", "inputs/link.png", "workspace.json")):
        put(
            log, "planned", f"plan{number}", **asks, image_url=str(private), video_url=links["video_url"],
            image_path=path, image_sha="0" * 64, body=json.dumps({**asks, **links}), estimate_high=1,
        )  # fmt: skip
    for number, state in enumerate(("submitting", "submitted", "running", "completed", "unknown")):
        job_id = put(log, state, f"way{number}", **asks, **links, estimate_high=1)
        log.transitions.record(job_id, links=json.dumps([f"{spy.url}/result.mp4"]), task_id="t", body="{}")
    put(log, "collected", "done", **asks, **links, result_path="results/page.mp4")
    put(log, "collected", "out", **asks, **links, result_path="../private.png")
    log.close()
    return folder


def files_below(folder):
    return {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()}


def charges(ws):
    assert ws.connection.sandbox.url, "it is started at first use; the Studio asks it whenever it gets to it"
    with contextlib.closing(sqlite3.connect(ws.folder / "sandbox/sandbox.sqlite3")) as db:
        return db.execute("SELECT count(*) FROM tasks").fetchone()[0]


def use(ws, tmp_path):
    """Open the Studio, let every job go on, plan, send a request of one's own, and export."""
    studio = mw.Studio(ws)
    shown = [str(one.value) for one in parts(studio) if isinstance(one, w.HTML)]
    assert MARKUP not in "".join(shown)
    for row in ws.log_store.jobs.rows():
        for act in (
            ws.submission.go_on,
            lambda one: ws.attach(one).retry(),
            lambda one: ws.attach(one).resend(),
        ):
            with contextlib.suppress(MotionError):
                act(row.id)
        ws.submission.price(row)
        assert ws.result_of(row) is None
        request = ws.request_of(row)
        assert "private" not in str(request.image_url) or request.image_url == "private.png"
    until(lambda: all(ws.attach(row.id).resting for row in ws.log_store.jobs.rows()))
    ws.log.to_csv(tmp_path / "out.csv")
    pack(ws.folder, ws.log_store, tmp_path / "again.zip")
    studio.close()


@pytest.mark.parametrize("way", ["unpack", "merge"])
def test_nothing_of_what_was_received_acts(hostile, private, spy, tmp_path, way):
    before, picture = files_below(tmp_path), private.read_bytes()
    log = Log(hostile / "log.sqlite")
    bundle = pack(hostile, log, tmp_path / "hostile.zip")
    log.close()
    mine = tmp_path / "mine"
    if way == "unpack":
        unpack(bundle, mine)
    else:
        mine.mkdir()
        other = Log(mine / "log.sqlite")
        merge_from(other, mine, hostile)
        other.close()
    assert {one for one in files_below(mine) if not one.startswith("log.sqlite")} == set()
    with mw.Workspace(mine, speed=200) as ws:
        assert (ws.live, ws.prices) == (False, mw.PRICES)
        assert not ws.submission.under_way(), "nobody here asks for another folder's sandbox"
        use(ws, tmp_path)
        assert ws.balance(), "its own sandbox is there"
        assert charges(ws) == 0
    assert spy.asked == []
    assert private.read_bytes() == picture
    new = {
        one for one in files_below(tmp_path) - before if not one.startswith(("mine/", "hostile/log.sqlite-"))
    }
    assert new == {"hostile.zip", "out.csv", "again.zip"}


def test_a_planned_row_names_no_file_outside_and_no_price_of_its_own(tmp_path, private, drawn):
    with mw.Workspace(tmp_path / "ws", speed=200) as ws:
        job = ws.submit(mw.MotionRequest(model=V26, image_url=drawn.image, video_url=drawn.clip_6s)).wait(60)
        own = job.row
        with ws.log_store.database.write() as connection:
            connection.exec_driver_sql("DELETE FROM jobs")
        values = {name: getattr(own, name) for name in own.__slots__ if name not in ("id", "seq", "state")}
        values |= {"task_id": None, "sent": None, "reserved": 0, "lease_owner": None, "lease_until": None}
        values |= {"estimate_low": 1, "estimate_high": 1, "clip_length": 0.1, "body": '{"prompt": "other"}'}
        row, _ = ws.log_store.jobs.add(values)
        assert ws.submission.price(row).high == ws.estimate(ws.request_of(row)).high > 0.3
        with pytest.raises(MotionError, match="at most"):
            ws.submission.go_on(row.id, 0.000001)
        ws.submission.go_on(row.id, 0.50)
        done = ws.attach(row.id).wait(60).row
        assert (done.state, done.estimate_high, json.loads(done.body)["model"]) == (
            "collected",
            own.estimate_high,
            V26,
        )
        # The very same with a picture that its key does not name.
        ws.log_store.transitions.record(row.id, state="planned", image_path="inputs/../../private.png")
        with pytest.raises(RequestError, match="is not here, or has changed"):
            ws.submission.go_on(row.id)


def test_a_row_with_my_request_s_key_does_not_decide_what_is_sent(tmp_path, drawn):
    req = mw.MotionRequest(model=V26, image_url=drawn.image, video_url=drawn.clip_6s, prompt="mine")
    with mw.Workspace(tmp_path / "ws", speed=200) as ws:
        ws.log_store.jobs.add(
            {
                "endpoint": "sandbox", "account": ws.account, "sandbox": True, "key": req.key, "model": V26,
                "prompt": "theirs", "webhook": "https://evil.example/x", "estimate_high": 1,
                "image_url": "https://evil.example/a.png", "video_url": "https://evil.example/a.mp4",
                "body": '{"prompt": "theirs"}',
            }
        )  # fmt: skip
        body = json.loads(ws.submit(req).wait(60).row.body)
    assert body["prompt"] == "mine"
    assert "evil" not in json.dumps(body)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    from motion_widgets.media.samples import sample_media

    return sample_media(tmp_path_factory.mktemp("drawn"))
