"""Mended clips: exact, in sync, and read again by something else (PyAV)."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

import motion_widgets as mw
from motion_widgets.core.errors import ClipError
from motion_widgets.media.decode import frames
from motion_widgets.media.repair.operation import Operation
from tests.media.conftest import X264, ffmpeg, picture, tone


@pytest.fixture(scope="module")
def more(tmp_path_factory):
    """Clips that only mending needs."""
    folder = tmp_path_factory.mktemp("more")
    made = {"odd": folder / "odd.gif", "colours": folder / "colours.mp4", "calm": folder / "calm.mp4"}
    ffmpeg(*picture(1, 10, "101x75"), made["odd"])
    made["webm"] = folder / "w.webm"
    ffmpeg(*picture(1), *tone(1), "-c:v", "libvpx", "-deadline", "realtime", made["webm"])
    made["mkv"], made["avi"], made["ts"] = (folder / f"m.{kind}" for kind in ("mkv", "avi", "ts"))
    for path in (made["mkv"], made["avi"], made["ts"]):
        ffmpeg(*picture(1), *tone(1), *X264, path)
    # Its colour says the second; its sound is there from second 2 to 3 only.
    made["short"], made["turned"] = folder / "short.mp4", folder / "turned.mp4"
    ffmpeg(*picture(0.5), *tone(0.5), *X264, made["short"])
    ffmpeg("-display_rotation", -90, "-i", made["short"], "-c", "copy", made["turned"])
    steps = "geq=lum='30+30*floor(T)':cb=128:cr=128"
    beep = "volume=0:enable='not(between(t,2,3))'"
    ffmpeg(
        *picture(6), *tone(6), "-vf", f"format=yuv420p,{steps}", "-af", beep, *X264, "-bf", 2, "-g", 60,
        made["colours"],
    )  # fmt: skip
    # Noise, then 3 s of nothing that moves, then noise.
    noise = "noise=alls=60:allf=t:enable='not(between(t,2,5))'"
    ffmpeg("-f", "lavfi", "-t", 7, "-i", "color=gray:s=128x96:r=10", "-vf", noise, *X264, made["calm"])
    return made


def spans(path) -> dict[str, tuple[float, float]]:
    """First and last moment of picture and sound, as PyAV decodes them."""
    found = {}
    with av.open(str(path)) as container:
        for stream in container.streams:
            seen = [(frame.time, frame) for frame in container.decode(stream)]
            container.seek(0)
            last = seen[-1][1]
            length = last.samples / last.sample_rate if stream.type == "audio" else 1 / stream.average_rate
            found[stream.type] = (seen[0][0], float(seen[-1][0] + length))
    return found


def container_length(path) -> float:
    with av.open(str(path)) as container:
        return container.duration / av.time_base


def grey(path) -> list[int]:
    return [round(float(frame.mean())) for frame in frames(path, grey=True)]


@pytest.mark.parametrize("name", ["12", "30fps", "long_sound", "delayed", "frag", "mov", "noedit", "10.03"])
@pytest.mark.parametrize("start", [0.0, 0.73])
def test_a_trim_is_never_longer_than_asked_for_and_a_frame_shorter_at_most(clips, out, name, start):
    clip = mw.trim_clip(clips[name], start, length=3.2, to=out)
    assert 3.2 - 1.1 / clip.fps <= clip.video_length <= 3.2 + 1e-6
    for figure in (clip.length, clip.mvhd_length, clip.moviepy_length, container_length(clip.source)):
        assert 3.1 < figure <= 3.2 + 0.005, "moviepy and PyAV agree, within moviepy's 10 ms steps"
    found = spans(clip.source)
    assert found["video"][0] == pytest.approx(0, abs=0.001)
    if "audio" in found:
        assert found["audio"][1] <= found["video"][1] + 0.001, "the sound is not longer than the picture"
        assert found["audio"][1] > found["video"][1] - 0.1, "nor much shorter"


def test_a_trim_holds_what_was_shown_then(more, out):
    clip = mw.trim_clip(more["colours"], 1.5, 4.5, to=out)
    got, all_of = grey(clip.source), grey(more["colours"])
    assert len(got) == 75
    wrong = [
        n
        for n, value in enumerate(got)
        if abs(value - all_of[n + 37]) > 3 and abs(value - all_of[n + 38]) > 3
    ]
    assert wrong == []


def test_sound_stays_in_sync(more, out):
    clip = mw.trim_clip(more["colours"], 1.5, 4.5, to=out)
    with av.open(clip.source) as container:
        sound = np.concatenate(
            [np.abs(frame.to_ndarray()).mean(axis=0) for frame in container.decode(audio=0)]
        )
    loud = np.flatnonzero(np.convolve(sound, np.ones(480) / 480, "same") > 0.02) / 48_000
    assert loud[0] == pytest.approx(0.5, abs=0.04)
    assert loud[-1] == pytest.approx(1.5, abs=0.04)


def test_the_stillest_part_is_found(more, out):
    assert mw.stillest(more["calm"], 2.5) == pytest.approx(2.0, abs=0.5)
    assert mw.stillest(more["calm"], 20) == 0.0
    mend = mw.mend(more["calm"], Operation("trim_clip", {"start": "stillest", "length": 2.5}), to=out)
    assert mend.parameters == {"start": mw.stillest(more["calm"], 2.5), "length": 2.5}


def test_the_last_frame_is_held(clips, out):
    clip = mw.hold_clip(clips["2.96"], 3.1, to=out)
    assert 3.1 <= clip.length < 3.15
    assert mw.hold_clip(clips["front"], 3.1, to=out).video_length == pytest.approx(6.0)


def packets(path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def test_muting_leaves_the_picture_as_it_is(clips, out):
    for name in ("front", "frag", "rotated", "mov"):
        clip = mw.mute_clip(clips[name], to=out)
        assert not clip.has_audio
        before = mw.measure_clip(clips[name])
        assert (clip.width, clip.height, clip.rotation) == (before.width, before.height, before.rotation)
        assert packets(clip.source) == packets(clips[name])


@pytest.mark.parametrize("name", ["webm", "mkv", "avi", "ts", "odd"])
def test_other_formats_become_h264_in_mp4(more, out, name):
    with pytest.raises(ClipError):
        mw.measure_clip(more[name])
    clip = mw.convert_clip(more[name], to=out)
    assert (clip.format, clip.codec, clip.has_audio) == ("mp4", "avc1", name != "odd")
    assert clip.length == pytest.approx(1.0, abs=0.1)
    assert min(clip.width, clip.height) >= 340
    with av.open(clip.source) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert sum(1 for _ in container.decode(stream)) == clip.frames


def test_hevc_becomes_h264(clips, out):
    assert mw.measure_clip(clips["hevc"]).codec == "hvc1"
    assert mw.convert_clip(clips["hevc"], to=out).codec == "avc1"


def test_colours_stay(more, out):
    clip = mw.convert_clip(more["short"], to=out)
    before, after = next(frames(more["short"], height=340)), next(frames(clip.source, height=340))
    assert np.abs(before.astype(int) - after[:, : before.shape[1]]).mean() < 6


def test_size_is_bounded_by_bit_rate(clips, out, monkeypatch):
    from dataclasses import replace

    from motion_widgets.media.repair import clip_writer as room

    monkeypatch.setattr(room, "LIMITS", replace(room.LIMITS, clip_bytes=400_000))
    noisy = out / "noisy.mp4"
    ffmpeg(*picture(3), "-vf", "noise=alls=80:allf=t", *X264, "-qp", 10, noisy)
    assert noisy.stat().st_size > 500_000
    assert mw.convert_clip(noisy, to=out).size < 400_000


def test_sides_come_into_their_range(more, out):
    clip = mw.scale_clip(more["short"], to=out)
    assert (clip.width, clip.height) == (454, 340)
    assert mw.scale_clip(more["short"], 600, to=out).width == 600
    thin = out / "thin.mp4"
    ffmpeg(*picture(0.1, 25, "16x320"), *X264, thin)
    clip = mw.scale_clip(thin, to=out)
    assert (clip.width, clip.height) == (340, 3850)


@pytest.mark.parametrize("how", ["crop", "pad"])
@pytest.mark.parametrize("aspect", [0.5625, 1.0, 2.4])
@pytest.mark.parametrize("name", ["short", "turned"])
def test_a_clip_gets_another_aspect(more, out, name, how, aspect):
    clip = mw.fit_clip(more[name], aspect, how, to=out)
    assert clip.aspect == pytest.approx(aspect, rel=0.03)
    assert min(clip.width, clip.height) >= 340
    assert clip.rotation == 0
    first = next(frames(clip.source, grey=True)).astype(int)
    edges = [first[2, 2], first[-3, -3]]
    assert (max(edges) < 24) == (how == "pad"), "bars are black; a crop has none"


def test_a_time_code_and_unicode_lines_do_no_harm(clips, out):
    for name, length in (("mov", 4), ("u2028", 4)):
        assert mw.trim_clip(clips[name], to=out).length == pytest.approx(length, abs=0.05)


@pytest.mark.parametrize(
    ("start", "end"), [(5, 4), (3, 3), (99, 100), (-1, 2), (float("nan"), 2), (0, float("nan"))]
)
def test_a_cut_of_nothing_is_said_in_words(clips, out, start, end):
    with pytest.raises(ClipError) as caught:
        mw.trim_clip(clips["front"], start, end, to=out)
    assert caught.value.code in {"mend_order", "mend_range"}
    assert list(out.iterdir()) == []


TOKYO = "+35.6586+139.7454/"
WAYS = {
    "quicktime.mov": ["-metadata", f"location={TOKYO}"],
    "quicktime.mp4": ["-metadata", f"location={TOKYO}"],
    "apple.mov": [
        *("-movflags", "use_metadata_tags", "-metadata", f"com.apple.quicktime.location.ISO6709={TOKYO}"),
    ],
}


@pytest.mark.parametrize("name", WAYS)
def test_a_place_in_a_clip_is_seen_and_stripped(name, tmp_path):
    path = tmp_path / name
    ffmpeg(*picture(3.2, 10), *tone(3.2), *X264, "-c:a", "aac", *WAYS[name], path)
    clip = mw.measure_clip(path)
    assert clip.has_location
    bare = mw.strip_clip(clip)
    assert not bare.has_location
    assert TOKYO.encode() not in Path(bare.source).read_bytes()
    assert (bare.length, bare.frames, bare.codec, bare.has_audio) == pytest.approx(
        (clip.length, clip.frames, clip.codec, True), abs=0.03
    )
    assert media_of(path) == media_of(bare.source)


def media_of(path) -> str:
    """Return the hashes of a clip's picture and sound as they are stored."""
    out = Path(path).with_suffix(".hash")
    ffmpeg("-i", path, "-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "streamhash", out)
    return out.read_text()


def test_a_turned_clip_is_stripped_and_keeps_its_turn(clips, tmp_path):
    source = tmp_path / "phone.mov"
    ffmpeg("-i", clips["rotated"], "-c", "copy", *WAYS["quicktime.mov"], source)
    clip, bare = mw.measure_clip(source), mw.strip_clip(source)
    assert clip.rotation == bare.rotation != 0
    assert (bare.width, bare.height) == (clip.width, clip.height)
