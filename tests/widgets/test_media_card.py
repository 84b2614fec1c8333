# ruff: noqa: E501
"""A file that comes from the browser in pieces: whole or not at all, under a safe name, of the right kind."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw
from motion_widgets.core.errors import RequestError
from motion_widgets.widgets import upload as uploads
from motion_widgets.widgets.upload import LIMITS_OF, Upload, kind_of, safe_name
from tests.widgets.conftest import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from motion_widgets.widgets.media_card import MediaCard
    from motion_widgets.workspace.workspace import Workspace


class Browser:
    """The page's half of the talk, as `media_card.js` leads it."""

    def __init__(self, card: MediaCard, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pick, self.which = card.cards, card.which
        self.heard: list[dict[str, Any]] = []
        monkeypatch.setattr(self.pick, "send", self.heard.append)

    def say(self, what: str, *pieces: bytes, **more: Any) -> None:
        content = {"type": what, "id": "one", "which": self.which, **more}
        self.pick._on_message(self.pick, content, [memoryview(one) for one in pieces])

    def answer(self, count: int) -> dict[str, Any]:
        until(lambda: len(self.heard) >= count)
        return self.heard[count - 1]

    def hand_over(self, name: str, content: bytes, piece: int = 4096) -> dict[str, Any]:
        at = len(self.heard) + 1
        self.say("begin", name=name, size=len(content))
        answer = self.answer(at)
        while answer["type"] == "taken":
            offset = answer["offset"]
            at += 1
            self.say("piece", content[offset : offset + piece], offset=offset)
            answer = self.answer(at)
        return answer


@pytest.fixture
def form(ws: Workspace) -> Iterator[mw.RequestForm]:
    made = mw.RequestForm(ws, watch=False)
    yield made
    made.close()


def test_a_file_arrives_in_pieces_whole_and_under_a_safe_name(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = form.ws.samples().image.read_bytes()
    page = Browser(form.image_field.card, monkeypatch)
    assert page.hand_over("../../ev il\u202e.png", content)["type"] == "done"
    until(lambda: isinstance(form.image_field.fact, mw.Image))
    kept = form.ws.folder / "inputs"
    assert form.image_field.box.value.startswith(str(kept))
    assert form.image_field.box.value.endswith("/ev il_.png")
    assert len(page.heard) > 2, "it came in several pieces"
    from pathlib import Path

    assert Path(form.image_field.box.value).read_bytes() == content
    assert not list(kept.glob("*.part"))


def test_a_file_of_another_kind_is_refused_at_its_first_piece(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Browser(form.clip_field.card, monkeypatch)
    answer = page.hand_over("holiday.mp4", form.ws.samples().image.read_bytes())
    assert answer["type"] == "refused"
    assert "holiday.mp4 looks like PNG, not a clip" in answer["message"]
    assert form.clip_field.box.value == ""
    assert not list((form.ws.folder / "inputs").glob("*.part"))


@pytest.mark.parametrize("size", [0, -1, LIMITS_OF["clip"] + 1, "many", True])
def test_a_size_that_cannot_be_taken_is_said(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch, size: object
) -> None:
    page = Browser(form.clip_field.card, monkeypatch)
    page.say("begin", name="a.mp4", size=size)
    assert page.answer(1)["type"] == "refused"


def test_a_page_that_lies_about_order_or_size_gets_nothing_kept(tmp_path: Path) -> None:
    head = b"\x89PNG" + bytes(600)
    for pieces in ([(0, head), (0, head)], [(5, head)], [(0, head + bytes(2000))], [(0, b"")]):
        one = Upload(tmp_path, "a.png", 1500, {"image"})
        for good in pieces[:-1]:
            one.add(*good)
        with pytest.raises(RequestError, match="did not arrive complete"):
            one.add(*pieces[-1])
        one.drop()
    assert not list(tmp_path.iterdir())


def test_a_cancelled_file_and_a_closed_form_leave_nothing_behind(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = form.ws.folder / "inputs"
    page = Browser(form.image_field.card, monkeypatch)
    for end in (lambda: page.say("cancel"), form.close):
        page.heard.clear()
        page.say("begin", name="a.png", size=5000)
        page.answer(1)
        page.say("piece", b"\x89PNG" + bytes(1000), offset=0)
        assert page.answer(2)["offset"] == 1004
        assert len(list(inputs.glob("pick-*.part"))) == 1
        end()
        until(lambda: not list(inputs.glob("pick-*.part")))


def test_a_full_disk_is_said_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(RequestError, match="the disk has only 1 MB left"):
        Upload(tmp_path, "a.mp4", 900_000, {"clip"})


@pytest.mark.parametrize(
    ("name", "safe"),
    [("../../etc/passwd", "passwd"), ("C:\\a\\b.mp4", "b.mp4"), (".hidden.png", "hidden.png"), ("..", "file"),
     ("a<b>&\x00.mp4", "a_b___.mp4"), ("手を振る.mp4", "手を振る.mp4"),
     ("x" * 300 + ".mp4", "x" * 76 + ".mp4")],
)  # fmt: skip
def test_names_from_the_page_are_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_content_decides_what_a_file_is(ws: Workspace) -> None:
    samples = ws.samples()
    assert kind_of(samples.clip_6s.read_bytes()[:512])[0] == {"clip"}
    assert kind_of(samples.image.read_bytes()[:512])[0] == {"image"}
    assert kind_of(b"\x1a\x45\xdf\xa3webm")[0] == {"clip"}
    assert kind_of(b'{"format": 1}')[0] == {"request"}
    for nothing in (b"%PDF-1.7", b"#EXTM3U\nhttps://evil/", b"<html>", b"plain text", b""):
        assert not kind_of(nothing)[0]


def test_a_result_and_its_sidecar_bring_their_request_back(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws, samples = form.ws, form.ws.samples()
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url=str(samples.image), video_url=str(samples.clip_6s),
        character_orientation="video", mode="pro", prompt="waves twice",
    )  # fmt: skip
    job = ws.submit(req).wait(60)
    assert job.result is not None
    page = Browser(form.clip_field.card, monkeypatch)
    until(job.result.with_suffix(".json").is_file)  # it is written a moment after the job is collected
    for path in (job.result.with_suffix(".json"), job.result):
        form.controls["prompt"].value = ""
        assert page.hand_over(path.name, path.read_bytes(), piece=1 << 20)["type"] == "done"
        page.heard.clear()
        until(lambda: form.controls["prompt"].value == "waves twice")
        assert (form.controls["mode"].value, form.controls["character_orientation"].value) == ("pro", "video")
        until(lambda: "its request was loaded into the form" in form.notice.value)
    refused = page.hand_over("other.json", b'{"format": 7}')
    assert refused["type"] == "refused"
    assert "does not describe how a result was made" in refused["message"]
    assert form.controls["prompt"].value == "waves twice"


SIDECAR = b'{"format": 1, "request": {"mode": "pro"}, "media": {}}'
MP4, WEBM = b"\0\0\0\x18ftypisom" + bytes(600), b"\x1a\x45\xdf\xa3" + bytes(600)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(600)


@pytest.mark.parametrize(
    ("name", "content", "kept"),
    [
        ("evil.ipynb", SIDECAR, "evil.json"),
        ("evil.html", PNG, "evil.png"),
        ("a.svg", MP4, "a.mp4"),
        ("a.mp4", WEBM, "a.mkv"),
        ("a.MOV", MP4, "a.MOV"),
        ("workspace", MP4, "workspace.mp4"),
        ("..ipynb", PNG, "ipynb.png"),
    ],
)
def test_the_ending_of_a_stored_file_is_that_of_its_content(
    tmp_path: Path, name: str, content: bytes, kept: str
) -> None:
    one = Upload(tmp_path, name, len(content), {"clip", "image", "request"})
    one.add(0, content)
    assert one.finish().name == kept


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("evil.ipynb", b'{"cells": [], "nbformat": 4}'),
        ("a.json", b"{" * 600),
        ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("a.mp4", b"import os; os.system('id')"),
        ("a.mp4", b"%PDF-1.7"),
    ],
)
def test_what_is_neither_medium_nor_sidecar_is_refused_and_not_kept(
    tmp_path: Path, name: str, content: bytes
) -> None:
    one = Upload(tmp_path, name, len(content), {"clip", "image", "request"})

    def arrive() -> None:
        one.add(0, content)
        one.finish()

    with pytest.raises(RequestError, match="nothing was kept"):
        arrive()
    one.drop()
    assert list(tmp_path.iterdir()) == []


def test_an_upload_follows_no_link_that_takes_its_place(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    one = Upload(tmp_path / "inputs", "a.png", len(PNG), {"image"})
    one.add(0, PNG[:300])
    part = next((tmp_path / "inputs").iterdir())
    part.unlink()
    part.symlink_to(mine)
    one.add(300, PNG[300:])
    assert mine.read_text() == "mine"
    one.drop()


def test_messages_that_no_page_of_ours_sends_leave_a_card_as_it_is(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Browser(form.image_field.card, monkeypatch)
    for content in (
        {}, {"which": "image"}, {"which": "sound", "type": "begin", "id": "one"}, {"which": "image", "type": "begin"},
        {"which": "image", "type": "begin", "id": 7}, {"which": "image", "type": "action", "action": "delete"},
        {"which": "image", "type": "piece", "id": "never begun", "offset": 0},
        {"which": "image", "type": "cancel", "id": "never begun"}, {"type": "bytes", "id": None},
        {"which": ["image"], "type": "begin", "id": "one"},
    ):  # fmt: skip
        page.pick._on_message(page.pick, content, [memoryview(b"x")])
    assert page.hand_over("hero.png", form.ws.samples().image.read_bytes())["type"] == "done"
    assert page.heard[0] == {"type": "taken", "id": "one", "offset": 0}, "nothing else was answered before"


@pytest.mark.parametrize("offset", [None, "0", 1, -1, True])
def test_a_piece_in_another_place_ends_the_upload(
    form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch, offset: object
) -> None:
    page = Browser(form.image_field.card, monkeypatch)
    page.say("begin", name="a.png", size=5000)
    page.answer(1)
    page.say("piece", b"\x89PNG" + bytes(100), offset=offset)
    assert page.answer(2)["type"] == "refused"
    assert "did not arrive complete" in page.heard[1]["message"]
    assert not list((form.ws.folder / "inputs").glob("*.part"))
