"""A mend leaves a whole new file or none, touches nothing else, and ends when it should."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

import motion_widgets as mw
from motion_widgets.core.errors import ClipError
from motion_widgets.media.repair import progress
from motion_widgets.media.repair.clips import CLIP_OPERATIONS
from motion_widgets.media.repair.operation import Operation
from tests.media.conftest import children, ffmpeg, picture, tone


@pytest.fixture(scope="module")
def webm(tmp_path_factory):
    path = tmp_path_factory.mktemp("webm") / "w.webm"
    ffmpeg(*picture(1), *tone(1), "-c:v", "libvpx", "-deadline", "realtime", path)
    return path


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.filterwarnings("ignore:The sound of:UserWarning")  # it is damaged as well, and said first
def test_a_damaged_clip_is_an_error_soon_and_leaves_nothing(clips, out):
    for name in ("zeroed", "cut", "mp3", "m4a", "cut_end"):
        with pytest.raises(ClipError) as caught:
            mw.convert_clip(clips[name], to=out, deadline=30)
        assert caught.value.code != "mend_slow"
    assert left_in(out) == []


HOSTILE = [
    "-rf.mp4",
    "--help.mp4",
    "a\nb.mp4",
    'it\'s "q".mp4',
    "http:__h_a.mp4",
    "%03d.mp4",
    "|x;y$z`.mp4",
    "踊り🕺.mp4",
    "concat:a|b.mp4",
    ".hidden.mp4",
    "x" * 250 + ".mp4",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_do_no_harm(clips, tmp_path, name):
    folder = tmp_path / "-f %d 'x'"
    folder.mkdir()
    source = folder / name
    source.write_bytes(clips["2.96"].read_bytes())
    clip = mw.trim_clip(source, 1, 1.5)
    assert clip.video_length == pytest.approx(0.48)
    assert Path(clip.source).parent == folder
    assert clip.name.isprintable()
    assert not clip.name.startswith(("-", "."))
    assert len(left_in(folder)) == 2


def test_links_playlists_and_pages_are_refused(tmp_path, clips):
    with pytest.raises(ClipError, match="not a file on this machine"):
        mw.trim_clip("https://example.com/a.mp4")
    for text in ("#EXTM3U\nhttp://127.0.0.1/a.ts\n", "ffconcat version 1.0\nfile a.mp4\n", "<MPD></MPD>"):
        path = tmp_path / "named.mp4"
        path.write_text(text)
        with pytest.raises(ClipError) as caught:
            mw.convert_clip(path)
        assert caught.value.code in {"html_file", "wrong_format"}
        assert left_in(tmp_path) == ["named.mp4"]


def test_the_source_is_only_read_and_nothing_is_replaced(clips, out):
    before = clips["front"].read_bytes()
    taken = out / "taken.mp4"
    taken.write_bytes(b"mine")
    with pytest.raises(ClipError) as caught:
        mw.mute_clip(clips["front"], to=taken)
    assert caught.value.code == "mend_exists"
    with pytest.raises(ClipError) as caught:
        mw.mute_clip(clips["front"], to=clips["front"])
    assert caught.value.code == "mend_exists"
    assert taken.read_bytes() == b"mine"
    assert clips["front"].read_bytes() == before
    assert mw.mute_clip(clips["front"], to=out / "new" / "name.mp4").name == "name.mp4"


def test_the_same_again_is_found_and_not_encoded_anew(clips, out):
    first = mw.trim_clip(clips["front"], 1, 2, to=out)
    made = Path(first.source).stat().st_ino
    told: list[float] = []
    again = mw.trim_clip(clips["front"], 1, length=1, to=out, progress=told.append)
    assert (again.source, Path(again.source).stat().st_ino) == (first.source, made)
    assert told == [0.0, 1.0]
    assert mw.trim_clip(clips["front"], 1, 2.2, to=out).source != first.source


def test_progress_rises_to_its_end(clips, out):
    told: list[float] = []
    mw.trim_clip(clips["12"], 0, 6, to=out, progress=told.append)
    assert told == sorted(set(told))
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert len(told) > 50


@pytest.mark.parametrize("name", ["12", "webm"])
@pytest.mark.parametrize("at", [0.0, 0.05, 0.5])
def test_a_cancelled_mend_leaves_nothing(clips, webm, out, name, at):
    cancel = threading.Event()
    source = webm if name == "webm" else clips[name]
    with pytest.raises(ClipError) as caught:
        mw.convert_clip(source, to=out, cancel=cancel, progress=lambda share: share >= at and cancel.set())
    assert caught.value.code == "mend_cancelled"
    assert left_in(out) == []


def test_a_mend_ends_at_its_deadline_wherever_it_is(clips, out, monkeypatch):
    for share in (0.0, 0.05, 0.5):
        # The mend's own clock leaps over the deadline at that share of the work.
        late = threading.Event()
        clock = SimpleNamespace(monotonic=lambda late=late: 1e9 if late.is_set() else 1.0)
        monkeypatch.setattr(progress, "time", clock)
        with pytest.raises(ClipError) as caught:
            mw.convert_clip(
                clips["12"], to=out, deadline=60, progress=lambda now, s=share, e=late: now >= s and e.set()
            )
        assert caught.value.code == "mend_slow"
        assert left_in(out) == []


def test_an_encoder_that_is_killed_is_said_so(clips, out):
    """What the end of memory looks like from here: ffmpeg goes away in the middle."""
    before = children()

    def kill(share: float) -> None:
        if share > 0.3:
            for pid in children() - before:
                try:
                    command = Path(f"/proc/{pid}/cmdline").read_bytes()
                except OSError:
                    continue
                if b"libx264" in command:
                    os.kill(pid, 9)

    with pytest.raises(ClipError) as caught:  # of a size that is not encoded before it is killed
        mw.scale_clip(clips["12"], 2000, to=out, progress=kill)
    assert caught.value.code == "mend_failed"
    assert clips["12"].name in str(caught.value)
    assert "out.mp4" not in str(caught.value)
    assert left_in(out) == []


def test_a_folder_that_takes_no_files_is_said_in_words(clips, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_bytes(b"x")
    with pytest.raises(ClipError) as caught:
        mw.mute_clip(clips["front"], to=blocked / "out.mp4")
    assert caught.value.code == "mend_unwritable"
    assert "choose another folder" in str(caught.value)


def test_a_source_that_changes_meanwhile_gives_no_result(clips, out, tmp_path):
    source = tmp_path / "growing.mp4"
    source.write_bytes(clips["front"].read_bytes())

    def touch(share: float) -> None:
        if share > 0.0:
            with source.open("ab") as file:
                file.write(b"\0" * 8)

    with pytest.raises(ClipError) as caught:
        mw.mute_clip(source, to=out, progress=touch)
    assert caught.value.code == "mend_changed"
    assert left_in(out) == []


def test_a_trim_without_an_end_goes_to_the_end_of_the_clip(clips, out):
    operation = Operation("trim_clip", {"start": 1.0})
    assert operation.label == "Keep all from 1.0 s on"
    done = mw.mend(clips["front"], operation, to=out)
    assert mw.trim_clip(clips["front"], start=1.0, to=out).source == done.result_path, "it is the same file"
    assert done.parameters["length"] == pytest.approx(mw.measure_clip(clips["front"]).length - 1)


def test_wrong_operations_are_said_in_words(clips, out):
    for code, name, values in (
        ("mend_unknown", "explode_clip", {}),
        ("mend_aspect", "fit_clip", {"aspect": 0, "how": "crop"}),
        ("mend_aspect", "fit_clip", {"aspect": 1, "how": "bend"}),
        ("mend_parameters", "fit_clip", {"aspect": 1}),
        ("mend_parameters", "fit_clip", {"aspect": "wide", "how": "crop"}),
        ("mend_parameters", "hold_clip", {}),
        ("mend_parameters", "trim_clip", {"begin": 1.0}),
        ("mend_parameters", "trim_clip", {"start": "1.0"}),
        ("mend_parameters", "trim_clip", {"start": float("nan")}),
        ("mend_parameters", "trim_clip", {"start": 10**400}),
        ("mend_no_parameters", "mute_clip", {"length": 3.0}),
    ):
        operation = Operation(name, values)
        assert (operation.label == name) == (code != "mend_aspect")
        with pytest.raises(ClipError) as caught:
            mw.mend(clips["front"], operation, to=out)
        assert caught.value.code == code, (name, values)
    assert left_in(out) == []
    assert "trim_clip" in CLIP_OPERATIONS


def test_a_mend_cancelled_at_its_very_end_leaves_nothing_and_one_that_is_done_stays(clips, out):
    for at in (0.9, 0.98):
        cancel = threading.Event()
        with pytest.raises(ClipError) as caught:
            mw.trim_clip(
                clips["12"],
                0,
                4,
                to=out,
                cancel=cancel,
                progress=lambda s, a=at, c=cancel: s >= a and c.set(),
            )
        assert caught.value.code == "mend_cancelled"
        assert left_in(out) == []
    cancel = threading.Event()
    clip = mw.trim_clip(clips["12"], 0, 4, to=out, cancel=cancel, progress=lambda s: s == 1 and cancel.set())
    assert left_in(out) == [clip.name]
