"""Brightness that pumps, which would look like motion everywhere at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["blocks", "steady"]

_BLOCK = 8
"""px."""
_MOST = 0.2
"""Log of a gain from frame to frame; a larger one is a cut."""


def blocks(grey: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the means over blocks of 8 px (frames x rows x columns); rests at the edges are not."""
    count, height, width = grey.shape
    rows, columns = max(1, height // _BLOCK), max(1, width // _BLOCK)
    tall, wide = min(_BLOCK, height), min(_BLOCK, width)
    cut = grey[:, : rows * tall, : columns * wide]
    made: NDArray[np.floating] = cut.reshape(count, rows, tall, columns, wide).mean(axis=(2, 4))
    return made


def steady(grey: NDArray[np.uint8], fps: float) -> NDArray[np.float32]:
    """Return grey frames (frames x rows x columns) without changes of brightness that are faster than 1 s.

    The gain between neighbours is the median over blocks, so that what moves in some of them does not count.
    """
    import numpy as np

    moving = grey.astype(np.float32)
    if len(moving) < 2:
        return moving
    levels = np.log(blocks(moving).reshape(len(moving), -1) + 4.0)  # of black there is no log
    gains = np.median(np.diff(levels, axis=0), axis=1)
    gains[np.abs(gains) > _MOST] = 0.0
    pumping = np.concatenate([[0.0], np.cumsum(gains)])
    half = max(1, round(fps / 2))
    sums = np.concatenate([[0.0], np.cumsum(pumping)])
    places = np.arange(len(pumping))
    low, high = np.maximum(places - half, 0), np.minimum(places + half + 1, len(pumping))
    pumping -= (sums[high] - sums[low]) / (high - low)
    moving *= np.exp(-pumping).astype(np.float32)[:, None, None]
    return moving
