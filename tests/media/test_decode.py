"""Frames of clips, and how much moves from one to the next."""

from __future__ import annotations

import av
import numpy as np

from motion_widgets.media import ffmpeg
from motion_widgets.media.decode import frames, motion_energy


def test_frames_are_rgb_and_complete(clips):
    got = list(frames(clips["front"]))
    assert len(got) == 150
    assert (got[0].shape, got[0].dtype) == ((96, 128, 3), np.uint8)
    with av.open(str(clips["front"])) as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(first.astype(int) - got[0]).mean() < 4


def test_frames_on_another_clock_and_turned(clips):
    assert len(list(frames(clips["front"], height=48, fps=5))) == 30
    assert next(frames(clips["rotated"])).shape == (128, 96, 3)


def test_leaving_early_ends_ffmpeg(clips):
    iterator = frames(clips["12"])
    next(iterator)
    iterator.close()


def test_still_clip_has_no_motion(clips, tmp_path):
    still = tmp_path / "still.mp4"
    ffmpeg.run(
        ["-f", "lavfi", "-t", "2", "-i", "color=teal:s=64x64", "-pix_fmt", "yuv420p", str(still)],
        name="x",
        deadline=20,
    )
    assert motion_energy(still).max() < 0.5
    assert len(motion_energy(clips["front"])) == 59
