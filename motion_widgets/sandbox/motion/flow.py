"""Which way each part of a clip moves, by least squares over small cells, twice: coarse, then fine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from motion_widgets.sandbox.motion.read import CELL, cell_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from motion_widgets.sandbox.motion.read import Floats, Footage

    Ints = NDArray[np.intp]

__all__ = ["cell_flow"]

_RIDGE = 2.0  # per px: pulls the flow of a cell without texture to 0
_SHIFT, _REST = 6, 2.0  # px that the coarse and the fine answer reach
_DEAD = (0.04, 0.16)  # px a frame: below the first nothing has moved, from the second on all counts


def cell_flow(footage: Footage) -> Floats:
    """Return how far each cell has moved since the frame before.

    Returns
    -------
    ndarray
        (frames, rows, columns, 2): px of the small frame, right and down, without the camera's own motion;
        0 in the first frame and at cuts.
    """
    # The first answer, seen at half size, where twice the distance fits.
    coarse, _ = _solved(_sums(footage, None))
    shift = np.rint(np.clip(2 * coarse.repeat(2, axis=1).repeat(2, axis=2), -_SHIFT, _SHIFT)).astype(np.intp)
    rest, texture = _solved(_sums(footage, shift))
    flow = shift + np.clip(rest, -_REST, _REST)
    # The plain median: weighted by texture it would be the figure's own motion where the ground is plain.
    flow -= np.median(flow, axis=(1, 2), keepdims=True)
    length = np.hypot(flow[..., 0], flow[..., 1])
    ramp = np.clip((length - _DEAD[0]) / (_DEAD[1] - _DEAD[0]), 0.0, 1.0)
    flow *= (ramp * texture / (texture + 8 * _RIDGE * CELL**2))[..., None]
    flow[footage.cuts] = 0.0
    flow[0] = 0.0
    return np.asarray(flow, np.float32)


def _sums(footage: Footage, shift: Ints | None) -> Floats:
    """Return gx*gx, gx*gy, gy*gy, gx*dt, gy*dt summed over the cells, (frames, rows, columns, 5).

    Without a `shift` at half size; with it the later frame is looked at where it says, in px per cell.
    """
    width, height = footage.sides
    small = 1 if shift is not None else 2
    sums = np.zeros((len(footage), height // CELL // small, width // CELL // small, 5), np.float32)
    for begin, first, end in footage.stretches(1):
        frames = footage.part(begin, end)
        frames = _blurred(frames if small == 1 else cell_means(frames, small))
        if len(frames) < 2:
            continue
        since = max(first, 1)
        earlier, later = frames[:-1], frames[1:]
        if shift is not None:
            later = _shifted(later, shift[since:end])
        across, down = _slopes(np.asarray((earlier + later) / 2, np.float32))
        change = later - earlier
        pairs = ((across, across), (across, down), (down, down), (across, change), (down, change))
        for index, (one, other) in enumerate(pairs):
            sums[since:end, ..., index] = cell_means(one * other) * CELL**2
    sums[footage.cuts] = 0.0
    return sums


def _solved(sums: Floats) -> tuple[Floats, Floats]:
    """Return the flow in px, (frames, rows, columns, 2), and how much texture it rests on."""
    sums = _over_time(_over_space(sums))
    ridge = _RIDGE * CELL**2
    xx, xy, yy = sums[..., 0] + ridge, sums[..., 1], sums[..., 2] + ridge
    xt, yt = sums[..., 3], sums[..., 4]
    determinant = xx * yy - xy * xy
    flow = np.stack([xy * yt - yy * xt, xy * xt - xx * yt], axis=-1) / determinant[..., None]
    return flow, np.asarray(sums[..., 0] + sums[..., 2])


def _over_space(sums: Floats) -> Floats:
    """Add half of the eight neighbours to each cell."""
    padded = np.pad(sums, [(0, 0), (1, 1), (1, 1), (0, 0)])
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return np.asarray((sums + rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]) / 2)


def _over_time(sums: Floats) -> Floats:
    """Weight the frames before and after by half."""
    padded = np.pad(sums, [(1, 1), (0, 0), (0, 0), (0, 0)], mode="edge")
    return np.asarray((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 2)


def _blurred(frames: Floats) -> Floats:
    """Blur frames by 1-2-1 each way."""
    padded = np.pad(frames, [(0, 0), (1, 1), (1, 1)], mode="edge")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return np.asarray((rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 16)


def _slopes(frames: Floats) -> tuple[Floats, Floats]:
    """Return grey levels per px to the right and down."""
    across, down = np.zeros_like(frames), np.zeros_like(frames)
    across[:, :, 1:-1] = (frames[:, :, 2:] - frames[:, :, :-2]) / 2
    down[:, 1:-1] = (frames[:, 2:] - frames[:, :-2]) / 2
    return across, down


def _shifted(frames: Floats, shift: Ints) -> Floats:
    """Return each frame as seen `shift` px further on, (frames, rows, columns, 2) by cell."""
    count, height, width = frames.shape
    right, down = (shift[..., axis].repeat(CELL, axis=1).repeat(CELL, axis=2) for axis in (0, 1))
    rows = np.clip(np.arange(height)[:, None] + down, 0, height - 1)
    columns = np.clip(np.arange(width) + right, 0, width - 1)
    return np.asarray(frames[np.arange(count)[:, None, None], rows, columns])
