"""Mending in a workspace: what was made of what is in the log, found again, and can be undone."""

from __future__ import annotations

import threading

import pytest

import motion_widgets as mw
from motion_widgets.core.errors import ClipError, LogError
from motion_widgets.core.hashing import sha256_of
from tests.media.conftest import X264, ffmpeg, picture


@pytest.fixture
def ws(tmp_path):
    with mw.Workspace(tmp_path / "ws") as made:
        yield made


@pytest.fixture
def photo(tmp_path):
    from PIL import Image

    path = tmp_path / "hero.webp"
    Image.new("RGB", (400, 500), "teal").save(path)
    return path


def test_a_mend_is_written_down_with_its_provenance(ws, photo):
    done = ws.mend(photo, mw.Operation("convert_image", {"form": "png"}))
    (row,) = ws.log_store.mends.find()
    assert row.id == done.id
    assert (row.kind, row.operation, row.parameters) == ("image", "convert_image", {"form": "png"})
    assert (row.source_name, row.source_sha) == ("hero.webp", sha256_of(photo))
    assert (row.result_name, row.result_sha) == (done.mend.result_name, done.result.sha256)
    assert (ws.folder / row.result_path).parent == ws.folder / "mended"
    assert sha256_of(ws.folder / row.result_path) == row.result_sha
    assert sha256_of(ws.folder / row.source_path) == row.source_sha, "a copy of the source is kept"


def test_undoing_gives_the_source_back_even_when_its_file_is_gone(ws, photo):
    content = photo.read_bytes()
    done = ws.mend(photo, mw.Operation("convert_image"))
    photo.unlink()
    back = ws.undo_mend(done.id)
    assert back.read_bytes() == content
    assert ws.log_store.mends.find()[0].undone is not None
    assert (ws.folder / "mended" / done.mend.result_name).exists(), "nothing is thrown away"
    assert ws.undo_mend(done.id) == back, "undoing twice is undoing once"


def test_the_same_again_is_the_same_mend_and_after_undoing_a_new_one(ws, photo):
    first = ws.mend(photo, mw.Operation("convert_image"))
    again = ws.mend(photo, mw.Operation("convert_image"))
    assert (again.id, again.result) == (first.id, first.result)
    ws.undo_mend(first.id)
    anew = ws.mend(photo, mw.Operation("convert_image"))
    assert anew.id != first.id
    assert anew.result.source == first.result.source
    assert len(ws.log_store.mends.find()) == 2


def test_mends_follow_each_other_and_are_undone_one_by_one(ws, photo):
    first = ws.mend(photo, mw.Operation("convert_image"))
    second = ws.mend(first.result, mw.Operation("pad_image", {"aspect": 1.0}))
    assert second.mend.source_sha == first.mend.result_sha
    assert ws.undo_mend(second.id) == ws.folder / "mended" / first.mend.result_name
    assert len(list((ws.folder / "inputs").iterdir())) == 1, "what lies in the workspace is not copied"


def test_a_mended_file_goes_into_a_request_and_its_job(ws, photo, tmp_path):
    dance = tmp_path / "dance.mp4"
    ffmpeg(*picture(5, 10, "360x450"), *X264, dance)
    clip = ws.mend(dance, mw.Operation("trim_clip", {"start": 0.0, "length": 4.0})).result
    image = ws.mend(photo, mw.Operation("convert_image")).result
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", mode="std", character_orientation="image", image_url=image,
        video_url=clip,
    )  # fmt: skip
    assert [one for one in ws.check(req) if one.severity == "error"] == []
    values = ws.preparation.plan_job(req)
    assert (values["clip_sha"], values["image_sha"]) == (clip.sha256, image.sha256)


def test_what_a_repair_made_is_called_by_the_files_own_name_and_what_was_done(ws, photo, tmp_path):
    dance = tmp_path / "dance.mp4"
    ffmpeg(*picture(8, 10, "360x450"), *X264, dance)
    part = ws.mend(dance, mw.Operation("trim_clip", {"start": 2.0, "length": 6.0})).result
    assert part.name == "dance (2.0–8.0 s).mp4"
    assert ws.mend(part, mw.Operation("trim_clip", {"start": 1.0, "length": 3.0})).result.name == (
        "dance (2.0–8.0 s) (1.0–4.0 s).mp4"
    )
    image = ws.mend(photo, mw.Operation("convert_image", {"form": "png"})).result
    assert image.name == "hero (converted).png"
    # So the form shows it, so the log has it, and so it is called when it comes back from there.
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", mode="std", character_orientation="image",
        image_url=image.source, video_url=part.source,
    )  # fmt: skip
    assert [one.name for one in ws.preparation.measure(req)] == [part.name, image.name]
    job = ws.submit(req).wait(60)
    assert (job.row.clip_name, job.row.image_name) == (part.name, image.name)
    again = ws.preparation.measure(ws.request_of(job.row))
    assert [one.name for one in again] == [part.name, image.name]


PART = {"start": 1, "length": 3}


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("trim_clip", {}),
        *(("trim_clip", PART | odd) for odd in ({"start": "<b>"}, {"length": None}, {"length": [3]})),
        *(("trim_clip", PART | {"start": odd}) for odd in (10**400, float("nan"))),
        *((name, PART) for name in ("paint_clip", "wrong")),
    ],
)
def test_a_row_of_a_repair_that_somebody_made_up_names_nothing(ws, photo, operation, parameters):
    made = ws.mend(photo, mw.Operation("convert_image", {"form": "png"})).result
    ws.log_store.mends.add(
        kind="image", operation=operation, parameters=parameters, source_sha="a" * 64, source_name="x.png",
        source_path=None, result_sha=made.sha256, result_name="y", result_path="mended/y.png",
    )  # fmt: skip
    req = mw.MotionRequest(model="kling-v2-6-motion-control", image_url=made.source)
    assert ws.preparation.measure(req)[1].name.endswith(".png")


def test_a_cancelled_mend_is_not_written_down(ws, photo):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(ClipError, match="cancelled"):
        ws.mend(photo, mw.Operation("convert_image"), cancel=cancel)
    assert ws.log_store.mends.find() == []
    assert list((ws.folder / "mended").iterdir()) == []


def test_an_unknown_mend_cannot_be_undone(ws, photo):
    with pytest.raises(LogError, match="mend-nothing"):
        ws.undo_mend("mend-nothing")
    done = ws.mend(photo, mw.Operation("convert_image"))
    next((ws.folder / "inputs").iterdir()).unlink()
    with pytest.raises(LogError, match="no longer in the workspace"):
        ws.undo_mend(done.id)
