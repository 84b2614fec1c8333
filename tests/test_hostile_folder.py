"""A folder that somebody sent, made to be harmful, through the whole product: nothing of it is obeyed."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import sqlite3
import warnings

import pytest

import motion_widgets as mw
from motion_widgets.cli.main import main
from motion_widgets.media.samples import sample_media
from motion_widgets.publishing.destination import Destination
from motion_widgets.request.price import PRICES
from motion_widgets.sandbox.store import Store
from motion_widgets.workspace.library import Library
from tests.jobs.endpoint import Endpoint

MODEL = "kling-v2-6-motion-control"


@pytest.fixture
def canary(monkeypatch):
    """The live endpoint, with a key at hand: whoever asks it for anything has been tricked."""
    server = Endpoint(b"")
    monkeypatch.setenv("APIMART_API_KEY", "sk-0123456789abcdef")
    monkeypatch.setenv("APIMART_BASE_URL", server.url)
    yield server
    server.stop()


@pytest.fixture
def hostile(tmp_path, canary):
    """The folder, and the file that its command would make."""
    folder, mark = tmp_path / "home" / "received", tmp_path / "home" / "mark"
    folder.mkdir(parents=True)
    (folder / "samples").mkdir()
    samples = sample_media(folder / "samples")
    command = f"touch {mark} {{path}} && echo {canary.url}/media/clip.mp4"
    digest = Destination.read(command).digest
    places = {digest: "x", f"{Destination.read('endpoint').digest}@apimart": "x"}
    choices = {"endpoint": "apimart", "publish_to": command, "consent": places, "prices": "0" * 64}
    cheap = f'date = "2030-01"\n[{MODEL}]\nstd = 0.000001\n'
    choices["prices"] = hashlib.sha256(cheap.encode()).hexdigest()
    links = {
        f"{hashlib.sha256(one.read_bytes()).hexdigest()}:{where}": {
            "url": f"{canary.url}/media/image.png", "expires": None, "sha": "0", "name": "x", "size": 1,
            "to": "x",
        }
        for one in (samples.image, samples.clip_6s)
        for where in (digest, f"{canary.url} {Destination.read('endpoint').digest}")
    }  # fmt: skip
    for file, held in (("workspace.json", choices), ("published.json", links)):
        (folder / file).write_text(json.dumps(held | {"signature": "0" * 64}))
    (folder / "prices.toml").write_text(cheap)
    (folder / "library" / ".cache").mkdir(parents=True)
    shutil.copyfile(samples.clip_12s, folder / "library" / "dance.mp4")
    _lie_about_the_library(folder)
    for name in (
        "ipykernel_launcher.py",
        "sitecustomize.py",
        "jupyter_server_config.py",
        "motion_widgets.py",
    ):
        (folder / name).write_text(f"open({str(mark)!r}, 'w')")
    Store(folder / "sandbox").close()
    with contextlib.closing(sqlite3.connect(folder / "sandbox" / "sandbox.sqlite3")) as db, db:
        db.execute(
            "INSERT INTO tasks VALUES ('../../../up', 'm', 'std', 'image', 0, 0, '../../samples/figure.png', "
            "'../../samples/clip-6s.mp4', 6, 1, 0, 0, 1e9, NULL, NULL, NULL, NULL, NULL, 0)"
        )
    return folder, mark


def _lie_about_the_library(folder):
    """Have the library remember 3 s of a clip of 12 s, in its own words."""
    library = Library(folder / "library")
    library.items()
    (memory,) = (folder / "library").rglob("measured.json")
    held = json.loads(memory.read_text())
    assert held["dance.mp4"]["fact"]["length"] == pytest.approx(12, abs=0.1)
    held["dance.mp4"]["fact"]["length"] = 3.0
    memory.write_text(json.dumps(held))


def run(*words):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as wrong:
        code = main([str(one) for one in words])
    return code, out.getvalue() + wrong.getvalue()


def outside(folder):
    return sorted(one.name for one in folder.parent.iterdir() if one != folder)


def test_nothing_of_it_is_obeyed(hostile, canary, monkeypatch):
    folder, mark = hostile
    monkeypatch.chdir(folder)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        ws = mw.Workspace(folder, speed=500)
    sentences = " ".join(str(one.message) for one in said)
    assert "opens as new, on the sandbox" in sentences
    assert "prices --accept" in sentences
    with ws:
        assert (ws.live, ws.publish_to, ws.prices) == (False, None, PRICES)
        studio = mw.Studio(ws)
        assert "opens as new" in studio.notice.value
        assert [one.length for one in ws.library.clips()] == [pytest.approx(12, abs=0.1)]
        samples = ws.samples()
        req = mw.MotionRequest(
            model=MODEL, image_url=samples.image, video_url=samples.clip_6s, character_orientation="image",
            mode="std",
        )  # fmt: skip
        assert ws.estimate(req).high > 0.3
        job = ws.submit(req, max_cost=0.50).wait(60)
        assert (job.state, job.row.sandbox) == ("collected", True)
        plan = mw.Sweep(req, mode=["std", "pro"]).plan(ws)
        assert plan.run(budget=2.0).wait(60).counts() == {"collected": 2}
        ws.log.to_csv(folder / "log.csv")
        with pytest.raises(mw.RequestError, match="would become public"):
            ws.publish(samples.clip_6s, json.loads((folder / "workspace.json").read_text())["publish_to"])
        studio.close()
    (folder / "request.json").write_text(
        json.dumps({**req.to_wire(), "image_url": str(samples.image), "video_url": str(samples.clip_6s)})
    )
    for words in (["check", "request.json"], ["submit", "request.json"], ["log"], ["budget"], ["prices"]):
        code, told = run(*words, "--folder", folder)
        assert code == 0, told
        assert "opens as new" in told
    assert run("pack", folder.parent / "out.zip", "--folder", folder)[0] == 0
    assert canary.requests == 0
    assert not mark.exists()
    assert outside(folder) == ["out.zip"]


def test_gone_live_by_its_user_it_still_asks_before_anything_is_published(hostile, canary, monkeypatch):
    folder, mark = hostile
    monkeypatch.delenv("APIMART_BASE_URL")  # what goes to an endpoint on this machine stays here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ws = mw.Workspace(folder, endpoint="apimart")
    with ws:
        samples = ws.samples()
        req = mw.MotionRequest(
            model=MODEL, image_url=samples.image, video_url=samples.clip_6s, character_orientation="image"
        )
        with pytest.raises(mw.RequestError):
            ws.submit(req, max_cost=1)
        assert ws.estimate(req).high > 0.3
        with pytest.raises(mw.RequestError, match="would become public"):
            ws.publish(samples.image)
    assert canary.requests == 0
    assert not mark.exists()
