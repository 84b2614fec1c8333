"""Comparison clips and their labels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from motion_widgets.core.errors import ClipError
from motion_widgets.media.decode import frames
from motion_widgets.media.montage import label, montage
from motion_widgets.media.probe.measure import measure_clip


def test_montage(clips, tmp_path):
    out = montage(
        [("std", clips["front"]), ("pro — 90°", clips["rotated"]), ("x" * 300, clips["2.96"])],
        2,
        tmp_path / "all.mp4",
        height=96,
    )
    clip = measure_clip(out)
    assert (clip.width, clip.height) == (256, 2 * 132)
    assert clip.length == pytest.approx(6, abs=0.05)
    assert clip.codec == "avc1"
    assert out.read_bytes().index(b"moov") < out.read_bytes().index(b"mdat")
    assert [path.name for path in tmp_path.iterdir()] == ["all.mp4"]
    # The short clip holds its last frame: its cell is as bright at the end as before.
    shot = list(frames(out, fps=2))
    cell = (slice(132 + 40, 264), slice(0, 128))
    assert np.abs(shot[-1][cell].astype(int) - shot[7][cell]).mean() < 3
    assert shot[-1][cell].mean() > 40


def test_montage_of_one_and_of_none(clips, tmp_path):
    assert measure_clip(montage([("a", clips["3.0"])], 3, tmp_path / "one.mp4", height=96)).width == 128
    with pytest.raises(ValueError):
        montage([], 2, tmp_path / "none.mp4")
    with pytest.raises(ClipError):
        montage([("a", clips["zeroed"])], 1, tmp_path / "bad.mp4", deadline=10)
    assert [path.name for path in tmp_path.iterdir()] == ["one.mp4"]


def test_label_takes_any_text():
    for text in ("", "a\nb", "%{pts}:'\\", "日本語", "<b>"):
        with Image.open(io.BytesIO(label(text, 200))) as bar:
            assert bar.size == (200, 36)
