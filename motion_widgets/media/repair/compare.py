"""What a person sees while mending: the times of a filmstrip, and before beside after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.errors import ClipError
from motion_widgets.media.preview import filmstrip, thumbnail

if TYPE_CHECKING:
    from motion_widgets.core.facts import Clip
    from motion_widgets.media.repair.operation import Mend

__all__ = ["before_after", "strip_times"]


def strip_times(clip: Clip, frames: int = 6) -> tuple[float, ...]:
    """Return the times in s of the pictures of ``filmstrip(path, frames)``.

    >>> mw.strip_times(mw.measure_clip(samples.clip_6s), frames=3)
    (1.0, 3.0, 5.0)
    """
    frames = max(1, min(60, frames))
    step = (clip.video_length or clip.length) / frames
    return tuple(step * (number + 0.5) for number in range(frames))


def before_after(mend: Mend, frames: int = 6, height: int = 72) -> tuple[bytes | None, bytes | None]:
    """Return pictures of a mend's source and result: two filmstrips, or two small images.

    Parameters
    ----------
    mend
        The mend.
    frames
        Number of pictures in each filmstrip.
    height
        Height in px.

    Returns
    -------
    tuple of bytes or None
        JPEG or PNG. None for a file that has gone, or whose format (WebM, HEIC) is not drawn here.

    Examples
    --------
    >>> done = mw.mend(samples.image, mw.Operation("scale_image", {"least": 900}))
    >>> before, after = mw.before_after(done)
    >>> before is not None, after is not None
    (True, True)
    """

    def shown(path: str) -> bytes | None:
        try:
            if mend.kind == "clip":
                return filmstrip(Path(path), frames, height)
            return thumbnail(Path(path), height)
        except (ClipError, OSError):
            return None

    return shown(mend.source_path), shown(mend.result_path)
