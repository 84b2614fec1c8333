"""What pages send, and what only a page sends that is behind, broken or hostile: nothing comes of that."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw
from motion_widgets.core.errors import RequestError
from motion_widgets.widgets import upload as uploads
from motion_widgets.widgets.pair_player import LONGEST, PairPlayer
from motion_widgets.widgets.upload import LIMITS_OF, Upload
from tests.widgets.conftest import until
from tests.widgets.test_media_card import Browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def form(ws: mw.Workspace) -> Iterator[mw.RequestForm]:
    made = mw.RequestForm(ws, watch=False)
    yield made
    made.close()


class Pair:
    """A player with a pair on show, and all that it heard and said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[tuple[int, str, float, int]] = []
        self.undone = 0
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        self.player = PairPlayer(
            on_answer=lambda *said: self.answers.append(said), on_undo=self.undo, read=self.read
        )
        self.player.pair = {"serial": 7, "left": "a.mp4", "right": "b.mp4", "motion": "gone.mp4"}
        monkeypatch.setattr(
            self.player, "send", lambda content, buffers=(): self.sent.append((content, list(buffers)))
        )

    def undo(self) -> None:
        self.undone += 1

    def read(self, path: str) -> bytes | None:
        if path == "gone.mp4":
            raise FileNotFoundError(path)
        return path.encode()

    def hear(self, **content: object) -> None:
        self.player._on_message(self.player, content, [])


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    made = Pair(monkeypatch)
    yield made
    made.player.close()


def test_an_answer_counts_for_the_pair_on_show_alone(pair: Pair) -> None:
    pair.hear(type="answer", choice="left", serial=6, seconds=3.0, plays=2)  # of the pair before
    pair.hear(type="answer", choice="both", serial=7, seconds=3.0, plays=2)
    pair.hear(type="answer", choice="left", seconds=3.0, plays=2)
    pair.hear(type="shout", choice="left", serial=7)
    assert pair.answers == []
    pair.hear(type="answer", choice="left", serial=7, seconds=3.5, plays=2)
    assert pair.answers == [(7, "left", 3.5, 2)]
    pair.hear(type="undo")
    assert pair.undone == 1


@pytest.mark.parametrize(
    ("seconds", "plays", "measured"),
    [(LONGEST + 1, -1, (0.0, 0)), ("3", 2.5, (0.0, 0)), (None, True, (0.0, 0)), (0, 0, (0.0, 0)),
     (LONGEST, LONGEST, (float(LONGEST), LONGEST))],
)  # fmt: skip
def test_what_no_page_measured_is_not_believed(
    pair: Pair, seconds: object, plays: object, measured: object
) -> None:
    pair.hear(type="answer", choice="tie", serial=7, seconds=seconds, plays=plays)
    assert [one[2:] for one in pair.answers] == [measured]


def test_a_page_gets_the_clips_of_its_pair_and_no_other_file(pair: Pair) -> None:
    for number, path in enumerate(("a.mp4", "/etc/passwd", "gone.mp4", "b.mp4")):
        pair.hear(type="bytes", id=str(number), path=path)
    pair.hear(type="bytes", id=7, path="a.mp4")
    pair.hear(type="bytes", id="x", path=["a.mp4"])
    until(lambda: len(pair.sent) == 4)
    assert {content["id"]: (content["ok"], buffers) for content, buffers in pair.sent} == {
        "0": (True, [b"a.mp4"]), "1": (False, []), "2": (False, []), "3": (True, [b"b.mp4"])
    }  # fmt: skip


def test_a_player_that_was_closed_answers_nobody(pair: Pair) -> None:
    pair.player.close()
    pair.hear(type="bytes", id="0", path="a.mp4")
    pair.player._send_bytes({"type": "bytes", "id": "1"}, b"late")
    pair.player._show_trouble("late")
    assert pair.sent == []
    assert pair.player._trouble == ""


# --- the form's cards ---


