"""No frame is lost, doubled or moved by a mend: clips whose frames show their own numbers."""

from __future__ import annotations

import pytest

import motion_widgets as mw
from motion_widgets.media.repair.operation import Operation
from tests.media.numbered import numbered, numbers

RATES = ("24000/1001", "25", "30000/1001", "60")


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory):
    """Clips of 40 frames with sound, by rate."""
    folder = tmp_path_factory.mktemp("numbered")
    return {rate: numbered(folder / f"{rate.split('/')[0]}.mp4", 40, rate, sound=1.0) for rate in RATES}


@pytest.mark.parametrize("start", [0.0, 0.3, 0.1235])
@pytest.mark.parametrize("rate", RATES)
def test_a_part_that_ends_with_the_clip_ends_with_its_last_frame(ordinary, out, rate, start):
    made = mw.trim_clip(ordinary[rate], start, to=out)
    shown = numbers(made.source)
    assert shown == list(range(40))[-len(shown) :]
    assert len(shown) == pytest.approx(40 - start * made.fps, abs=1)


@pytest.mark.parametrize("rate", RATES)
def test_a_part_in_three_digits_is_cut(ordinary, out, rate):
    clip = mw.measure_clip(ordinary[rate])
    for start in (0.111, 0.333, 0.5):
        length = round(clip.video_length - start, 3)
        done = mw.mend(clip, Operation("trim_clip", {"start": start, "length": length}), to=out)
        assert numbers(done.result_path)[-1] == 39


def test_a_part_in_the_middle_begins_and_ends_where_it_was_asked_to(ordinary, out):
    assert numbers(mw.trim_clip(ordinary["25"], 0.4, 0.8, to=out).source) == list(range(10, 20))


def test_a_part_may_be_longer_than_the_picture_where_the_sound_is_not(tmp_path, out):
    path = numbered(tmp_path / "sound.mp4", 37, "30", sound=1.7)
    made = mw.trim_clip(path, length=1.5, to=out)
    assert numbers(made.source) == list(range(37))


@pytest.mark.parametrize("name", ["convert_clip", "scale_clip", "fit_clip"])
def test_ninety_frames_stay_ninety_at_their_own_rate(name, tmp_path, out):
    path = numbered(tmp_path / "ntsc.mp4", 90, "30000/1001")
    given = {"aspect": 1.5, "how": "pad"} if name == "fit_clip" else {}
    made = mw.mend(path, Operation(name, given), to=out).measure()
    assert numbers(made.source) == list(range(90)) or name == "fit_clip"
    assert (made.frames, made.length) == (90, pytest.approx(90 * 1001 / 30000, abs=1e-4))
    assert made.fps == pytest.approx(30000 / 1001, abs=1e-6)


@pytest.mark.parametrize("ending", ["mkv", "ts", "mpg", "avi", "flv", "wmv", "webm"])
def test_other_formats_keep_every_frame(ending, tmp_path, out):
    path = numbered(tmp_path / f"other.{ending}", 40, "30000/1001" if ending != "wmv" else "25", sound=1.3)
    assert numbers(path) == list(range(40))
    assert numbers(mw.convert_clip(path, to=out).source) == list(range(40))
    shown = numbers(mw.trim_clip(path, 0.5, to=out).source)
    assert shown == list(range(40))[-len(shown) :]
    assert len(shown) in {25, 27}


def test_a_clip_that_only_its_sound_makes_long_enough_stays_long_enough(tmp_path, out):
    path = numbered(tmp_path / "short.mp4", 70, "25", sound=3.2)
    for made in (mw.convert_clip(path, to=out), mw.trim_clip(path, length=9.9, to=out)):
        assert made.length >= 3.0
        assert numbers(made.source)[:70] == list(range(70))
