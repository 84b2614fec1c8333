"""Measure 6, sound kept: whether a result has its clip's sound, and how late."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from motion_widgets.study.fidelity.curves import Floats

    Wave = NDArray[np.float32]

__all__ = ["SAMPLES", "Sound", "sound"]

SAMPLES = 8000
"""Per s."""
_STEP = 80
"""Samples of a value of loudness: 100 per s."""
_LAG = 0.6
"""s."""
_SILENT = 1e-3
"""Of full scale (-60 dB): a wave of less has no sound."""


class Sound(NamedTuple):
    """How a result's sound is like its clip's."""

    wave: float
    """Correlation of the waves at the best lag, 0 to 1; from 0.5 on the sound is kept."""
    loudness: float
    """Correlation of the log loudness, -1 to 1; from 0.9 on, with a low `wave`, the same at another pitch."""
    lag: float
    """s by which the result's is late."""


def sound(clip: Wave | None, result: Wave | None) -> Sound | None:
    """Return how a result's sound is like its clip's, from waves of 8,000 samples per s, -1 to 1.

    None: the clip has no sound, or is silent, so there is nothing to keep. A silent result, or one without
    sound, keeps nothing: 0.
    """
    import numpy as np

    if clip is None or not _heard(clip):
        return None
    if result is None or not _heard(result):
        return Sound(0.0, 0.0, 0.0)
    count = min(len(clip), len(result))
    first, second = (one[:count].astype(np.float64) for one in (clip, result))
    first, second = first - first.mean(), second - second.mean()
    waves = _correlations(first, second, round(_LAG * SAMPLES))
    best = int(np.abs(waves).argmax())
    lag = best - len(waves) // 2
    loud = _correlations(_loudness(first), _loudness(second), round(_LAG * SAMPLES / _STEP))
    return Sound(min(1.0, float(abs(waves[best]))), min(1.0, float(loud.max())), lag / SAMPLES)


def _heard(wave: Wave) -> bool:
    """Return whether a wave is long and loud enough to be a sound."""
    import numpy as np

    return len(wave) >= SAMPLES // 2 and float(np.sqrt(np.mean(wave.astype(np.float64) ** 2))) > _SILENT


def _loudness(wave: Floats) -> Floats:
    """Return the log loudness, about its mean."""
    import numpy as np

    parts = wave[: len(wave) // _STEP * _STEP].reshape(-1, _STEP)
    levels = np.log(np.sqrt((parts**2).mean(axis=1)) + _SILENT)
    made: Floats = levels - levels.mean()
    return made


def _correlations(first: Floats, second: Floats, most: int) -> Floats:
    """Return the correlations of two series at lags of the second from -`most` to `most` samples."""
    import numpy as np

    size = 1 << (len(first) + most).bit_length()
    product = np.fft.irfft(np.fft.rfft(second, size) * np.conj(np.fft.rfft(first, size)), size)
    both = float(np.sqrt((first @ first) * (second @ second)))
    made: Floats = np.concatenate([product[-most:], product[: most + 1]]) / max(both, 1e-12)
    return made
