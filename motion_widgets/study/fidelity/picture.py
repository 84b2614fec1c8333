"""Measure 5, picture: how blurred and grainy a result is, and how much its brightness flickers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.study.fidelity.time_kept import cuts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]

__all__ = ["blur", "flicker", "grain"]

_BOX = 9
"""px of the blur that is tried."""
_CELL = 16
"""px of the cells among which the calmest are looked for."""
_SHOWN = (8, 247)
"""Mean grey levels between which a cell is neither black nor white, where no grain can be seen."""


def blur(frames: Grey) -> float | None:
    """Return the share of fine differences that a further blur leaves: 0 sharp, 1 blurred.

    Parameters
    ----------
    frames
        Some grey frames (frames x rows x columns) of 512 px on the longer side.

    Returns
    -------
    float
        The median over frames, of the worse of both ways. Grain and halos lower it, so read `grain` beside
        it, and only for results of one image and clip. None: nothing is to be seen in the frames.
    """
    import numpy as np

    found = [value for one in frames.astype(np.float32) if (value := _left(one)) is not None]
    return float(np.median(found)) if found else None


def _left(frame: NDArray[np.float32]) -> float | None:
    """Return the share of the differences between neighbours that blurring them leaves."""
    import numpy as np

    told = []
    for one in (frame, frame.T):
        if one.shape[1] < 2 * _BOX:
            continue
        sums = np.cumsum(np.pad(one, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
        blurred = (sums[:, _BOX:] - sums[:, :-_BOX]) / _BOX
        fine = np.abs(np.diff(one, axis=1))[:, _BOX // 2 : -(_BOX // 2)]
        lost = np.maximum(fine - np.abs(np.diff(blurred, axis=1)), 0).sum()
        whole = float(fine.sum(dtype=np.float64))
        if whole > 0:
            told.append(1 - float(lost) / whole)
    return max(told) if told else None


def grain(frames: Grey) -> float | None:
    """Return the grain in grey levels: the spread of what a 3 x 3 mean takes away, in the calmest quarter.

    Parameters and None as for `blur`; 0 is clean, some 2 is seen.
    """
    import numpy as np

    spreads = []
    for one in frames.astype(np.float32):
        inner = one[1:-1, 1:-1]
        rows, columns = inner.shape[0] // _CELL, inner.shape[1] // _CELL
        if not rows or not columns:
            continue
        near = (
            sum(one[y : y + inner.shape[0], x : x + inner.shape[1]] for y in range(3) for x in range(3)) / 9
        )
        rest, levels = (
            part[: rows * _CELL, : columns * _CELL].reshape(rows, _CELL, columns, _CELL)
            for part in (inner - near, inner)
        )
        means = levels.mean(axis=(1, 3)).reshape(-1)
        spread = rest.std(axis=(1, 3)).reshape(-1)[(means > _SHOWN[0]) & (means < _SHOWN[1])]
        if len(spread):
            spreads.append(float(np.sort(spread)[: max(1, len(spread) // 4)].mean()))
    return float(np.median(spreads)) if spreads else None


def flicker(grey: Grey) -> float | None:
    """Return how much brightness flickers, in grey levels: half the mean second difference of frames' means.

    0 is steady, 1 is seen; cuts do not count. None: fewer than 3 frames.
    """
    import numpy as np

    if len(grey) < 3:
        return None
    levels = grey.mean(axis=(1, 2))
    bends = np.abs(levels[2:] - 2 * levels[1:-1] + levels[:-2]) / 2
    kept = np.ones(len(bends), dtype=bool)
    for at in cuts(grey):
        kept[max(0, at - 2) : at] = False
    return float(bends[kept].mean()) if kept.any() else None
