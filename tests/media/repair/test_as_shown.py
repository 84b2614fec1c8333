"""Clips as they are shown: pixels that are not square, sides that are odd, pictures that are no video."""

from __future__ import annotations

import subprocess

import av
import numpy as np
import pytest

import motion_widgets as mw
from motion_widgets.core.errors import ClipError
from motion_widgets.media.decode import frames
from motion_widgets.media.ffmpeg import failure, ffmpeg_exe
from motion_widgets.media.preview import filmstrip
from motion_widgets.sandbox import measure as sandbox
from tests.media.conftest import X264, ffmpeg, picture, tone

CIRCLE = "geq=lum='if(lt(hypot(X-{w}/2,Y-{h}/2),{h}/3),230,30)':cb=128:cr=128"


def circle(path, stored: str, pixel: str, shown: tuple[int, int], *more: object):
    """Write a clip of a circle, which its pixels stretch or squeeze."""
    wide, tall = shown
    drawn = f"{CIRCLE.format(w=wide, h=tall)},scale={stored},setsar={pixel}"
    source = ["-f", "lavfi", "-t", "0.4", "-i", f"color=gray:s={wide}x{tall}:r=25"]
    ffmpeg(*source, *tone(0.4), "-vf", drawn, *X264, *more, path)
    return path


