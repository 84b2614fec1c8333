"""What a few small frames of a clip show: cuts between shots, and how much the camera moves.

Estimates for hints, never errors. They decode, so they are made off the keystroke path and only of files.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any

from motion_widgets.core.facts import Clip, Shots
from motion_widgets.media.decode import frames
from motion_widgets.media.probe.cache import SHARED, Memory
from motion_widgets.media.probe.hub import is_link
from motion_widgets.media.probe.measure import local_file

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["measure_shots"]

RATE = 6.0
"""Frames per second that are looked at."""
HEIGHT = 96
"""In px, at which they are."""
SAME = 0.6
"""Correlation of two frames from which on they may show one shot; a waving arm leaves it above 0.9."""
JUMP = 2.5
"""How many times more a cut changes than its neighbours do."""
TEXTURE = 4.0
"""Standard deviation (of 255) under which a frame is black or of one colour."""
DETAIL = 1.0
"""Mean difference (of 255) of neighbouring px under which a piece is too even to tell a movement."""
SURE = 0.15
"""Peak of the phase correlation under which two pieces of background do not match."""


def measure_shots(
    source: str | Path | Clip, *, deadline: float = 10.0, memory: Memory | None = SHARED
) -> Shots | None:
    """Look for cuts and camera movement in a local clip.

    Parameters
    ----------
    source
        A local path, or what was measured of it.
    deadline
        Seconds after which the decoder is killed.
    memory
        What was seen before of the same file. None: look in any case.

    Returns
    -------
    Shots | None
        None: the clip is a link or bytes, which are not fetched or kept for this.

    Raises
    ------
    ClipError
        It is no clip, or cannot be decoded, or not in time.
    """
    where = source.source if isinstance(source, Clip) else source
    if isinstance(where, str) and (is_link(where) or (isinstance(source, Clip) and where == "bytes")):
        return None
    path, _ = local_file(where)
    memory = Memory() if memory is None else memory
    return memory.of_file("shots", path, lambda: _look(path, deadline), lambda _: True)


def _look(path: Path, deadline: float) -> Shots:
    import numpy as np

    times: list[float] = []
    likeness: list[float] = []
    speeds: list[float | None] = []
    before: Any = None
    for index, frame in enumerate(frames(path, HEIGHT, RATE, grey=True, deadline=deadline)):
        now = frame.astype(np.float32)
        if now.std() < TEXTURE:
            continue  # black, as a fade begins and ends: the shots on both of its sides are compared
        if before is not None:
            times.append(round(index / RATE, 2))
            likeness.append(_likeness(before, now))
            speeds.append(_shift(before, now))
        before = now
    cuts = _cuts(likeness)
    within = [speed * RATE for index, speed in enumerate(speeds) if speed is not None and index not in cuts]
    # Of a clip whose background mostly tells nothing, the rest is no measure.
    known = len(within) >= max(3, len(speeds) // 3)
    return Shots(cuts=tuple(times[index] for index in cuts), camera=float(np.mean(within)) if known else None)


def _likeness(before: NDArray[np.float32], now: NDArray[np.float32]) -> float:
    """Correlate two frames at 16 px height: light that changes evenly is no other picture."""
    import numpy as np

    step = HEIGHT // 16
    rows, columns = (max(step, side // step * step) for side in now.shape)
    small = [
        one[:rows, :columns].reshape(rows // step, step, -1, step).mean(axis=(1, 3)) for one in (before, now)
    ]
    flat = [one - one.mean() for one in small]
    power = [float(np.sqrt((one**2).mean())) for one in flat]
    return float((flat[0] * flat[1]).mean() / max(1e-6, power[0] * power[1]))


def _cuts(likeness: list[float]) -> list[int]:
    """Return the steps that are cuts: unlike pictures, and far more so than the steps around."""
    import numpy as np

    change = 1 - np.array(likeness)
    found = []
    for index, value in enumerate(change):
        around = np.concatenate([change[max(0, index - 4) : index], change[index + 1 : index + 5]])
        usual = float(np.median(around)) if len(around) else 0.0
        if value > 1 - SAME and value > JUMP * usual:
            found.append(index)
    return found


def _shift(before: NDArray[np.float32], now: NDArray[np.float32]) -> float | None:
    """Return how far the background moved, in shorter sides of the picture. None: it cannot be told.

    The background is looked at in three pieces around the figure: left, right and above. Two of them must
    have moved alike, which limbs in them do not. So pans, tilts and shaking are seen; a zoom is not.
    """
    import numpy as np

    rows, columns = now.shape
    side, top = max(12, columns // 5), max(12, rows // 5)
    pieces = [np.s_[: rows * 3 // 4, :side], np.s_[: rows * 3 // 4, -side:], np.s_[:top, :]]
    moved = [shift for piece in pieces if (shift := _piece_shift(before[piece], now[piece])) is not None]
    for one, other in combinations(moved, 2):
        if math.dist(one, other) <= 1 + 0.15 * math.hypot(*one):
            return float(math.hypot(one[0] + other[0], one[1] + other[1]) / (2 * min(rows, columns)))
    return None


def _piece_shift(before: NDArray[np.float32], now: NDArray[np.float32]) -> tuple[int, int] | None:
    """Return the shift between two pieces in px, by phase correlation. None: too even, or no match."""
    import numpy as np

    if (
        min(float(np.abs(np.diff(one, axis=axis)).mean()) for one in (before, now) for axis in (0, 1))
        < DETAIL
    ):
        return None
    window = np.outer(np.hanning(now.shape[0]), np.hanning(now.shape[1]))
    spectra = [np.fft.rfft2((one - one.mean()) * window) for one in (before, now)]
    cross = spectra[0] * np.conj(spectra[1])
    field = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-6), now.shape)
    peak = np.unravel_index(int(field.argmax()), field.shape)
    if field[peak] < SURE:
        return None
    down, right = (
        int(at) - size if at > size // 2 else int(at) for at, size in zip(peak, now.shape, strict=True)
    )
    return down, right
