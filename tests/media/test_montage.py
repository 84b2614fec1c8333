"""Comparison clips and their labels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from motion_widgets.core.errors import ClipError
from motion_widgets.media import ffmpeg
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


@pytest.fixture
def small(tmp_path):
    """Two clips of a second, 64 px wide."""
    made = []
    for name, source in (("a", "testsrc=s=64x96:r=10"), ("b", "testsrc2=s=64x96:r=10")):
        path = tmp_path / f"{name}.mp4"
        options = ["-f", "lavfi", "-t", "1", "-i", source, "-pix_fmt", "yuv420p", str(path)]
        ffmpeg.run(options, name="test", deadline=20.0)
        made.append((name, path))
    return made


def test_a_gif_is_made_smaller_until_it_is_as_small_as_wanted(small, tmp_path):
    whole = montage(small, 2, tmp_path / "all.gif", height=96).stat().st_size
    steps = []
    out = montage(
        small, 2, tmp_path / "less.GIF", height=96, most=whole // 2, progress=lambda *step: steps.append(step)
    )
    assert out.stat().st_size <= whole // 2
    with Image.open(out) as shown:
        assert shown.format == "GIF"
        assert shown.n_frames >= 4
        assert 64 <= shown.width < 128
    assert steps[-1] == (10, 10)
    assert [step for step, _ in steps] == sorted(step for step, _ in steps)


def test_no_gif_is_left_where_none_is_small_enough(small, tmp_path):
    with pytest.raises(ClipError, match="1,000 bytes or less"):
        montage(small, 2, tmp_path / "all.gif", most=1000)
    assert not list(tmp_path.glob("*.gif"))