def roundness(path) -> float:
    """Width over height of what is bright in the stored pixels of the last frame, as PyAV decodes them."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            last = frame
    bright = last.to_ndarray(format="gray") > 128
    return float(bright.any(axis=0).sum() / bright.any(axis=1).sum())


WIDE = [("720:576", "64/45", (1024, 576)), ("720:480", "8/9", (640, 480))]


@pytest.mark.parametrize("pixels", WIDE)
@pytest.mark.parametrize("kind", ["mp4", "mov", "mkv"])
def test_a_circle_stays_one_through_every_mend(pixels, kind, tmp_path, out):
    stored, pixel, shown = pixels
    path = circle(tmp_path / f"circle.{kind}", stored, pixel, shown)
    made = [mw.convert_clip(path, to=out), mw.trim_clip(path, 0.1, to=out), mw.hold_clip(path, 0.6, to=out)]
    if kind != "mkv":
        before = mw.measure_clip(path, confirm=False)
        facts = sandbox.measure_clip(path)
        assert (before.width, before.height) == (facts.width, facts.height) == shown
        kept = mw.mute_clip(path, to=out)
        assert (kept.width, kept.height) == shown
        assert next(frames(path)).shape[:2] == shown[::-1]
        assert filmstrip(path, 1, 96)
    for clip in made:
        assert (clip.width, clip.height) == shown
        assert roundness(clip.source) == pytest.approx(1.0, abs=0.03)
        with av.open(clip.source) as container:
            stream = container.streams.video[0]
            assert stream.sample_aspect_ratio in (None, 1)
            assert (stream.width, stream.height) == shown


def test_pixels_of_a_turned_clip_turn_with_it(tmp_path, out):
    lying = circle(tmp_path / "lying.mp4", *WIDE[0])
    path = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", -90, "-i", lying, "-c", "copy", path)
    clip, facts = mw.measure_clip(path), sandbox.measure_clip(path)
    assert (clip.width, clip.height) == (facts.width, facts.height) == (576, 1024)
    upright = mw.convert_clip(path, to=out)
    assert (upright.width, upright.height, upright.rotation) == (576, 1024, 0)
    assert roundness(upright.source) == pytest.approx(1.0, abs=0.03)


def test_without_a_word_on_pixels_the_sides_of_the_track_count(tmp_path):
    """So do players and ffmpeg; nonsense in either place is not believed."""
    data = circle(tmp_path / "a.mp4", *WIDE[0]).read_bytes()
    at = data.index(b"pasp")
    for name, changed, wide in (
        ("track", data[:at] + b"free" + data[at + 4 :], 1024),
        ("zero", data[: at + 8] + bytes(4) + data[at + 12 :], 1024),
        ("nonsense", data[: at + 4] + b"\x7f\xff\xff\xff\0\0\0\1" + data[at + 12 :], 720),
    ):
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(changed)
        assert mw.measure_clip(path, confirm=False).width == wide, name


ODD = {
    "odd.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", 8, "-pix_fmt", "yuv420p"],
    "odd.mkv": ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p"],
    "odd444.mp4": ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p"],
    "oddvp9.mp4": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", 8, "-pix_fmt", "yuv420p"],
    "odd.gif": [],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_sides_are_mended(name, tmp_path, out):
    path = tmp_path / name
    ffmpeg(*picture(0.4, 20, "641x361"), *ODD[name], path)
    for clip in (
        mw.trim_clip(path, 0.1, to=out), mw.hold_clip(path, 0.6, to=out), mw.convert_clip(path, to=out),
        mw.fit_clip(path, 1.0, "crop", to=out), mw.scale_clip(path, 500, to=out),
    ):  # fmt: skip
        assert (clip.codec, clip.width % 2, clip.height % 2) == ("avc1", 0, 0)
        with av.open(clip.source) as container:
            assert container.streams.video[0].pix_fmt == "yuv420p"
            assert sum(1 for _ in container.decode(video=0)) == clip.frames


def boxed(kind: bytes, payload: bytes) -> bytes:
    return (len(payload) + 8).to_bytes(4, "big") + kind + payload


def cover_first(path, data: bytes):
    """Move `udta`, where the cover lies, before the tracks, and so the cover before the video."""
    start = data.index(b"moov") - 4
    moov = data[start + 8 : start + int.from_bytes(data[start : start + 4], "big")]
    at, parts = 0, []
    while at < len(moov):
        size = int.from_bytes(moov[at : at + 4], "big")
        parts.append(moov[at : at + size])
        at += size
    parts.sort(key=lambda part: {b"mvhd": 0, b"udta": 1}.get(part[4:8], 2))
    assert parts[1][4:8] == b"udta"
    path.write_bytes(data[:start] + boxed(b"moov", b"".join(parts)) + data[start + 8 + len(moov) :])
    return path


def test_cover_art_is_no_video(tmp_path, out):
    source, cover, tagged = (tmp_path / name for name in ("source.mp4", "cover.png", "tagged.mp4"))
    ffmpeg(*picture(0.4), *tone(0.4), *X264, source)
    ffmpeg("-f", "lavfi", "-i", "color=red:s=600x600:r=1", "-frames:v", 1, cover)
    attached = ["-map", 0, "-map", 1, "-c", "copy", "-disposition:v:1", "attached_pic"]
    ffmpeg("-i", source, "-i", cover, *attached, tagged)
    path = cover_first(tmp_path / "covered.mp4", tagged.read_bytes())
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "png", "the cover is the first picture stream"
    clip, facts = mw.measure_clip(path), sandbox.measure_clip(path)
    assert (clip.width, clip.height) == (facts.width, facts.height) == (128, 96)
    assert next(frames(path)).shape == (96, 128, 3)
    wanted = next(frames(source)).astype(int)
    for name in ("mute_clip", "strip_clip", "trim_clip", "hold_clip", "convert_clip"):
        done = getattr(mw, name)(path, to=out)
        with av.open(done.source) as container:
            assert [stream.codec_context.name for stream in container.streams.video] == ["h264"]
        if name != "convert_clip":  # which enlarges it
            assert np.abs(next(frames(done.source)).astype(int) - wanted).mean() < 6


def loudest(path) -> float:
    with av.open(str(path)) as container:
        return max(float(np.abs(frame.to_ndarray()).max()) for frame in container.decode(audio=0))


SILENT_FIRST = [
    *picture(0.5), "-f", "lavfi", "-t", "0.5", "-i", "anullsrc=cl=stereo:r=48000", *tone(0.5),
    "-map", 0, "-map", 1, "-map", 2, *X264, "-c:a", "aac", "-disposition:a:0", 0,
    "-disposition:a:1", "default",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_the_default_sound_is_kept(kind, tmp_path, out):
    path = tmp_path / f"two.{kind}"
    ffmpeg(*SILENT_FIRST, path)
    made = [mw.trim_clip(path, 0.1, to=out), mw.convert_clip(path, to=out)]
    if kind == "mp4":
        made.append(mw.strip_clip(path, to=out))
    for clip in made:
        assert loudest(clip.source) > 0.05
        with av.open(clip.source) as container:
            assert len(container.streams.audio) == 1


def test_an_unknown_sound_is_left_out_with_a_word(tmp_path, out):
    source = tmp_path / "source.mp4"
    ffmpeg(*SILENT_FIRST, source)
    data = source.read_bytes()
    second = tmp_path / "second.mp4"
    at = data.rindex(b"mp4a")
    second.write_bytes(data[:at] + data[at:].replace(b"mp4a", b"zzzz").replace(b"esds", b"free"))
    assert mw.strip_clip(second, to=out).has_audio, "the other one is known"
    neither = tmp_path / "neither.mp4"
    neither.write_bytes(data.replace(b"mp4a", b"zzzz").replace(b"esds", b"free"))
    for name in ("strip_clip", "trim_clip"):
        with pytest.warns(UserWarning, match=r"neither\.mp4.*left out"):
            clip = getattr(mw, name)(neither, to=out)
        assert not clip.has_audio


def test_an_unknown_sound_of_another_format_is_left_out_with_a_word(tmp_path, out):
    source, unknown = tmp_path / "source.mkv", tmp_path / "unknown.mkv"
    ffmpeg(*picture(1.0), "-f", "lavfi", "-t", 1, "-i", "sine", "-c:v", "libx264", "-c:a", "aac", source)
    data = source.read_bytes()
    assert data.count(b"A_AAC") == 1
    unknown.write_bytes(data.replace(b"A_AAC", b"A_ZZZ"))
    with pytest.warns(UserWarning, match=r"unknown\.mkv.*left out"):
        clip = mw.convert_clip(unknown, to=out)
    assert not clip.has_audio


def test_what_mp4_cannot_hold_is_said_with_the_users_name(tmp_path, out):
    path = tmp_path / "studio.mov"
    ffmpeg(*picture(0.2), "-c:v", "prores_ks", path)
    with pytest.raises(ClipError) as caught:
        mw.strip_clip(path, to=out)
    assert caught.value.code == "mend_failed"
    assert "studio.mov" in str(caught.value)
    assert "prores" in str(caught.value)
    assert "out.mp4" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (
            [*picture(0.2, 5, "31x31"), *X264, "-f", "mp4", "{folder}/out.mp4"],
            "mend_failed",
            "divisible by 2",
        ),
        ([*picture(0.2), *X264, "-f", "matroska", "/dev/full"], "mend_unwritable", "No space left"),
        ([*picture(0.2), *X264, "{folder}/none/out.mp4"], "mend_failed", "No such file"),
    ],
)
def test_ffmpegs_own_reason_is_told(arguments, code, reason, tmp_path):
    filled = [str(one).format(folder=tmp_path) for one in arguments]
    command = [ffmpeg_exe(), "-y", "-loglevel", "error", *filled]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode
    error = failure("holiday.mov", run.stderr)
    assert (error.code, reason in str(error), "holiday.mov" in str(error)) == (code, True, True)
    assert str(tmp_path) not in str(error)


def bars(path, matrix: str) -> np.ndarray:
    """Return the middle of the last frame's colour bars as RGB, decoded with this matrix."""
    filters = f"scale=640:360:in_color_matrix={matrix}:flags=accurate_rnd+full_chroma_int,format=rgb24"
    run = [ffmpeg_exe(), "-loglevel", "error", "-i", str(path), "-vf", filters]
    raw = subprocess.run(
        [*run, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True
    ).stdout
    frame = np.frombuffer(raw, np.uint8).reshape(360, 640, 3)
    return np.array([frame[60:120, x : x + 20].mean(axis=(0, 1)) for x in (35, 125, 215, 310, 400, 490, 585)])


def tags(path) -> tuple[int, int, int, int]:
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        context = container.streams.video[0].codec_context
        return context.color_primaries, context.color_trc, int(frame.colorspace), int(frame.color_range)


@pytest.mark.parametrize(("sides", "matrix"), [("640x360", "bt601"), ("1280x720", "bt709")])
@pytest.mark.parametrize("tagged", [False, True])
def test_colours_are_tagged_and_within_two_levels(sides, matrix, tagged, tmp_path, out):
    """Browsers take what is untagged as BT.601, from 720 lines on as BT.709."""
    path = tmp_path / "bars.mp4"
    stated = "smpte170m" if matrix == "bt601" else "bt709"
    params = f",setparams=color_primaries={stated}:color_trc={stated}:colorspace={stated}" if tagged else ""
    drawn = f"format=rgb24,scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p{params}"
    unsaid = "" if tagged else ",setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown"
    source = ["-f", "lavfi", "-t", "0.4", "-i", f"smptebars=s={sides}:r=10"]
    ffmpeg(*source, "-vf", drawn + unsaid, *X264, "-crf", 10, path)
    assert (mw.measure_clip(path, confirm=False).transfer is not None) == tagged
    clip = mw.convert_clip(path, to=out)
    assert tags(clip.source) == ((1, 1, 1, 1) if matrix == "bt709" else (1, 6, 6, 1)), "as it was"
    assert np.abs(bars(clip.source, matrix) - bars(path, matrix)).max() <= 2
    again = mw.trim_clip(clip, 0.1, to=out)
    assert tags(again.source) == tags(clip.source)


HD_CODERS = {
    "hevc": [
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-x265-params",
        "log-level=none:crf=10",
        "-tag:v",
        "hvc1",
    ],
    "vp9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", 8, "-crf", 10, "-b:v", 0],
    "h264": ["-c:v", "libx264", "-preset", "ultrafast", "-crf", 10],
    "av1": ["-c:v", "libaom-av1", "-cpu-used", 8, "-crf", 10],
}


