# ruff: noqa: E501
"""The file beside a result that says what it was made of."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets import MotionRequest, RequestError
from motion_widgets.jobs.sidecar import read_sidecar, request_of, write_sidecar
from motion_widgets.log.store import Log
from tests.jobs.endpoint import KEY, make_png, until
from tests.log.conftest import PATHS, VALUES

FIELDS = {
    "model": "kling-v2-6-motion-control",
    "character_orientation": "image",
    "mode": "pro",
    "prompt": "wave",
}


@pytest.fixture
def log(tmp_path):
    made = Log(tmp_path / "log.sqlite")
    (tmp_path / "results").mkdir()
    (tmp_path / "inputs").mkdir()
    yield made
    made.close()


@pytest.fixture
def collected(log, tmp_path):
    """collected(**columns) -> the path of its result, sidecar written."""

    def make(**columns):
        row, _ = log.jobs.add(
            {**VALUES, **FIELDS, "image_url": "https://h/a.png", "video_url": "https://h/b.mp4", **columns}
        )
        for step in PATHS["collected"]:
            assert (
                log.transitions.intend(row.id, 1, owner="me")
                if step == "submitting"
                else log.transitions.move(row.id, step)
            )
        log.transitions.record(row.id, result_path=f"results/{row.id}.mp4", task_id="t", cost=456_960)
        path = tmp_path / "results" / f"{row.id}.mp4"
        path.write_bytes(b"\0\0\0\x18ftypisom, a video")
        write_sidecar(log.jobs.get(row.id), tmp_path)
        return path

    return make


def test_a_collected_job_leaves_one_that_gives_its_request_back(ws, req, endpoint):
    job = ws.submit(req, max_cost=0.50).wait(30)
    place = job.result.with_suffix(".json")
    until(place.exists)
    about = json.loads(place.read_text("utf-8"))
    assert (about["job"], about["task"], about["cost"]) == (job.id, job.task_id, job.cost)
    assert about["toolkit_version"]
    assert about["prices_date"]
    assert read_sidecar(job.result).to_wire() == req.to_wire()
    assert ws.restore(job.result).key == req.key
    assert KEY not in place.read_text("utf-8")


def test_media_that_were_kept_come_back_by_their_copies(collected, tmp_path):
    picture = make_png()
    (tmp_path / "inputs/a.png").write_bytes(picture)
    sha = hashlib.sha256(picture).hexdigest()
    path = collected(
        image_url="/secret project/a.png",
        image_name="a.png",
        image_sha=sha,
        image_path="inputs/a.png",
    )
    assert "secret project" not in path.with_suffix(".json").read_text("utf-8")
    assert read_sidecar(path).image_url == str(tmp_path / "inputs/a.png")
    (tmp_path / "inputs/a.png").write_bytes(b"another")
    assert read_sidecar(path).image_url == "a.png", "a copy that is another by now is not taken for it"


def test_links_lose_their_queries(collected):
    path = collected(
        video_url="https://h/b.mp4?X-Amz-Signature=abc", webhook="https://hook.example/x?token=abc"
    )
    assert "abc" not in path.with_suffix(".json").read_text("utf-8")
    assert read_sidecar(path).video_url == "https://h/b.mp4"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", "{", '{"format": 1}', '{"format": 2, "request": {}}', '{"format": 1, "request": []}', "[" * 100_000, '{"a": "' + "x" * 2**21 + '"}'],
)  # fmt: skip
def test_what_is_no_sidecar_is_said_to_be_none(tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(RequestError, match="does not describe how"):
        read_sidecar(tmp_path / "x.json")


def test_missing_one(tmp_path):
    with pytest.raises(RequestError, match="does not describe how"):
        read_sidecar(tmp_path / "x.mp4")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../log.sqlite", "inputs/../log.sqlite", "log.sqlite", 7, None, ["a"]]
)
def test_nobody_else_s_sidecar_names_a_file_of_ours(tmp_path, path):
    media = {"image": {"path": path, "sha": "x"}}
    about = {
        "format": 1,
        "request": {**FIELDS, "image_url": "/etc/passwd", "video_url": "file:///etc/passwd"},
        "media": media,
    }
    (tmp_path / "x.json").write_text(json.dumps(about))
    req = read_sidecar(tmp_path / "x.json", tmp_path)
    assert (req.image_url, req.video_url) == ("passwd", "passwd")


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wire=st.dictionaries(
        st.sampled_from(list(MotionRequest.__dataclass_fields__)) | st.text(max_size=6), JSON, max_size=9
    ),
    media=JSON,
)
def test_any_json_gives_a_draft_or_a_sentence(tmp_path, wire, media):
    (tmp_path / "x.json").write_text(json.dumps({"format": 1, "request": wire, "media": media}))
    req = read_sidecar(tmp_path / "x.json")
    assert isinstance(req.key, str)
    for name in ("model", "image_url", "video_url", "mode", "prompt", "webhook"):
        assert getattr(req, name) is None or isinstance(getattr(req, name), str)


def test_a_disk_that_is_full_costs_no_result(collected, log, tmp_path, monkeypatch):
    path = collected()
    path.with_suffix(".json").unlink()
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    write_sidecar(log.jobs.get(path.stem), tmp_path)
    assert sorted(one.name for one in tmp_path.rglob("*") if one.suffix in (".json", ".part")) == []


def test_request_of_a_row_does_not_follow_paths_out_of_the_folder(collected, log, tmp_path):
    row = replace(log.jobs.get(collected().stem), image_path="../../etc/passwd")
    assert request_of(row, tmp_path).image_url == "https://h/a.png"
