"""Filmstrips and thumbnails, and what is refused before ffmpeg sees it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from motion_widgets.core.errors import ClipError
from motion_widgets.media.decode import frames, motion_energy
from motion_widgets.media.preview import filmstrip, thumbnail
from motion_widgets.media.probe.measure import measure_clip
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
