"""Measure 2, place: whether a result moves where its clip moves, within the part that moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.study.fidelity.curves import at_rate, both, gap_of, match, rooted
from motion_widgets.study.fidelity.light import steady
from motion_widgets.study.fidelity.timing import changes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from motion_widgets.study.fidelity.curves import Floats, Grey

__all__ = ["Place", "compared", "layout", "mirrored", "place", "where"]


class Place(NamedTuple):
    """How well a result moves where its clip does."""

    correlation: float
    """From -1 to 1."""
    exchanged: float
    """The same with left and right exchanged; higher: the result is mirrored."""


def layout(change: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weights of 3 x 3 soft cells of the moving part (pixels x 9, row by row; each sums to 1).

    They reach 2 standard deviations of the motion from its centre each way, so that a figure of another size
    or place has the same cells.
    """
    import numpy as np

    motion = change.mean(axis=0, dtype=np.float64)
    motion = np.maximum(motion - np.quantile(motion, 0.2), 0.0)
    if not motion.any():
        motion = np.ones_like(motion)
    sides = []
    for axis in (0, 1):
        along = motion.sum(axis=1 - axis)
        places = np.arange(len(along)) + 0.5
        centre = (along * places).sum() / along.sum()
        spread = max(1.0, float(np.sqrt((along * (places - centre) ** 2).sum() / along.sum())))
        at = (places - centre) / (2 * spread)
        sides.append(np.maximum(0.0, 1 - np.abs(at[None] - np.array([-2, 0, 2])[:, None] / 3) * 1.5))
    cells = np.einsum("ay,bx->yxab", *sides).reshape(-1, 9)
    made: NDArray[np.float32] = (cells / np.maximum(cells.sum(axis=0), 1e-9)).astype(np.float32)
    return made


def where(change: NDArray[np.float32], fps: float) -> Floats:
    """Return the curves of how much moves in each cell (9 x samples), as `timing.when` of the whole."""
    import numpy as np

    energy = (change.reshape(len(change), -1) @ layout(change)).T.astype(np.float64)
    return at_rate(rooted(energy), fps, gap_of(fps))


def mirrored(curves: Floats) -> Floats:
    """Return the curves of 3 x 3 cells with left and right exchanged."""
    made: Floats = curves.reshape(-1, 3, 3, curves.shape[-1])[:, :, ::-1].reshape(curves.shape)
    return made


def place(clip: Grey, clip_fps: float, result: Grey, result_fps: float) -> Place | None:
    """Return whether a result moves where its clip does; parameters and None as for `timing.timing`.

    From 0.6 on it does, from 0.4 partly, below it is another motion. It does not see a still arm, and a
    drifting camera costs about 0.2.
    """
    found = both(
        lambda grey, fps: where(changes(steady(grey, fps), fps), fps), clip, clip_fps, result, result_fps
    )
    return compared(*found) if found else None


def compared(clip: Floats, result: Floats) -> Place | None:
    """Return how well curves of cells follow those of a clip. None: they share less than 1 s."""
    plain, exchanged = match(clip, result), match(clip, mirrored(result))
    if plain is None or exchanged is None:
        return None
    return Place(plain.correlation, exchanged.correlation)
