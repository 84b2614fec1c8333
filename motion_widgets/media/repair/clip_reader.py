"""Read a local clip for moviepy: safely, at a constant frame rate, and always to an end.

moviepy's own `VideoFileClip` is not used: it hangs for ever on a zeroed body, crashes on time codes and on
rotated HDR clips, takes the length from printed text, and miscounts frames that are not evenly spaced. Here
ffmpeg reads with a forced demuxer and a deadline; moviepy cuts, resizes and writes.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from motion_widgets.core.errors import ClipError
from motion_widgets.media import ffmpeg
from motion_widgets.media.decode import raw_frames
from motion_widgets.media.probe.local_file import local_file
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.probe.moviepy_import import load_moviepy
from motion_widgets.media.probe.sniff import file_type_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from motion_widgets.media.repair.progress import Progress

__all__ = ["ClipInput", "ClipReader", "clip_input"]

_SLOWEST, _FASTEST = 15.0, 60.0
"""Frames per second that are written. A slower clip is read at a multiple of its own rate."""
_SEEK = 2.0
"""Seconds ahead from which seeking is cheaper than decoding what lies between."""
_MISSING = 0.5
"""Seconds of picture that may be missing at the end; the last frame is held then, as players do."""


@dataclass(frozen=True, slots=True)
class ClipInput:
    """What is needed to read a clip."""

    path: Path
    demuxer: str
    width: int
    height: int
    fps: float
    """The constant rate at which it is read, in hundredths: moviepy's writer states no more digits."""
    length: float
    """Length of the picture in s."""
    has_audio: bool

    @property
    def options(self) -> list[str]:
        """The options with which ffmpeg opens it."""
        return ffmpeg.input_options(self.path, self.demuxer)


def clip_input(path: Path, progress: Progress) -> ClipInput:
    """Look at a local clip of any format that can be converted.

    Raises
    ------
    ClipError
        The file is not such a clip, or is damaged.
    """
    path, _ = local_file(path)
    try:
        clip = measure_clip(path, confirm=False)
    except ClipError as error:
        demuxer = file_type_of(error).demuxer if error.code == "wrong_format" else ""
        if not demuxer:
            raise
        return _other_format(path, demuxer, progress)
    length = min(clip.video_length or clip.length, clip.length)
    return ClipInput(path, "mov", clip.width, clip.height, _constant_rate(clip.fps), length, clip.has_audio)


def _other_format(path: Path, demuxer: str, progress: Progress) -> ClipInput:
    """Look at a clip without mp4 boxes: decode its first frame, then copy its streams nowhere to time it."""
    opened = ffmpeg.input_options(path, demuxer)
    first = ["-map", "0:v:0", "-frames:v", "1", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-"]
    with ffmpeg.running([*opened, *first], name=path.name, deadline=progress.left) as stdout:
        # The header of this format is numbers, not text for people: `YUV4MPEG2 W128 H96 F25:1 …`.
        head = stdout.readline(200).decode("latin-1").split()
        while stdout.read(1 << 16):
            pass
    values = {word[0]: word[1:] for word in head if word}
    try:
        width, height = int(values["W"]), int(values["H"])
        over, under = (int(part) for part in values["F"].split(":"))
    except (KeyError, ValueError) as error:
        raise ClipError.of("not_decodable", name=path.name) from error
    length = progress.ffmpeg([*opened, "-map", "0:v:0", "-c", "copy", "-f", "null", "-"])
    if length <= 0:
        raise ClipError.of("not_decodable", name=path.name)
    try:
        progress.ffmpeg([*opened, "-map", "0:a:0", "-c", "copy", "-frames:a", "1", "-f", "null", "-"])
        has_audio = True
    except ClipError as error:
        if error.code != "not_decodable":
            raise
        has_audio = False
    return ClipInput(path, demuxer, width, height, _constant_rate(over / max(1, under)), length, has_audio)


def _constant_rate(fps: float | None) -> float:
    """Return the rate at which to read; formats that only count milliseconds claim 1000 frames per second."""
    if fps is None or not 0.1 <= fps <= 240:
        return 30.0
    if fps < _SLOWEST:
        fps *= math.ceil(_SLOWEST / fps)
    return round(min(fps, _FASTEST), 2)


class ClipReader:
    """The frames of a clip by time, in order; closing it ends ffmpeg."""

    def __init__(self, clip: ClipInput, progress: Progress) -> None:
        self.clip = clip
        self._progress = progress
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

    def as_moviepy(self, length: float | None = None) -> Any:
        """Return it as a `moviepy.VideoClip`.

        Parameters
        ----------
        length
            Length in s; beyond the clip's end its last frame is held. None: the clip's own.
        """
        load_moviepy()
        from moviepy import VideoClip

        clip = VideoClip(duration=max(length or 0.0, self.clip.length))
        # As an argument it would decode the first frame, even of a clip that is cut elsewhere.
        clip.frame_function = self.frame
        clip.size = (self.clip.width, self.clip.height)
        clip.fps = self.clip.fps
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
            raise ClipError.of("not_decodable", name=self.clip.path.name)
        return self._frame  # type: ignore[no-any-return]

    def _end(self) -> None:
        self._ended = True
        if (self._number + 1) / self.clip.fps < self.clip.length - _MISSING:
            raise ClipError.of("not_decodable", name=self.clip.path.name)

    def _open(self, number: int) -> None:
        self.close()
        # There may be no frame at the very end, so the one before it must be read to be held.
        number = max(0, min(number, math.floor((self.clip.length - _MISSING) * self.clip.fps)))
        self._frames, self._frame, self._number, self._ended = self._read(number), None, number - 1, False

    def _read(self, number: int) -> Iterator[NDArray[np.uint8]]:
        clip = self.clip
        seek = ["-ss", f"{number / clip.fps:.6f}"] if number else []
        filters = f"fps={clip.fps:g}:start_time=0,scale={clip.width}:{clip.height},setsar=1"
        arguments = [*seek, *clip.options, "-map", "0:v:0", "-vf", filters]
        return raw_frames(
            arguments, clip.width, clip.height, name=clip.path.name, deadline=self._progress.left
        )
