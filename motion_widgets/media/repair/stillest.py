"""The part of a clip with the least motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.media.decode import motion_energy

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["stillest"]

_FPS = 10.0


def stillest(source: str | Path, length: float = 9.9) -> float:
    """Return where the part of a clip with the least motion begins.

    Parameters
    ----------
    source
        A local mp4 or mov.
    length
        Length of the part in s.

    Returns
    -------
    float
        Its start in s, in steps of 0.1; of equal parts the first. 0.0 if the clip is not longer.

    Raises
    ------
    ClipError
        The file is not a clip, or cannot be decoded.

    Examples
    --------
    >>> 0 <= mw.stillest(samples.clip_12s, length=5) <= 7
    True
    """
    import numpy as np

    energy = motion_energy(source, fps=_FPS)
    window = round(length * _FPS)
    if not 0 < window < len(energy):
        return 0.0
    sums = np.concatenate([[0.0], energy.cumsum()])
    parts = sums[window:] - sums[:-window]
    # Equal to the eye counts as equal: an encoder's noise is not motion.
    return float(np.flatnonzero(parts <= parts.min() + 1e-6)[0]) / _FPS
