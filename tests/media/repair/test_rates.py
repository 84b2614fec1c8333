"""Clips without a constant rate keep their motion and length, and frames of two fields lose their combs."""

from __future__ import annotations

import av
import numpy as np
import pytest

import motion_widgets as mw
from tests.media.conftest import X264, ffmpeg, tone
from tests.media.numbered import numbered, numbers

UNEVEN = {
    "bursts": ("select='lt(t,0.4)+between(t,1.2,1.5)+gt(t,2.3)'", 60),
    "a gap before the end": ("select='lt(t,0.5)+gt(t,2.4)'", 60),
    "frames missing": ("select='not(between(n,40,42))'", 60),
    "half the rate at the end": ("select='lt(t,1.2)+not(mod(n,2))'", 60),
    "jitter": ("select='not(mod(n,2))',setpts='PTS+if(mod(N,3),0.006,0)/TB'", 30),
}
"""What is left of 150 frames at 60 per second, and the rate that keeps all of it."""


@pytest.fixture(scope="module")
def even(tmp_path_factory):
    return numbered(tmp_path_factory.mktemp("rates") / "even.mp4", 150, "60")


def times(path) -> dict[int, float]:
    """Return when each number is first shown, in s, as PyAV decodes it."""
    with av.open(str(path)) as container:
        shown = [frame.time for frame in container.decode(video=0)]
    return {number: shown[at] for at, number in reversed(list(enumerate(numbers(path))))}


def kept(before: dict[int, float], path, rate: float) -> None:
    """Assert that each frame is still shown, at its time but for half a frame."""
    after = times(path)
    assert after.keys() == before.keys()
    assert max(abs(after[number] - before[number]) for number in after) <= 0.5 / rate + 0.001


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
@pytest.mark.parametrize("name", UNEVEN)
def test_no_frame_of_an_uneven_clip_is_lost(name, kind, even, tmp_path, out):
    chosen, rate = UNEVEN[name]
    path = tmp_path / f"uneven.{kind}"
    ffmpeg("-i", even, *tone(2.4), "-vf", chosen, "-fps_mode", "vfr", *X264, "-bf", 2, "-qp", 10, path)
    made = mw.trim_clip(path, to=out)
    # An mkv states that it has 60, which is believed.
    assert made.fps == pytest.approx(rate if kind == "mp4" else 60, rel=0.01)
    kept(times(path), made.source, rate)
    assert made.video_length == pytest.approx(max(times(path).values()), abs=2 / rate)
    if kind == "mp4":
        mute = mw.mute_clip(path, to=out)
        assert mute.mvhd_length == pytest.approx(mute.length, abs=0.1)
        kept(times(path), mute.source, rate)


def test_a_part_behind_a_gap_begins_with_what_is_shown_then(even, tmp_path, out):
    path = tmp_path / "gap.mp4"
    ffmpeg("-i", even, "-vf", UNEVEN["a gap before the end"][0], "-fps_mode", "vfr", *X264, "-qp", 10, path)
    shown = numbers(mw.trim_clip(path, 1.9, to=out).source)
    last = max(number for number, time in times(path).items() if time <= 1.9)
    assert (shown[0], shown[-1]) == (last, 149)


@pytest.mark.parametrize("lasts", [0.3, 2.0])
def test_a_long_last_frame_is_held(lasts, tmp_path, out):
    source, path = numbered(tmp_path / "short.mp4", 25, "25"), tmp_path / "long.mp4"
    with av.open(str(source)) as read, av.open(str(path), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        packets = [packet for packet in read.demux(video=0) if packet.size]
        latest = max(packets, key=lambda packet: packet.pts)
        for packet in packets:
            if packet is latest or packet is packets[-1]:
                packet.duration = round(lasts / packet.time_base)
            packet.stream = stream
            written.mux(packet)
    length = mw.measure_clip(path, confirm=False).length
    assert length > 1 + lasts - 0.13
    for made in (mw.trim_clip(path, to=out), mw.hold_clip(path, 3.1, to=out)):
        assert sorted(set(numbers(made.source))) == list(range(25))
        assert made.length == pytest.approx(max(length, 3.1 if "hold" in made.name else 0), abs=0.041)


COMBED = (
    "color=gray:s=320x240:r=50:d=0.6[a];color=white:s=40x100:r=50:d=0.6[b];"
    "[a][b]overlay=x='mod(t*400,280)':y=70,tinterlace=mode=interleave_top,setfield=tff"
)
FIELDS = ["-c:v", "libx264", "-flags", "+ilme+ildct", "-x264opts", "tff=1", "-preset", "ultrafast", "-qp", 16]


def combs(path) -> float:
    """Return the mean difference (of 255) of a line from those around it, in the middle of the clip."""
    with av.open(str(path)) as container:
        shown = [frame.to_ndarray(format="gray").astype(int) for frame in container.decode(video=0)]
    frame = shown[len(shown) // 2]
    return float(np.abs(2 * frame[1:-1] - frame[:-2] - frame[2:]).mean())


@pytest.mark.parametrize("kind", ["mp4", "mov", "ts", "mpg"])
def test_frames_of_two_fields_are_named_and_lose_their_combs(kind, tmp_path, out):
    path = tmp_path / f"fields.{kind}"
    coder = ["-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-q:v", 2] if kind == "mpg" else FIELDS
    ffmpeg("-f", "lavfi", "-i", COMBED, *coder, "-pix_fmt", "yuv420p", path)
    assert combs(path) > 3
    made = mw.trim_clip(path, to=out)
    assert combs(made.source) < 1
    assert made.frames == 15
    if kind in {"mp4", "mov"}:
        clip = mw.measure_clip(path, confirm=False)
        request = mw.MotionRequest(
            model="kling-v3-motion-control", mode="std", character_orientation="video",
            image_url="hero.png", video_url=str(path),
        )  # fmt: skip
        found = [one for one in mw.check(request, clip=clip) if one.code == "clip_interlaced"]
        assert [one.severity for one in found] == ["hint"]
        assert [one.name for one in mw.mends_for(found[0], clip)] == ["convert_clip"]
        assert not mw.measure_clip(made.source, confirm=False).interlaced
