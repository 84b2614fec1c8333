"""Measure 3, amount: how much a result moves, for results of one image and clip beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.study.fidelity.curves import gap_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["amount"]

_CELL = 8
"""px."""
_RIDGE = 4.0
"""Squared grey levels per px by which a cell must be textured for its flow to count."""


def amount(steady: NDArray[np.float32], fps: float) -> float | None:
    """Return how fast things move in the mean, in % of the longer side per s, the camera's motion taken off.

    Parameters
    ----------
    steady
        Grey frames without pumping brightness (`light.steady`).
    fps
        Frames per s.

    Returns
    -------
    float
        From 0 on. Not linear: motion damped to 75, 50 and 25 % reads 85-95, 65-85 and 37-65 % of the whole.
        Only the ratio of two results of one image and clip says something; never read it against the clip.
        None: the clip is too short.
    """
    import numpy as np

    gap = gap_of(fps)
    if len(steady) <= gap or min(steady.shape[1:]) < _CELL:
        return None
    starts = range(0, len(steady) - gap, gap)  # the pairs between say nearly the same
    lengths = [_length(steady[one], steady[one + gap]) for one in starts]
    seconds = gap / fps
    return 100 * float(np.mean(lengths)) / int(max(steady.shape[1:])) / seconds


def _length(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Return the mean length in px of the flow between two frames, by least squares in cells."""
    import numpy as np

    middle = (before + after) / 2
    gy, gx = np.gradient(middle, axis=0), np.gradient(middle, axis=1)
    gt = after - before
    sums = [_around(one) for one in (gx * gx, gx * gy, gy * gy, gx * gt, gy * gt)]
    xx, xy, yy, xt, yt = sums
    weight = xx + yy
    xx, yy = xx + _RIDGE, yy + _RIDGE
    det = xx * yy - xy * xy
    u, v = -(yy * xt - xy * yt) / det, -(xx * yt - xy * xt) / det
    u, v = u - _median(u, weight), v - _median(v, weight)
    return float((np.hypot(u, v) * weight).sum() / max(float(weight.sum()), 1e-9))


def _around(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the means over cells and their 8 neighbours."""
    import numpy as np

    rows, columns = values.shape[0] // _CELL, values.shape[1] // _CELL
    cells = values[: rows * _CELL, : columns * _CELL].reshape(rows, _CELL, columns, _CELL).mean(axis=(1, 3))
    wide = np.pad(cells.astype(np.float64), 1, mode="edge")
    made: NDArray[np.float64] = sum(
        (wide[y : y + rows, x : x + columns] for y in range(3) for x in range(3)), np.zeros((rows, columns))
    ) / 9  # fmt: skip
    return made


def _median(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Return the weighted median."""
    import numpy as np

    order = np.argsort(values, axis=None)
    sums = np.cumsum(weight.reshape(-1)[order])
    return float(values.reshape(-1)[order[int(np.searchsorted(sums, sums[-1] / 2))]])