def test_a_card_plays_the_clip_that_is_on_it(form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    cards = form.media.cards
    monkeypatch.setattr(cards, "send", lambda content, buffers=(): sent.append((content, list(buffers))))
    cards._on_message(cards, {"type": "bytes", "id": "empty"}, None)
    until(lambda: len(sent) == 1)
    assert (sent[0][0]["ok"], sent[0][1]) == (False, [])
    clip = form.ws.samples().clip_6s
    form.clip_field.use(str(clip))
    until(lambda: cards.clip.get("path"))
    cards._on_message(cards, {"type": "bytes", "id": "clip"}, None)
    until(lambda: [one for one in sent if one[0].get("id") == "clip"])
    [(content, buffers)] = [one for one in sent if one[0].get("id") == "clip"]
    assert content["ok"]
    assert buffers == [clip.read_bytes()]


def test_what_no_card_takes_is_left_alone(form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Browser(form.clip_field.card, monkeypatch)
    page.say("action", action="format the disk")
    page.say("piece", b"\0" * 10, offset=0)  # of a file that was never begun
    page.say("cancel")
    page.say("dance")
    for content in (
        {"type": "begin", "id": "a", "which": "song"},
        {"type": "begin", "which": "clip"},
        "begin",
    ):
        page.pick._on_message(page.pick, content, [])
    page.say("begin", name="a.mp4", size=1500)
    assert page.answer(1)["type"] == "taken", "it still takes a file"
    page.say("piece", offset=0)  # without a piece
    page.say("piece", b"\0\0\0\x18ftypisom" + bytes(100), offset="first")
    assert page.answer(2)["type"] == "refused"
    assert form.clip_field.box.value == ""


def test_the_menu_of_a_card(form: mw.RequestForm, monkeypatch: pytest.MonkeyPatch) -> None:
    field = form.clip_field
    page = Browser(field.card, monkeypatch)
    page.say("action", action="keep")  # there is nothing to keep yet
    until(lambda: "mw-note" in field.library._said.value)
    assert not list(form.ws.folder.glob("library/*"))
    page.say("action", action="link")
    assert field.link.layout.display != "none"
    page.say("action", action="sample")
    until(lambda: field.value() == str(form.ws.samples().clip_6s))
    until(lambda: isinstance(field.fact, mw.Clip))
    page.say("action", action="keep")
    until(lambda: "wave-6s.mp4" in field.library._said.value)
    page.say("action", action="remove")
    until(lambda: field.value() == "")
    page.say("action", action="library")
    until(lambda: len(field.library.choice.options) == 2)
    field.library.choice.value = field.library.choice.options[1][1]
    until(lambda: isinstance(field.fact, mw.Clip))
    assert field.value() == field.library.choice.options[1][1]
    assert field.library.box.layout.display == "none"


# --- files on their way ---


def test_a_picture_that_is_too_large_is_refused_at_its_first_piece(tmp_path: Path) -> None:
    """Its announced size would be all right for a clip; only its content says what it is."""
    one = Upload(tmp_path, "a.jpg", LIMITS_OF["image"] + 1, {"clip", "image"})
    with pytest.raises(RequestError, match="50 MB"):
        one.add(0, b"\xff\xd8\xff\xe0" + bytes(600))
    one.drop()
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_on_the_way_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Upload(tmp_path, "a.png", 2000, {"image"})
    one.add(0, b"\x89PNG\r\n\x1a\n" + bytes(600))

    class Full:
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None: ...

    one._file.close()  # type: ignore[union-attr]
    one._file = Full()  # type: ignore[assignment]
    with pytest.raises(RequestError, match="No space left on device"):
        one.add(one.taken, bytes(100))
    assert one.taken == 608
    one.drop()
    assert not list(tmp_path.iterdir())


def test_what_dead_kernels_left_half_done_goes_with_the_next_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / "pick-1.part", tmp_path / "pick-2.part"
    for one in (old, new):
        one.write_bytes(b"half")
    (tmp_path / "pick-3.part").symlink_to(tmp_path / "nowhere")  # removed by another kernel meanwhile
    monkeypatch.setattr(uploads, "_STALE", -3600)
    new.touch()
    os.utime(new, (new.stat().st_atime, new.stat().st_mtime + 7200))
    Upload(tmp_path, "a.png", 10, {"image"})
    assert (old.exists(), new.exists()) == (False, True)
