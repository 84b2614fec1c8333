"""Filmstrips and thumbnails, and what is refused before ffmpeg sees it."""

from __future__ import annotations

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import motion_widgets as mw
from motion_widgets.core.errors import ClipError
from motion_widgets.media import ffmpeg
from motion_widgets.media.decode import frames, motion_energy
from motion_widgets.media.preview import filmstrip, thumbnail
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.repair.operation import Operation
from tests.media.bombs import BOMBS, png
from tests.media.probe.test_image import encoded


def test_zeroed_body_is_an_error_not_a_hang(clips):
    for call in (filmstrip, lambda path: list(frames(path))):
        with pytest.raises(ClipError) as caught:
            call(clips["zeroed"])
        assert caught.value.code == "not_decodable"


def test_playlist_never_reaches_ffmpeg(tmp_path):
    path = tmp_path / "x.mp4"
    path.write_text("#EXTM3U\nfile:///etc/passwd\n")
    for call in (filmstrip, motion_energy):
        with pytest.raises(ClipError) as caught:
            call(path)
        assert caught.value.code == "wrong_format"


@pytest.mark.parametrize("name", ["front", "2.96", "mov", "rotated", "12", "frag", "hevc"])
def test_filmstrip(clips, name):
    with Image.open(io.BytesIO(filmstrip(clips[name], frames=5, height=48))) as strip:
        clip = measure_clip(clips[name], confirm=False)
        wide = round(48 * clip.aspect / 2) * 2
        assert strip.format == "JPEG"
        assert strip.size == (5 * wide + 8, 48)
        # The last frame was reached: its cell is not the black of a missing one.
        last = np.asarray(strip.convert("L"))[:, -wide:]
        assert last.mean() > 20


def test_thumbnail_keeps_transparency(tmp_path):
    clear = io.BytesIO()
    Image.new("RGBA", (400, 300), (1, 2, 3, 90)).save(clear, "PNG")
    for data, kind in [(clear.getvalue(), "PNG"), (encoded("JPEG", (4000, 3000)), "JPEG")]:
        with Image.open(io.BytesIO(thumbnail(data, 90))) as small:
            assert (small.format, small.size) == (kind, (120, 90))
    with Image.open(io.BytesIO(thumbnail(encoded("PNG"), 900))) as small:
        assert small.size == (60, 40)


PEAK = """
import sys
from pathlib import Path
from motion_widgets.core.errors import ClipError
from motion_widgets.media.preview import thumbnail
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.repair.shortcuts import convert_image
from PIL import Image, ImageOps

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

Image.init()
before = peak()
for call in (measure_image, thumbnail, lambda path: convert_image(path, to=sys.argv[2])):
    try:
        call(sys.argv[1])
        print("ok", end=" ")
    except ClipError as error:
        print(error.code, end=" ")
print(round(peak() - before))
"""
"""Measures, draws small and mends an image; prints what came of each, and the memory in MB that it took."""


def taken(path, folder):
    run = subprocess.run(
        [sys.executable, "-c", PEAK, str(path), str(folder)], capture_output=True, text=True, check=True
    )
    *said, peak = run.stdout.split()
    return said, int(peak)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process from /proc")
@pytest.mark.parametrize("kind", BOMBS)
def test_a_picture_that_is_huge_when_decoded_is_not_decoded(kind, tmp_path):
    """0.7 MB took 1.35 GB."""
    path = tmp_path / f"bomb.{kind}"
    path.write_bytes(BOMBS[kind]())
    assert path.stat().st_size < 1_000_000
    said, peak = taken(path, tmp_path)
    first = "not_image" if kind == "icon" else "ok"
    assert said == [first, *["not_image" if kind == "icon" else "image_too_big"] * 2]
    assert peak < 40


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process from /proc")
def test_a_large_photograph_is_decoded_no_larger_than_is_needed(tmp_path):
    """A phone's photograph of 108 megapixels; whole it would take 432 MB, and each copy of it as much."""
    path, to = tmp_path / "photo.jpg", tmp_path / "to.jpg"
    Image.merge("RGB", [Image.linear_gradient("L").resize((12_000, 9000))] * 3).save(path)
    said, peak = taken(path, to)
    assert said == ["ok", "ok", "ok"]
    assert peak < 400
    with Image.open(to) as picture:
        assert picture.size == (6000, 4500)


def test_a_photograph_of_200_megapixels_is_measured(tmp_path):
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(out, "JPEG")
    data = bytearray(out.getvalue())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 12_240, 16_320)
    image = measure_image(bytes(data))
    assert (image.width, image.height, image.format) == (16_320, 12_240, "jpeg")


def test_a_sentence_names_the_sides_and_the_limit(tmp_path):
    with pytest.raises(ClipError, match=r"13000×13000 px; at most 64 megapixels"):
        thumbnail(png())


@pytest.mark.parametrize("sides", ["8000x6000", "60000x20"])
def test_frames_that_are_huge_are_not_decoded(clips, tmp_path, sides, monkeypatch):
    """The header of a small clip may state anything, and so may its stream."""
    wide, tall = map(int, sides.split("x"))
    data = clips["front"].read_bytes()
    stated = (128 << 16 | 96).to_bytes(4, "big")
    assert data.count(stated) == 1
    path = tmp_path / "huge.mp4"
    path.write_bytes(data.replace(stated, (wide << 16 | tall).to_bytes(4, "big")))
    assert measure_clip(path, confirm=False).width == wide
    with Image.open(io.BytesIO(filmstrip(path, frames=2, height=48))) as strip:
        assert strip.width <= 2 * 16 * 48 + 2
    monkeypatch.setattr(ffmpeg, "MOST_PIXELS", 128 * 96 - 1)
    with pytest.raises(ClipError) as caught:
        filmstrip(clips["front"])
    assert caught.value.code == "not_decodable"


def test_filmstrip_positions_and_before_after(clips, tmp_path):
    clip = mw.measure_clip(clips["12"])
    times = mw.strip_times(clip, 6)
    assert times == pytest.approx([1, 3, 5, 7, 9, 11])
    mend = mw.mend(clips["12"], Operation("trim_clip", {"start": 0.0, "length": 4.0}), to=tmp_path)
    before, after = mw.before_after(mend)
    assert before[:2] == after[:2] == b"\xff\xd8"
    assert before != after
    webm = mw.mend(clips["webm"], Operation("convert_clip"), to=tmp_path)
    assert mw.before_after(webm)[0] is None
    assert mw.before_after(webm)[1]
