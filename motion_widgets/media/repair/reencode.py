"""A local clip as a moviepy clip, read in a way that is safe, ends, and keeps time.

moviepy's own `VideoFileClip` is not used: it hangs for ever on a zeroed body, crashes on time codes and on
turned HDR clips, takes a length from printed text, and counts frames where their times differ. Here ffmpeg
reads with a forced demuxer and a deadline, on an even clock; moviepy cuts, frames and writes.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from motion_widgets.core.errors import ClipError
from motion_widgets.media import ffmpeg
from motion_widgets.media.probe.measure import local_file, measure_clip
from motion_widgets.media.probe.moviepy_check import load_moviepy
from motion_widgets.media.probe.sniff import fault, looks_like

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from motion_widgets.media.repair.progress import Watch

__all__ = ["CONVERTIBLE", "Footage", "Reel", "footage_of"]

# What a file begins like -> the demuxer that is forced; none of these opens another file or a link.
CONVERTIBLE = {
    "WebM or Matroska": "matroska",
    "GIF": "gif",
    "AVI": "avi",
    "MPEG transport stream": "mpegts",
    "MPEG program stream": "mpeg",
    "Flash video": "flv",
    "Windows Media": "asf",
    "Ogg": "ogg",
    "3GP": "mov",
}
_SLOWEST, _FASTEST = 15.0, 60.0
"""Frames per second that are written. A slower clip is shown on a clock that is a multiple of its own."""
_SEEK = 2.0
"""Seconds ahead from which seeking is cheaper than decoding what lies between."""
_MISSING = 0.5
"""Seconds of picture that may be missing at the end; then the last frame is held, as players do."""


@dataclass(frozen=True, slots=True)
class Footage:
    """What reading a clip needs to know."""

    path: Path
    demuxer: str
    width: int
    height: int
    fps: float
    """Even clock that it is read on, in hundredths: moviepy's writer states no more digits."""
    length: float
    """Of the picture, in s."""
    has_audio: bool

    @property
    def input(self) -> list[str]:
        """The options that open it and nothing else."""
        return [*("-protocol_whitelist", "file", "-f", self.demuxer, "-i"), f"file:{self.path}"]


def footage_of(path: Path, watch: Watch) -> Footage:
    """Look at a local clip of any format that can be converted.

    Raises
    ------
    ClipError
        It is none, or is damaged.
    """
    path, _ = local_file(path)
    with path.open("rb") as file:
        found = looks_like(file.read(512))[0]
    try:
        clip = measure_clip(path, confirm=False)
    except ClipError as error:
        demuxer = CONVERTIBLE.get(error.params.get("found", found))
        if error.code != "wrong_format" or demuxer is None:
            raise
        return _foreign(path, demuxer, watch)
    ffmpeg.checked(path)
    length = min(clip.video_length or clip.length, clip.length)
    return Footage(path, "mov", clip.width, clip.height, _clock(clip.fps or 0), length, clip.has_audio)


