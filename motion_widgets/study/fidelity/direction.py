"""Measure x, direction: whether a result moves the same way as its clip; it needs OpenCV (`[flow]`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motion_widgets.study.fidelity.curves import at_rate, both, match
from motion_widgets.study.fidelity.light import steady
from motion_widgets.study.fidelity.place import layout
from motion_widgets.study.fidelity.timing import changes

if TYPE_CHECKING:
    from motion_widgets.study.fidelity.curves import Floats, Grey

__all__ = ["SIDE", "available", "direction", "ways"]

SIDE = 160
"""px of the longer side."""


def available() -> bool:
    """Return whether OpenCV is installed."""
    try:
        import cv2  # noqa: F401
    except ImportError:
        return False
    return True


def ways(grey: Grey, fps: float) -> Floats:
    """Return curves of how much moves each of four ways in each cell (36 x samples), by Farneback's flow.

    The median over the picture, which is the camera's, is taken off.
    """
    import cv2
    import numpy as np

    flow_of: Any = cv2.calcOpticalFlowFarneback
    light = steady(grey, fps)
    cells = layout(changes(light, fps))
    frames = np.clip(light, 0, 255).astype(np.uint8)
    found = np.empty((36, len(frames) - 1))
    for at in range(len(frames) - 1):
        flow = flow_of(frames[at], frames[at + 1], None, 0.5, 3, 13, 2, 5, 1.1, 0).reshape(-1, 2)
        flow = flow - np.median(flow, axis=0)
        parts = np.concatenate([np.maximum(flow, 0), np.maximum(-flow, 0)], axis=1)  # right, down, left, up
        found[:, at] = (parts.T @ cells).reshape(-1)
    return at_rate(np.sqrt(found), fps, 1)


def direction(clip: Grey, clip_fps: float, result: Grey, result_fps: float) -> float | None:
    """Return how well a result moves the way its clip does, from -1 to 1; 160 px on the longer side.

    Unlike `place` it sees which way; the same dance by another figure reaches 0.57, another dance 0.08.
    Parameters and None as for `timing.timing`.
    """
    found = both(ways, clip, clip_fps, result, result_fps)
    matched = match(*found) if found else None
    return matched.correlation if matched else None