@pytest.mark.parametrize("said", ["nothing", "nothing, in a box", "its matrix"])
@pytest.mark.parametrize("kind", ["mp4", "mkv"])
@pytest.mark.parametrize("coder", HD_CODERS)
def test_colours_of_hd_stay_whatever_its_decoder_says_of_them(coder, kind, said, tmp_path, out):
    """Untagged HD is BT.709, but a stream that says BT.601, as ffmpeg's own from RGB do, is believed."""
    path = tmp_path / f"bars.{kind}"
    matrix, stated = ("bt601", "bt470bg") if said == "its matrix" else ("bt709", "unknown")
    tag = f"setparams=color_primaries=unknown:color_trc=unknown:colorspace={stated}"
    drawn = f"format=rgb24,scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p,{tag}"
    box = ["-movflags", "+write_colr"] if said == "nothing, in a box" else []
    source = ["-f", "lavfi", "-t", "0.4", "-i", "smptebars=s=1280x720:r=10"]
    ffmpeg(*source, "-vf", drawn, *HD_CODERS[coder], *(box if kind == "mp4" else []), path)
    clip = mw.convert_clip(path, to=out)
    assert tags(clip.source) == (1, 1, 1, 1)
    assert np.abs(bars(clip.source, "bt709") - bars(path, matrix)).max() <= 2