def _foreign(path: Path, demuxer: str, watch: Watch) -> Footage:
    """Look at a clip that has no boxes to read: ffmpeg says it in numbers, not in text for people."""
    opened = [*("-protocol_whitelist", "file", "-f", demuxer, "-i"), f"file:{path}"]
    first = ["-map", "0:v:0", "-frames:v", "1", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-"]
    with ffmpeg.running([*opened, *first], name=path.name, deadline=watch.left) as pipe:
        head = pipe.readline(200).decode("latin-1").split()
        while pipe.read(1 << 16):
            pass
    said = {word[0]: word[1:] for word in head if word}
    try:
        width, height = int(said["W"]), int(said["H"])
        over, under = (int(part) for part in said["F"].split(":"))
    except (KeyError, ValueError) as error:
        raise fault("not_decodable", name=path.name) from error
    length = watch.ffmpeg([*opened, "-map", "0:v:0", "-c", "copy", "-f", "null", "-"])
    try:
        watch.ffmpeg([*opened, "-map", "0:a:0", "-c", "copy", "-frames:a", "1", "-f", "null", "-"])
        has_audio = True
    except ClipError as error:
        if error.code != "not_decodable":
            raise
        has_audio = False
    if length <= 0:
        raise fault("not_decodable", name=path.name)
    return Footage(path, demuxer, width, height, _clock(over / max(1, under)), length, has_audio)


def _clock(fps: float) -> float:
    """Return the even clock for a mean frame rate; formats that only count milliseconds claim 1000."""
    if not 0.1 <= fps <= 240:
        return 30.0
    if fps < _SLOWEST:
        fps *= math.ceil(_SLOWEST / fps)
    return round(min(fps, _FASTEST), 2)


class Reel:
    """Frames of a clip by time, in order; closing it ends ffmpeg."""

    def __init__(self, footage: Footage, watch: Watch) -> None:
        self.footage = footage
        self._watch = watch
        self._frames: Iterator[NDArray[np.uint8]] | None = None
        self._now: Any = None
        self._at = -1
        """Number of the frame in hand, on the even clock."""
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End ffmpeg."""
        if self._frames is not None:
            with suppress(ClipError):  # what it says when it is left early is of no interest
                self._frames.close()  # type: ignore[attr-defined]
        self._frames = None

    def as_moviepy(self, length: float | None = None) -> Any:
        """Return it as a `moviepy.VideoClip`.

        Parameters
        ----------
        length
            Seconds; beyond its end the last frame is held. None: its own.
        """
        load_moviepy()
        from moviepy import VideoClip

        clip = VideoClip(duration=max(length or 0.0, self.footage.length))
        # Not by the constructor, which would decode the first frame of a clip that is cut elsewhere.
        clip.frame_function = self.frame
        clip.size = (self.footage.width, self.footage.height)
        clip.fps = self.footage.fps
        return clip

    def frame(self, t: float) -> NDArray[np.uint8]:
        """Return the frame shown at `t` s, RGB, HxWx3.

        Raises
        ------
        ClipError
            It cannot be decoded, or not in time.
        """
        wanted = round(t * self.footage.fps)
        far = wanted < self._at or wanted - self._at > _SEEK * self.footage.fps
        if self._frames is None or (far and not (self._over and wanted >= self._at)):
            self._open(wanted)
        while self._at < wanted and not self._over:
            frame = next(self._frames, None) if self._frames is not None else None
            if frame is None:
                self._end()
            else:
                self._now, self._at = frame, self._at + 1
        if self._now is None:
            raise fault("not_decodable", name=self.footage.path.name)
        return self._now  # type: ignore[no-any-return]

    def _end(self) -> None:
        self._over = True
        if (self._at + 1) / self.footage.fps < self.footage.length - _MISSING:
            raise fault("not_decodable", name=self.footage.path.name)

    def _open(self, number: int) -> None:
        self.close()
        # At the very end there may be no further frame, and then the one before it is held.
        number = max(0, min(number, math.floor((self.footage.length - _MISSING) * self.footage.fps)))
        self._frames, self._now, self._at, self._over = self._read(number), None, number - 1, False

    def _read(self, number: int) -> Iterator[NDArray[np.uint8]]:
        import numpy as np

        footage = self.footage
        seek = ["-ss", f"{number / footage.fps:.6f}"] if number else []
        chain = f"fps={footage.fps:g}:start_time=0,scale={footage.width}:{footage.height},setsar=1"
        options = ["-map", "0:v:0", "-vf", chain, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
        shape = (footage.height, footage.width, 3)
        count = math.prod(shape)
        arguments = [*seek, *footage.input, *options]
        with ffmpeg.running(arguments, name=footage.path.name, deadline=self._watch.left) as pipe:
            while len(raw := pipe.read(count)) == count:
                yield np.frombuffer(raw, np.uint8).reshape(shape)
