"""Flow: which way, how far, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from motion_widgets.sandbox.motion.flow import cell_flow
from motion_widgets.sandbox.motion.read import CELL, Footage


def ground(seed, side=128):
    noise = np.random.default_rng(seed).integers(0, 255, (side * 2, side * 2), dtype=np.uint8)
    return Image.fromarray(noise).filter(ImageFilter.GaussianBlur(2))


def moving(step, *, camera=(0.0, 0.0), frames=12):
    """Return frames in which a square of 48 px moves by `step` px a frame, and all by `camera` besides."""
    behind, square = ground(1), ground(2).crop((0, 0, 48, 48))
    made = []
    for index in range(frames):
        x, y = (index * part for part in camera)
        frame = behind.transform((128, 128), Image.Transform.AFFINE, (1, 0, 40 - x, 0, 1, 40 - y), 2)
        at = (30 + index * (step[0] + camera[0]), 40 + index * (step[1] + camera[1]))
        whole = tuple(int(part // 1) for part in at)
        rest = [part - below for part, below in zip(at, whole, strict=True)]
        moved = square.transform((48, 48), Image.Transform.AFFINE, (1, 0, -rest[0], 0, 1, -rest[1]), 2)
        frame.paste(moved, whole)
        made.append(np.asarray(frame))
    return np.stack(made)


@pytest.mark.parametrize("step", [(1.0, 0.0), (-2.0, 1.0), (0.5, -0.5), (4.0, 2.0)])
@pytest.mark.parametrize("camera", [(0.0, 0.0), (1.0, -0.5)])
def test_flow_is_the_motion_without_the_camera(step, camera):
    flow = cell_flow(Footage(moving(step, camera=camera), 24.0))
    index = 6
    x, y = (30 + index * (step[0] + camera[0]), 40 + index * (step[1] + camera[1]))
    inside = flow[index, int(y + 12) // CELL : int(y + 36) // CELL, int(x + 12) // CELL : int(x + 36) // CELL]
    assert np.median(inside, axis=(0, 1)) == pytest.approx(step, abs=0.2 + 0.15 * np.hypot(*step))
    assert np.abs(flow[index, 28:30, 2:-2]).max() < 0.3, "what only the camera moves does not flow"


def test_nothing_flows_in_the_first_frame_and_at_a_cut():
    frames = moving((2.0, 0.0), frames=24)
    frames[12:] = 255 - frames[12:]
    footage = Footage(frames, 24.0)
    assert np.flatnonzero(footage.cuts).tolist() == [12]
    flow = cell_flow(footage)
    assert not flow[0].any()
    assert not flow[12].any()
    assert flow[6].any()
    assert not footage.wanted[12 : 12 + footage.gap].any()


def test_brightness_that_pumps_is_no_motion():
    still = np.asarray(ground(3).crop((0, 0, 128, 128)), np.float32) / 2 + 40
    pumping = 1 + 0.1 * np.sin(np.arange(48) * 1.5)
    frames = np.clip(still * pumping[:, None, None], 0, 255).astype(np.uint8)
    before, after = (np.diff(one.mean(axis=(1, 2))) for one in (frames, Footage(frames, 24.0).part(0, 48)))
    assert np.abs(after).mean() < 0.15 * np.abs(before).mean()
