"""Measure 4, time kept: repeated frames, stretches that stand still, and cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.study.fidelity.light import blocks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["TimeKept", "cuts", "time_kept"]

_STILL = 0.12
"""Grey levels of mean change below which a frame may repeat the last one."""
_STILL_SHARE = 0.06
"""Of the median change, likewise."""
_CUT = 20.0
"""Grey levels of mean change from which there may be a cut."""


class TimeKept(NamedTuple):
    """How a clip passes."""

    repeats: float
    """Share of frames that repeat the last one, 0 to 1. A converted frame rate repeats some honestly."""
    still_run: float
    """The longest stretch that stands still, in s."""
    still_tail: float
    """How long it stands still at its end, in s."""
    cuts: int
    """How often another shot begins."""


def time_kept(grey: NDArray[np.uint8], fps: float) -> TimeKept:
    """Return how a clip passes, from its grey frames as they are."""
    import numpy as np

    change = _change(grey)
    if not len(change):
        return TimeKept(0.0, 0.0, 0.0, 0)
    moving = change[change >= _STILL]
    usual = float(np.median(moving)) if len(moving) else 0.0
    still = change < (min(_STILL, _STILL_SHARE * usual) if usual else _STILL)
    ends = np.flatnonzero(np.diff(np.concatenate([[0], still.astype(np.int8), [0]])))
    runs = ends[1::2] - ends[::2]
    tail = int(runs[-1]) if len(runs) and still[-1] else 0
    return TimeKept(float(still.mean()), float(runs.max(initial=0)) / fps, tail / fps, len(cuts(grey)))


def cuts(grey: NDArray[np.uint8]) -> list[int]:
    """Return the frames at which another shot begins: much changes, at once, and into something else."""
    import numpy as np

    change = _change(grey)
    found = []
    for at in np.flatnonzero(change > _CUT):
        around = np.concatenate([change[max(0, at - 8) : at], change[at + 1 : at + 9]])
        if len(around) and change[at] <= 3 * np.median(around):
            continue
        before, after = blocks(grey[at : at + 2].astype(np.float32)).reshape(2, -1)
        alike = np.corrcoef(before, after)[0, 1] if before.std() > 0 and after.std() > 0 else 0.0
        if alike < 0.6:
            found.append(int(at) + 1)
    return found


def _change(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the mean absolute change from frame to frame."""
    import numpy as np

    now = grey.astype(np.int16)
    made: NDArray[np.float64] = np.abs(np.diff(now, axis=0)).mean(axis=(1, 2))
    return made
