"""Cuts and camera movement: seen where they are, not where a figure moves, and never of a link."""

from __future__ import annotations

import pytest

from motion_widgets.core.errors import ClipError
from motion_widgets.media import shots
from motion_widgets.media.probe.cache import Cache
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.shots import measure_shots
from motion_widgets.request.limits import LIMITS
from tests.media.conftest import X264, ffmpeg


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A picture full of detail that a camera can move over, and what makes clips of it."""
    folder = tmp_path_factory.mktemp("shots")
    still = folder / "still.png"
    ffmpeg(
        "-f", "lavfi", "-i", "mandelbrot=s=640x640:start_scale=0.8:end_scale=0.8:r=1", "-frames:v", 1, still
    )

    def make(name, *arguments):
        path = folder / f"{name}.mp4"
        if not path.exists():
            looped = ["-loop", 1, "-t", 4, "-r", 25, "-i", still]
            ffmpeg(*looped, *arguments, *X264, "-an", path)
        return path

    return make


def camera(path):
    return measure_shots(path, cache=None, deadline=120).camera


def test_a_still_camera(scene):
    assert camera(scene("still", "-vf", "crop=360:480:100:50")) == 0
    assert camera(scene("creep", "-vf", "crop=360:480:10+4*t:50")) <= LIMITS.camera_speed


@pytest.mark.parametrize(
    ("name", "crop"),
    [
        ("pan", "10+55*t:50"),
        ("tilt", "100:10+50*t"),
        ("shake", "100+14*sin(9*t):50+12*cos(11*t)"),
    ],
)
def test_a_moving_camera(scene, name, crop):
    seen = measure_shots(scene(name, "-vf", f"crop=360:480:{crop}"), cache=None, deadline=120)
    assert seen.camera > LIMITS.camera_speed
    assert seen.cuts == ()


def test_a_figure_that_moves_is_no_camera(scene, samples):
    walk = "[0:v]crop=360:480:100:50[b];[b][1:v]overlay=x='130+80*sin(6*t)':y=150[v]"
    figure = ["-f", "lavfi", "-t", 4, "-i", "color=red:s=90x300:r=25"]
    assert camera(scene("walk", *figure, "-filter_complex", walk, "-map", "[v]")) == 0
    for clip in (samples.clip_6s, samples.clip_12s):
        seen = measure_shots(clip, cache=None, deadline=120)
        assert seen.cuts == ()
        assert not seen.camera


def test_cuts_are_seen_where_they_are(scene, samples):
    parts = "".join(f"[{at}:v]scale=270:480,setsar=1,fps=30[{at}v];" for at in range(3))
    others = ["-t", 3, "-i", samples.clip_6s, "-t", 2, "-ss", 3, "-i", samples.clip_12s]
    path = scene("cuts", *others, "-filter_complex", parts + "[1v][0v][2v]concat=n=3[v]", "-map", "[v]")
    assert measure_shots(path, cache=None, deadline=120).cuts == pytest.approx((3, 7), abs=0.2)


def test_a_fade_or_a_flash_is_no_cut(scene):
    fade = "crop=360:480:100:50,fade=in:0:25,fade=out:75:25"
    assert measure_shots(scene("fade", "-vf", fade), cache=None, deadline=120).cuts == ()
    light = "crop=360:480:100:50,eq=brightness='0.25*sin(8*t)':eval=frame"
    assert measure_shots(scene("light", "-vf", light), cache=None, deadline=120).cuts == ()


def test_a_link_or_bytes_are_not_looked_at(clips, server):
    link = server.put("a.mp4", clips["front"].read_bytes())
    clip = measure_clip(link, confirm=False)
    server.seen.clear()
    assert measure_shots(link) is None
    assert measure_shots(clip) is None
    assert measure_shots(measure_clip(clips["front"].read_bytes(), confirm=False)) is None
    assert server.seen == []


def test_a_clip_is_looked_at_once(clips, monkeypatch):
    monkeypatch.setattr("motion_widgets.core.hashing._FRESH_NS", -(10**18))
    cache, looks = Cache(), []
    real = shots._look
    monkeypatch.setattr(shots, "_look", lambda *given: looks.append(given) or real(*given))
    clip = measure_clip(clips["2.96"], confirm=False)
    assert measure_shots(clip, cache=cache) == measure_shots(clips["2.96"], cache=cache)
    assert len(looks) == 1


def test_what_cannot_be_decoded_is_an_error_in_time(clips):
    for name, code in (("zeroed", "not_decodable"), ("webm", "wrong_format")):
        with pytest.raises(ClipError) as caught:
            measure_shots(clips[name], cache=None, deadline=120)
        assert caught.value.code == code
