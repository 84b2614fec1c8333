"""Read a local clip for moviepy: safely, at a constant frame rate, and always to an end.

moviepy's own `VideoFileClip` is not used: it hangs for ever on a zeroed body, crashes on time codes and on
rotated HDR clips, takes the length from printed text, and miscounts frames that are not evenly spaced. Here
ffmpeg reads with a forced demuxer and a deadline; moviepy cuts, resizes and writes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from motion_widgets.core.errors import ClipError
from motion_widgets.core.messages import say
from motion_widgets.media import ffmpeg
from motion_widgets.media.colours import matrix_of, to_bt709
from motion_widgets.media.decode import raw_frames
from motion_widgets.media.probe.moviepy_check import load_moviepy

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from motion_widgets.media.repair.clip_input import ClipInput
    from motion_widgets.media.repair.progress import Progress

__all__ = ["ClipReader"]

_SEEK = 2.0
"""Seconds ahead from which seeking is cheaper than decoding what lies between."""
_MISSING = 0.5
"""Seconds of picture that may be missing at the end; the last frame is held then, as players do."""


class ClipReader:
    """The frames of a clip by time, in order; closing it ends ffmpeg."""

    def __init__(self, clip: ClipInput, progress: Progress) -> None:
        self.clip = clip
        self._progress = progress
        is_hd = clip.transfer is None and matrix_of(None, clip.height) == "bt709"
        # ffmpeg takes all that is not stated as BT.601.
        self._guess = ["-colorspace", "bt709"] if is_hd else []
        self._frames: Iterator[NDArray[np.uint8]] | None = None
        self._frame: Any = None
        """The current frame. None: none was read yet."""
        self._number = -1
        """Number of the current frame, at the constant rate."""
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End ffmpeg."""
        if self._frames is not None:
            with suppress(ClipError):  # whatever ffmpeg says about being stopped does not matter
                self._frames.close()  # type: ignore[attr-defined]
        self._frames = None

    def as_moviepy(self, length: float | None = None, sides: tuple[int, int] | None = None) -> Any:
        """Return it as a `moviepy.VideoClip`.

        Parameters
        ----------
        length
            Length in s; beyond the clip's end its last frame is held. None: the clip's own.
        sides
            Width and height in px to which ffmpeg scales it. None: the clip's own.
        """
        load_moviepy()
        from moviepy import VideoClip

        if sides is not None:
            self.clip = replace(self.clip, width=sides[0], height=sides[1])
        clip = VideoClip(duration=max(length or 0.0, self.clip.length))
        # As an argument it would decode the first frame, even of a clip that is cut elsewhere.
        clip.frame_function = self.frame
        clip.size = (self.clip.width, self.clip.height)
        clip.fps = float(self.clip.fps)
        return clip

    def frame(self, t: float) -> NDArray[np.uint8]:
        """Return the frame shown at `t` s: RGB, HxWx3.

        Raises
        ------
        ClipError
            It cannot be decoded, or not in time.
        """
        wanted = round(t * self.clip.fps)
        far = wanted < self._number or wanted - self._number > _SEEK * self.clip.fps
        if self._frames is None or (far and not (self._ended and wanted >= self._number)):
            self._open(wanted)
        while self._number < wanted and not self._ended:
            frame = next(self._frames, None) if self._frames is not None else None
            if frame is None:
                self._end()
            else:
                self._frame, self._number = frame, self._number + 1
        if self._frame is None:
            raise ClipError.of("not_decodable", name=self.clip.path.name, reason=say("no_frame"))
        return self._frame  # type: ignore[no-any-return]

    def _end(self) -> None:
        self._ended = True
        seconds = float((self._number + 1) / self.clip.fps)
        if seconds < self.clip.last - _MISSING:
            reason = say("picture_ends", seconds=f"{seconds:.1f}", length=f"{self.clip.length:.1f}")
            raise ClipError.of("not_decodable", name=self.clip.path.name, reason=reason)

    def _open(self, number: int) -> None:
        self.close()
        # What lies on either side of where ffmpeg begins depends on how times are rounded, so it begins
        # earlier: before a frame that is there, as what is shown then may have begun long before.
        number = min(number, math.floor((self.clip.last - _MISSING) * self.clip.fps)) - round(self.clip.fps)
        times = self.clip.times
        if len(times):
            before = max(0, bisect_right(times, float(number / self.clip.fps)) - 1)
            number = min(number, math.floor(times[before] * self.clip.fps) - 1)
        number = max(0, number if self.clip.seekable else 0)
        self._frames, self._frame, self._number, self._ended = self._read(number), None, number - 1, False

    def _read(self, number: int) -> Iterator[NDArray[np.uint8]]:
        clip = self.clip
        seek = ["-ss", f"{clip.origin + number / clip.fps:.6f}"] if number else []
        shift = f"setpts=round(PTS-{clip.origin:.6f}/TB)," if clip.origin and not number else ""
        shift = f"setpts=N/({clip.fps}*TB)," if clip.numbered else shift
        fields = "bwdif=mode=send_frame:deint=interlaced," if clip.interlaced else ""
        filters = f"{shift}{fields}fps={clip.fps}:start_time=0,scale={clip.width}:{clip.height},setsar=1"
        filters = ",".join([filters, *to_bt709(clip.transfer)])
        output = ["-map", ffmpeg.PICTURE, "-vf", filters, "-fps_mode", "passthrough"]
        arguments = [*seek, *self._guess, *clip.options, *output]
        return raw_frames(
            arguments, clip.width, clip.height, name=clip.path.name, deadline=self._progress.left
        )
