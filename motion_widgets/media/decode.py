"""Frames of a local clip as arrays, and how much moves from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motion_widgets.media import ffmpeg
from motion_widgets.media.probe.measure import measure_clip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["frames", "motion_energy"]


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
        Of the frames, in px; the width follows. None: as it is shown.
    fps
        Frames per second on an even clock. None: every frame as it is stored.
    grey
        Give luma only, HxW.
    deadline
        Seconds after which ffmpeg is killed.

    Yields
    ------
    numpy.ndarray
        RGB, HxWx3, uint8 (HxW when `grey`).

    Raises
    ------
    ClipError
        It is no clip, or cannot be decoded, or not in time.
    """
    import numpy as np

    found = ffmpeg.checked(path)
    clip = measure_clip(found, confirm=False)
    tall = clip.height if height is None else height
    wide = clip.width if height is None else max(2, round(height * clip.aspect / 2) * 2)
    chain = [f"fps={fps:g}"] if fps else []
    chain.append(f"scale={wide}:{tall}")
    options = ["-an", "-sn", "-dn", "-vf", ",".join(chain), "-fps_mode", "vfr" if fps else "passthrough"]
    options += ["-f", "rawvideo", "-pix_fmt", "gray" if grey else "rgb24", "-"]
    shape = (tall, wide) if grey else (tall, wide, 3)
    count = tall * wide * (1 if grey else 3)
    with ffmpeg.running([*ffmpeg.clip_input(found), *options], name=found.name, deadline=deadline) as pipe:
        while len(raw := pipe.read(count)) == count:
            yield np.frombuffer(raw, np.uint8).reshape(shape)


def motion_energy(path: str | Path, fps: float = 10.0, height: int = 96) -> NDArray[np.float64]:
    """Measure how much moves: the mean absolute difference of consecutive grey frames.

    Parameters
    ----------
    path
        A local mp4 or mov.
    fps
        Frames per second that are compared.
    height
        In px, at which they are compared.

    Returns
    -------
    numpy.ndarray
        One value from 0 to 255 per pair of frames; empty for a clip of one frame.
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
