"""Frames of a local clip as arrays, how much moves from one to the next, and where least moves."""

from __future__ import annotations

import math
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import ClipError
from motion_widgets.media import ffmpeg
from motion_widgets.media.colours import forgotten_matrix, guessed_matrix, to_bt709, with_matrix
from motion_widgets.media.probe.measure import measure_clip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from motion_widgets.core.facts import Clip

__all__ = ["even_width", "frames", "motion_energy", "opened", "stillest"]

ONLY_PICTURE = ("-map", ffmpeg.PICTURE)
"""Options that take the picture alone, and of several the one that was measured."""
_STILLEST_FPS = 10.0
_WIDEST = 16.0


def even_width(clip: Clip, height: int) -> int:
    """Return the even width in px at which a clip keeps its aspect when scaled to `height` px.

    At most 16 times the height: a header can state sides of 65,535 x 1 px.
    """
    return max(2, round(height * min(clip.aspect, _WIDEST) / 2) * 2)


def opened(clip: Clip) -> tuple[list[str], list[str]]:
    """Return the options and the first filters with which a local clip is read in its own colours."""
    guess = guessed_matrix(clip.transfer, clip.height)
    return [*guess, *ffmpeg.input_options(Path(clip.source))], with_matrix(forgotten_matrix(clip))


def frames(
    path: str | Path,
    height: int | None = None,
    fps: float | None = None,
    *,
    grey: bool = False,
    deadline: float = 120.0,
) -> Iterator[NDArray[np.uint8]]:
    """Decode a clip frame by frame; closing the iterator ends ffmpeg.

    Parameters
    ----------
    path
        A local mp4 or mov.
    height
        Height of the frames in px; the width follows. None: as the clip is shown.
    fps
        Frames per second at a constant rate. None: every stored frame.
    grey
        Yield luma only, HxW.
    deadline
        Seconds after which ffmpeg is killed.

    Yields
    ------
    numpy.ndarray
        RGB, HxWx3, uint8 (HxW if `grey`).

    Raises
    ------
    ClipError
        The file is not a clip, or cannot be decoded, or not in time.
    """
    clip = measure_clip(path, confirm=False)
    tall = clip.height if height is None else height
    wide = clip.width if height is None else even_width(clip, height)
    arguments, filters = opened(clip)
    filters += [f"fps={fps:g}:start_time=0"] if fps else []
    filters += [f"scale={wide}:{tall}", *to_bt709(clip.transfer)]
    arguments += [*ONLY_PICTURE, "-vf", ",".join(filters), "-fps_mode", "vfr" if fps else "passthrough"]
    yield from _raw_frames(arguments, wide, tall, grey=grey, name=clip.name, deadline=deadline)


def _raw_frames(
    arguments: Sequence[str], width: int, height: int, *, name: str, deadline: float, grey: bool = False
) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames that ffmpeg writes, given inputs and filters that end in these sides (px).

    Raises
    ------
    ClipError
        As for `ffmpeg.run`.
    """
    import numpy as np

    shape = (height, width) if grey else (height, width, 3)
    size = math.prod(shape)
    output = ["-f", "rawvideo", "-pix_fmt", "gray" if grey else "rgb24", "-"]
    with ffmpeg.running([*arguments, *output], name=name, deadline=deadline) as stdout:
        while len(raw := stdout.read(size)) == size:
            yield np.frombuffer(raw, np.uint8).reshape(shape)


def motion_energy(path: str | Path, fps: float = 10.0, height: int = 96) -> NDArray[np.float64]:
    """Return how much moves: the mean absolute difference of consecutive grey frames.

    Parameters
    ----------
    path
        A local mp4 or mov.
    fps
        Frames per second to compare.
    height
        Height in px at which they are compared.

    Returns
    -------
    numpy.ndarray
        One value from 0 to 255 per pair of frames; empty for a clip of one frame.

    Raises
    ------
    ClipError
        As for `frames`.
    """
    import numpy as np

    energy: list[float] = []
    before: Any = None
    for frame in frames(path, height, fps, grey=True):
        now = frame.astype(np.int16)
        if before is not None:
            energy.append(float(np.abs(now - before).mean()))
        before = now
    return np.array(energy, dtype=np.float64)


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

    if not isinstance(length, Real) or not math.isfinite(length):
        raise ClipError.of("length_wrong", found=repr(length)[:40])
    energy = motion_energy(source, fps=_STILLEST_FPS)
    window = round(length * _STILLEST_FPS)
    if not 0 < window < len(energy):
        return 0.0
    sums = np.concatenate([[0.0], energy.cumsum()])
    parts = sums[window:] - sums[:-window]
    # Equal to the eye counts as equal: an encoder's noise is not motion.
    return float(np.flatnonzero(parts <= parts.min() + 1e-6)[0]) / _STILLEST_FPS
