"""Curves of motion over time: brought to one rate, smoothed, and correlated over lags and speeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Grey = NDArray[np.uint8]

__all__ = ["GAP", "RATE", "Match", "at_rate", "both", "gap_of", "match", "rooted", "stretched"]

RATE = 30.0
"""Samples per s of every curve."""
GAP = 0.1
"""s between the two frames whose difference is motion."""
_LAGS = 18
"""Samples by which a result may be late or early: 0.6 s."""
_SMOOTH = 5
"""Samples of the running mean."""
_LEAST = 30
"""Samples that two curves must share: 1 s."""


class Match(NamedTuple):
    """How well one set of curves follows another."""

    correlation: float
    """At the best lag, from -1 to 1."""
    lag: float
    """s by which the second is late."""


def gap_of(fps: float) -> int:
    """Return how many frames lie between two that are compared."""
    return max(1, round(GAP * fps))


def rooted(energy: Floats) -> Floats:
    """Return energies (last axis: time) less what the noise of the picture gives, as square roots."""
    import numpy as np

    floor = 0.8 * np.quantile(energy, 0.02, axis=-1, keepdims=True)
    made: Floats = np.sqrt(np.maximum(energy - floor, 0.0))
    return made


def at_rate(curves: Floats, fps: float, gap: int) -> Floats:
    """Return curves (last axis: pairs of frames `gap` apart) at `RATE`, from the clip's start, smoothed."""
    import numpy as np

    count = curves.shape[-1]
    length = (count + gap) / fps
    times = np.arange(int(length * RATE) + 1) / RATE
    return _smoothed(_between(curves, times * fps - gap / 2))


def stretched(curves: Floats, speed: float) -> Floats:
    """Return curves as if what runs at `speed` (1: as fast) had kept the time."""
    import numpy as np

    count = int((curves.shape[-1] - 1) * speed) + 1
    return _between(curves, np.arange(count) / speed)


def both(
    curves: Callable[[Grey, float], Floats], clip: Grey, clip_fps: float, result: Grey, result_fps: float
) -> tuple[Floats, Floats] | None:
    """Return the curves of a clip and of its result, from frames. None: there are too few frames."""
    if min(len(clip) - gap_of(clip_fps), len(result) - gap_of(result_fps)) < 1:
        return None
    return curves(clip, clip_fps), curves(result, result_fps)


def match(first: Floats, second: Floats) -> Match | None:
    """Return how well the second curves follow the first at the best lag. None: they share less than 1 s.

    All curves count together, each about its own mean, so that what moves most counts most.
    """
    import numpy as np

    first, second = np.atleast_2d(first), np.atleast_2d(second)
    count = min(first.shape[-1], second.shape[-1])
    if count < _LEAST:
        return None
    most = min(_LAGS, count // 3)
    lags = np.arange(-most, most + 1)
    found = np.array([_correlation(first[:, :count], second[:, :count], lag) for lag in lags])
    best = int(found.argmax())
    shift = 0.0
    if 0 < best < len(found) - 1:
        left, middle, right = found[best - 1 : best + 2]
        bend = left - 2 * middle + right
        shift = float(0.5 * (left - right) / bend) if bend < 0 else 0.0
    return Match(float(found[best]), (float(lags[best]) + shift) / RATE)


def _correlation(first: Floats, second: Floats, lag: int) -> float:
    """Return the correlation where the second is `lag` samples late."""
    import numpy as np

    count = first.shape[-1] - abs(lag)
    a = first[:, max(0, -lag) :][:, :count]
    b = second[:, max(0, lag) :][:, :count]
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return max(-1.0, min(1.0, float((a * b).sum()) / size)) if size > 0 else 0.0


def _between(curves: Floats, places: Floats) -> Floats:
    """Return curves at places between their samples; beyond the ends the last value holds."""
    import numpy as np

    places = np.clip(places, 0, curves.shape[-1] - 1)
    low = np.minimum(places.astype(np.int64), max(0, curves.shape[-1] - 2))
    part = places - low
    high = np.minimum(low + 1, curves.shape[-1] - 1)
    made: Floats = curves[..., low] * (1 - part) + curves[..., high] * part
    return made


def _smoothed(curves: Floats) -> Floats:
    """Return the running mean; at the ends of what is there."""
    import numpy as np

    half = _SMOOTH // 2
    sums = np.concatenate([np.zeros((*curves.shape[:-1], 1)), curves.cumsum(axis=-1)], axis=-1)
    count = curves.shape[-1]
    low = np.maximum(np.arange(count) - half, 0)
    high = np.minimum(np.arange(count) + half + 1, count)
    made: Floats = (sums[..., high] - sums[..., low]) / (high - low)
    return made
