"""What a few small frames of a clip suggest: cuts between shots, and how much the camera moves.

These are estimates for hints, never for errors. They need decoding, so they are made of files only, and not
on every keystroke.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any

from motion_widgets.core.facts import Clip, Shots
from motion_widgets.media.decode import frames
from motion_widgets.media.probe.cache import SHARED, Cache
from motion_widgets.media.probe.source import local_path

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["measure_shots"]

RATE = 6.0
"""Frames per second to look at."""
HEIGHT = 96
"""Height of these frames in px."""
SAME_SHOT = 0.6
"""Correlation above which two frames may belong to one shot; a waving arm leaves it above 0.9."""
CUT_RATIO = 2.5
"""How many times more a cut changes than the frames around it."""
BLANK = 4.0
"""Standard deviation (of 255) under which a frame is black or of one colour."""
FLAT = 1.0
"""Mean difference (of 255) of neighbouring px under which a piece is too even to show a movement."""
MATCH = 0.15
"""Peak of the phase correlation under which two pieces of background do not match."""


def measure_shots(
    source: str | Path | Clip, *, deadline: float = 10.0, cache: Cache | None = SHARED
) -> Shots | None:
    """Look for cuts and camera movement in a local clip.

    Parameters
    ----------
    source
        A local path, or its measured `Clip`.
    deadline
        Seconds after which the decoder is killed.
    cache
        Earlier results for unchanged files. None: look in any case.

    Returns
    -------
    Shots | None
        None: the clip is a link or bytes, which are not fetched or kept for this.

    Raises
    ------
    ClipError
        The file is not a clip, or cannot be decoded, or not in time.

    Examples
    --------
    >>> mw.measure_shots(samples.clip_6s).cuts
    ()
    """
    path = local_path(source)
    if path is None:
        return None
    cache = Cache() if cache is None else cache
    return cache.of_file("shots", path, lambda: _look(path, deadline), lambda _: True)


def _look(path: Path, deadline: float) -> Shots:
    import numpy as np

    times: list[float] = []
    similarity: list[float] = []
    speeds: list[float | None] = []
    before: Any = None
    for index, frame in enumerate(frames(path, HEIGHT, RATE, grey=True, deadline=deadline)):
        now = frame.astype(np.float32)
        if now.std() < BLANK:
            continue  # black in the middle of a fade: compare what is before and after it
        if before is not None:
            times.append(round(index / RATE, 2))
            similarity.append(_similarity(before, now))
            speeds.append(_shift(before, now))
        before = now
    cuts = _cuts(similarity)
    within = [speed * RATE for index, speed in enumerate(speeds) if speed is not None and index not in cuts]
    # If most of the background shows nothing, the rest proves nothing.
    known = len(within) >= max(3, len(speeds) // 3)
    return Shots(cuts=tuple(times[index] for index in cuts), camera=float(np.mean(within)) if known else None)


def _similarity(before: NDArray[np.float32], now: NDArray[np.float32]) -> float:
    """Return the correlation of two frames at a height of 16 px; even changes of light do not affect it."""
    step = HEIGHT // 16
    rows, columns = (max(step, side // step * step) for side in now.shape)
    blocks = (one[:rows, :columns].reshape(rows // step, step, -1, step) for one in (before, now))
    first, second = (one - one.mean() for one in (block.mean(axis=(1, 3)) for block in blocks))
    return float((first * second).mean() / max(1e-6, first.std() * second.std()))


def _cuts(similarity: list[float]) -> list[int]:
    """Return the steps that are cuts: the frames differ, and far more so than those around them."""
    import numpy as np

    change = 1 - np.array(similarity)
    found = []
    for index, value in enumerate(change):
        around = np.concatenate([change[max(0, index - 4) : index], change[index + 1 : index + 5]])
        usual = float(np.median(around)) if len(around) else 0.0
        if value > 1 - SAME_SHOT and value > CUT_RATIO * usual:
            found.append(index)
    return found


def _shift(before: NDArray[np.float32], now: NDArray[np.float32]) -> float | None:
    """Return how far the background moved, in shorter sides of the picture. None: unknown.

    The background is compared in three pieces around the figure: left, right and above. Two of them must have
    moved by the same distance, which limbs do not. So pans, tilts and shaking are seen; a zoom is not.
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
    """Return the shift between two pieces in px by phase correlation. None: too even, or no match."""
    import numpy as np

    if min(np.abs(np.diff(one, axis=axis)).mean() for one in (before, now) for axis in (0, 1)) < FLAT:
        return None
    window = np.outer(np.hanning(now.shape[0]), np.hanning(now.shape[1]))
    spectra = [np.fft.rfft2((one - one.mean()) * window) for one in (before, now)]
    cross = spectra[0] * np.conj(spectra[1])
    field = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-6), now.shape)
    peak = np.unravel_index(int(field.argmax()), field.shape)
    if field[peak] < MATCH:
        return None
    down, right = (
        int(at) - size if at > size // 2 else int(at) for at, size in zip(peak, now.shape, strict=True)
    )
    return down, right