@pytest.mark.parametrize("name", ["hd.gif", "hd.mkv", "hd.mov"])
def test_colours_of_hd_that_is_rgb_stay(name, tmp_path, out):
    path = tmp_path / name
    coder = {"gif": [], "mkv": ["-c:v", "ffv1", "-pix_fmt", "bgr0"], "mov": ["-c:v", "qtrle"]}[name[3:]]
    source = ["-f", "lavfi", "-t", "0.2", "-i", "color=0x1e8c82:s=1280x720:r=10"]
    ffmpeg(*source, "-vf", "format=rgb24", *coder, path)
    clip = mw.convert_clip(path, to=out)
    assert tags(clip.source) == (1, 1, 1, 1)
    assert np.abs(bars(clip.source, "bt709") - (30, 140, 130)).max() <= 4


@pytest.mark.parametrize(("transfer", "name"), [("arib-std-b67:agamma=false", "HLG"), ("smpte2084", "PQ")])
def test_hdr_is_found_and_becomes_bt709(transfer, name, tmp_path, out):
    """The reference is the SDR picture itself, put into HDR with its white at 203 cd/m²."""
    sdr, path = tmp_path / "sdr.mp4", tmp_path / "hdr.mov"
    source = ["-f", "lavfi", "-t", "0.4", "-i", "smptebars=s=640x360:r=10"]
    plain = (
        "format=yuv444p,scale=out_color_matrix=bt709:out_range=tv,"
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
    )
    ffmpeg(*source, "-vf", plain + ",format=yuv420p", *X264, "-crf", 10, sdr)
    deep = (
        "zscale=t=linear:npl=100,format=gbrpf32le,"
        f"zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
    )
    coded = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-tag:v", "hvc1"]
    ffmpeg(*source, "-vf", f"{plain},{deep}", *coded, path)
    clip = mw.measure_clip(path, confirm=False)
    assert clip.hdr == name
    request = mw.MotionRequest(
        model="kling-v3-motion-control", mode="std", character_orientation="video",
        image_url="hero.png", video_url="hdr.mov",
    )  # fmt: skip
    found = [one for one in mw.check(request, clip=clip) if one.code == "clip_hdr"]
    assert [name in one.message for one in found] == [True]
    assert [one.name for one in mw.mends_for(found[0], clip)] == ["convert_clip"]
    done = mw.convert_clip(path, to=out)
    assert (done.hdr, tags(done.source)) == ("", (1, 1, 1, 1))
    off = np.abs(bars(done.source, "bt709") - bars(sdr, "bt709"))
    assert off.max() <= 35, "grey instead of green would be 110 off"
    assert off.mean() <= 6
