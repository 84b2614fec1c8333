"""What ffmpeg's filters make of pictures: where a crop lies, what lies under alpha, what is left behind."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

import motion_widgets as mw
from motion_widgets.core.errors import ClipError
from motion_widgets.media import ffmpeg as room
from motion_widgets.media.repair.operation import Operation
from tests.media.conftest import X264, ffmpeg, picture
from tests.media.numbered import numbered, numbers

RAMP = "geq=lum='16+mod(X,220)':cb='if(lt(mod(X,80),40),90,170)':cr=128"
"""Each column of px has a luma of its own, and its colour changes every 40 px."""


def first_of(path, form: str) -> np.ndarray:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format=form).astype(int)


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p", "yuv444p"])
@pytest.mark.parametrize("wide", [700, 702, 704])
def test_a_crop_is_the_middle_and_its_colours_stay_at_their_place(form, wide, tmp_path, out):
    path = tmp_path / "ramp.mp4"
    coder = ["-c:v", "libx264", "-preset", "ultrafast", "-qp", 4]
    source = ["-f", "lavfi", "-t", 0.2, "-i", f"color=black:s={wide}x400:r=10"]
    ffmpeg(*source, "-vf", f"format=yuv444p,{RAMP},format={form}", *coder, path)
    made = mw.fit_clip(path, 1.0, "crop", to=out)
    assert (made.width, made.height) == (400, 400)
    after, before = first_of(made.source, "yuv444p"), first_of(path, "yuv444p")
    found = [
        left
        for left in range(wide - 400 + 1)
        if np.abs(after[0] - before[0][:, left : left + 400]).mean() < 2
        and np.abs(after[1] - before[1][:, left : left + 400]).mean() < 2
    ]
    assert found, "colours and luma moved by different px"
    assert min(abs(left - (wide - 400) / 2) for left in found) <= 1


@pytest.mark.parametrize("full", [False, True])
def test_bars_are_black_and_as_wide_on_either_side(full, tmp_path, out):
    path = tmp_path / "white.mp4"
    form = "scale=out_range=pc,format=yuvj420p" if full else "format=yuv420p"
    source = ["-f", "lavfi", "-t", 0.2, "-i", "color=white:s=640x362:r=10"]
    ffmpeg(*source, "-vf", form, *X264[:-2], path)
    made = mw.fit_clip(path, 1.0, "pad", to=out)
    luma = first_of(made.source, "yuv444p")[0]
    column = luma[:, 320]
    top, bottom = int((column > 125).argmax()), int((column[::-1] > 125).argmax())
    assert abs(top - bottom) <= 2
    assert top + bottom == 640 - 362
    assert np.abs(luma[: top - 4] - 16).max() <= 1
    assert np.abs(luma[top + 8 : -bottom - 8] - 235).max() <= 1


TEAL = (30, 140, 130)
CUT_OUT = "format=rgba,geq=r=30:g=140:b=130:a='if(lt(X,W/2),255,{alpha})'"


@pytest.mark.parametrize(
    ("name", "coder", "alpha"),
    [
        ("prores.mov", ["-c:v", "prores_ks", "-profile:v", 4, "-pix_fmt", "yuva444p10le"], 40),
        ("animation.mov", ["-c:v", "qtrle"], 40),
        ("vp9.webm", ["-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-deadline", "realtime"], 40),
        ("cut.mkv", ["-c:v", "ffv1", "-pix_fmt", "bgra"], 0),
    ],
)
def test_what_is_transparent_shows_its_own_colour(name, coder, alpha, tmp_path, out):
    path = tmp_path / name
    source = ["-f", "lavfi", "-t", 0.2, "-i", "color=black:s=480x360:r=10"]
    ffmpeg(*source, "-vf", CUT_OUT.format(alpha=alpha), *coder, path)
    for operation in (Operation("convert_clip", {}), Operation("fit_clip", {"aspect": 1.0, "how": "crop"})):
        made = mw.mend(path, operation, to=out)
        shown = first_of(made.result_path, "rgb24")
        for at in (shown[180, 60], shown[180, -60]):
            assert np.abs(at - TEAL).max() <= 4


def test_a_gif_without_a_background_gets_its_own(tmp_path, out):
    path = tmp_path / "cut.gif"
    source = ["-f", "lavfi", "-t", 0.4, "-i", "color=red:s=480x360:r=10"]
    ffmpeg(*source, "-vf", "format=rgba,geq=r=200:g=30:b=30:a='255*lt(X,W/2)'", path)
    with av.open(str(path)) as container:
        wanted = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int)
    shown = first_of(mw.convert_clip(path, to=out).source, "rgb24")
    for half in (slice(20, 220), slice(260, 460)):  # its palette is dithered
        assert np.abs(shown[:, half].mean(axis=(0, 1)) - wanted[:, half].mean(axis=(0, 1))).max() <= 4


def test_what_cameras_say_of_light_is_not_said_of_what_is_made(tmp_path, out):
    path = tmp_path / "hdr.mp4"
    light = (
        "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400"
    )
    tags = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    coder = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", f"log-level=none:{light}"]
    ffmpeg(*picture(0.4), "-vf", f"format=yuv420p10le,{tags}", *coder, "-tag:v", "hvc1", path)
    said = ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL")
    assert {one.type.name for one in side_data(path)} >= set(said), "the source says it"
    made = mw.convert_clip(path, to=out)
    assert not {one.type.name for one in side_data(made.source)} & set(said)
    data = Path(made.source).read_bytes()
    assert not any(box in data for box in (b"mdcv", b"clli", b"dvcC"))


def side_data(path) -> list:
    with av.open(str(path)) as container:
        return [one for frame in container.decode(video=0) for one in frame.side_data]


@pytest.mark.parametrize("operation", [Operation("convert_clip"), Operation("hold_clip", {"length": 3.6})])
def test_a_picture_that_ends_a_little_early_is_held_and_one_that_ends_earlier_refused(
    operation, tmp_path, out
):
    """What its header promises, but for a few frames, is shown; players do the same."""
    path = numbered(tmp_path / "whole.mp4", 80, "25")
    data = path.read_bytes()
    at, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    for keep, missing in ((0.93, True), (0.5, False)):
        cut = tmp_path / f"cut-{keep}.mp4"
        from_here = at + round((end - at) * keep)
        cut.write_bytes(data[:from_here] + bytes(end - from_here) + data[end:])
        if not missing:
            with pytest.raises(ClipError, match=r"its picture ends after \d\.\d of 3\.2 s"):
                mw.mend(cut, operation, to=out)
            continue
        shown = numbers(mw.mend(cut, operation, to=out).result_path)
        assert len(shown) == (90 if operation.name == "hold_clip" else 80)
        assert shown[:60] == list(range(60))
        assert shown == sorted(shown)
        assert 68 <= shown[-1] < 80
        assert shown.count(shown[-1]) > len(shown) - 80, "the last one is held"


def test_a_full_disk_is_told_from_a_damaged_clip(clips, tmp_path):
    """Behind pages of what a decoder says of a damaged clip stands why nothing could be written."""
    data = bytearray(clips["front"].read_bytes())
    at = data.index(b"mdat") + 4
    data[at + 4000 :: 61] = bytes(b ^ 0x55 for b in data[at + 4000 :: 61])
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    arguments = [*room.input_options(path), "-map", room.PICTURE, "-vf", "scale=2:2", "-f", "rawvideo"]
    with pytest.raises(ClipError) as caught:
        room.run([*arguments, "/dev/full"], name="damaged.mp4", deadline=60)
    assert len(caught.value.detail) > 4096
    assert room.failure("damaged.mp4", caught.value.detail).code == "mend_unwritable"
