"""What a person looks at while mending: where the pictures of a filmstrip lie, and before beside after."""

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
    """Return the moments in s that the pictures of ``filmstrip(path, frames)`` stand for.

    A handle at `t` s stands at ``t / length`` of the strip's width, `length` being the picture's.
    """
    frames = max(1, min(60, frames))
    step = (clip.video_length or clip.length) / frames
    return tuple(step * (number + 0.5) for number in range(frames))


def before_after(mend: Mend, frames: int = 6, height: int = 72) -> tuple[bytes | None, bytes | None]:
    """Show source and result of a mend: two filmstrips, or two small images.

    Parameters
    ----------
    mend
        What was done.
    frames
        In each filmstrip.
    height
        In px.

    Returns
    -------
    tuple of bytes or None
        JPEG or PNG. None where a file is gone, or of a format (WebM, HEIC) that is not drawn here.
    """

    def shown(path: str) -> bytes | None:
        try:
            if mend.kind == "clip":
                return filmstrip(Path(path), frames, height)
            return thumbnail(Path(path), height)
        except (ClipError, OSError):
            return None

    return shown(mend.source_path), shown(mend.result_path)
