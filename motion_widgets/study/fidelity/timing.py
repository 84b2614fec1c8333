"""Measure 1, timing: whether a result moves when its clip moves, how late, and how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.study.fidelity.curves import RATE, at_rate, both, gap_of, match, rooted, stretched
from motion_widgets.study.fidelity.light import steady

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from motion_widgets.study.fidelity.curves import Floats, Grey, Match

__all__ = ["changes", "enough_motion", "speed", "timing", "when"]

_LEAST_MOTION = 0.2
"""Grey levels by which the energy of a clip must vary."""
_SPEEDS = (0.8, 1.25, 0.025)


def changes(grey: NDArray[np.float32], fps: float) -> NDArray[np.float32]:
    """Return by how much each pixel changes within 0.1 s (pairs of frames x rows x columns)."""
    import numpy as np

    gap = gap_of(fps)
    made: NDArray[np.float32] = np.abs(grey[gap:] - grey[:-gap])
    return made


def when(change: NDArray[np.float32], fps: float) -> Floats:
    """Return the curve of how much moves: the root of the mean change, at 30 samples per s."""
    import numpy as np

    energy = change.reshape(len(change), -1).mean(axis=1, dtype=np.float64)
    return at_rate(rooted(energy), fps, gap_of(fps))


def enough_motion(curve: Floats) -> bool:
    """Return whether a curve of `when` varies enough for anything to be told about it."""
    import numpy as np

    if len(curve) < RATE:
        return False
    low, high = np.quantile(curve**2, (0.05, 0.95))
    return bool(high - low >= _LEAST_MOTION)


def timing(clip: Grey, clip_fps: float, result: Grey, result_fps: float) -> Match | None:
    """Return how well the motion of a result keeps the time of its clip, and by how many s it is late.

    Parameters
    ----------
    clip, result
        Grey frames (frames x rows x columns), about 96 px on the longer side; their sides may differ.
    clip_fps, result_fps
        Frames per s.

    Returns
    -------
    Match
        Correlation from -1 to 1: from 0.8 it moves when the clip moves, from 0.5 partly, below hardly. It is
        blind to a mirrored or damped result, and clips of less than 3 s may reach 0.9 by chance: never read
        it without `place`. None: less than 1 s of them can be compared.
    """
    found = both(
        lambda grey, fps: when(changes(steady(grey, fps), fps), fps), clip, clip_fps, result, result_fps
    )
    return match(*found) if found else None


def speed(clip: Floats, result: Floats) -> float | None:
    """Return how fast a result runs against its clip (0.9: 10 % slower), from 0.8 to 1.25 in steps of 0.025.

    Parameters
    ----------
    clip, result
        Their curves by cell (`place.where`). With a still tail it means nothing.
    """
    import numpy as np

    low, high, step = _SPEEDS
    speeds = np.arange(round((high - low) / step) + 1) * step + low
    found = [(match(clip, stretched(result, float(one))), float(one)) for one in speeds]
    told = [(one.correlation, -abs(value - 1), value) for one, value in found if one is not None]
    return round(max(told)[2], 3) if told else None
