"""Look at a local clip that is to be mended: what plays of it, when, and at which rate it is read."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.errors import ClipError
from motion_widgets.core.messages import say
from motion_widgets.media import ffmpeg
from motion_widgets.media.colours import UNSPECIFIED, forgotten_matrix, matrix_of
from motion_widgets.media.probe.measure import measure_clip, read_layout
from motion_widgets.media.probe.moov import read_moov
from motion_widgets.media.probe.sniff import file_type_of
from motion_widgets.media.probe.source import FileSource, local_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.core.facts import Clip
    from motion_widgets.media.probe.movie import Movie
    from motion_widgets.media.repair.progress import Progress

__all__ = ["ClipInput", "clip_input", "even"]

_SLOWEST, _FASTEST = 15, 60
"""Frames per second that are written. A slower clip is read at a multiple of its own rate."""
_RATES = tuple(map(Fraction, ("24000/1001", "24", "25", "30000/1001", "30", "50")))
"""Frames per second at which a clip without a constant rate is read, if none is lost so."""
_LARGEST_DENOMINATOR = 1001
"""Of a rate as a fraction: that of 30000/1001, and no rate in use has a larger one."""
_SEEKABLE = {"mov", "matroska"}
"""Demuxers that find a time by an index; the others guess, so that they are decoded from the start."""
_TICKS = 90_000
"""Per second, in which decoded frames are timed."""
_LATE = 0.1
"""Seconds of sound before the picture that are kept in other formats; less is how they are packed."""
_ROUNDED = 0.5 + 1e-6
"""Frames that are added before rounding down: half of one, and the noise of floats."""
_PADDING = 0.1
"""Seconds of sound that its coder adds at either end, and the edits leave out."""


@dataclass(frozen=True, slots=True)
class ClipInput:
    """What is needed to read a clip."""

    path: Path
    demuxer: str
    width: int
    """In px as it is read: with square pixels, upright, and even, as H.264 wants it."""
    height: int
    fps: Fraction
    """The constant rate at which it is read: exact, as frames would be lost at a rounded one."""
    length: float
    """Length of the picture in s, with what is before its first frame."""
    total: float
    """Length in s that includes the sound's."""
    has_audio: bool | None
    """None: not known, as that would be a look at the file of its own."""
    times: Sequence[float] = ()
    """When each frame is shown, ascending, in s. Empty: not listed."""
    numbered: bool = False
    """Frames follow from each other at the constant rate, whatever times they have."""
    transfer: int | None = None
    """As in `Clip`."""
    interlaced: bool = False
    """As in `Clip`."""
    matrix: str = ""
    """ffmpeg's name of its frames' matrix, if decoders forget what is not in the stream. Empty: they know."""
    origin: float = 0.0
    """When the picture begins, in s from where ffmpeg begins to count."""
    movie: Movie | None = None
    """Its header. None: it has no mp4 boxes."""

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height in px."""
        return self.width, self.height

    @property
    def frames(self) -> int:
        """Number of frames at the constant rate."""
        return max(1, math.floor(self.length * self.fps + 0.5))

    @property
    def last(self) -> float:
        """When its last frame is shown, in s."""
        return self.times[-1] if len(self.times) else self.length

    @property
    def seekable(self) -> bool:
        """Whether ffmpeg finds a time without decoding what lies before; among several edits it does not."""
        parts = [track.parts for track in self.movie.tracks] if self.movie else []
        return self.demuxer in _SEEKABLE and max(parts, default=0) <= 1

    @property
    def options(self) -> list[str]:
        """The options with which ffmpeg opens it."""
        return ffmpeg.input_options(self.path, self.demuxer)

    def copyable(self, *, with_sound: bool) -> bool:
        """Return whether a bit-for-bit copy plays as the clip does: copying does not cut, players do."""
        if self.movie is None or self.movie.video is None:
            return True
        movie, video, frame = self.movie, self.movie.video, float(1 / self.fps)
        span = video.span(movie.timescale)
        in_time = span is None or span[0] - movie.begin < frame
        sounds = movie.sounds if with_sound else []
        whole = video.plays_whole(movie.timescale, frame)
        return in_time and whole and all(one.plays_whole(movie.timescale, _PADDING) for one in sounds)


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
    return _with_boxes(path, clip, _movie(path), progress)


def _movie(path: Path) -> Movie:
    with path.open("rb") as file:
        return read_moov(read_layout(FileSource(file, path.stat().st_size), path.name).moov)


def _with_boxes(path: Path, clip: Clip, movie: Movie, progress: Progress) -> ClipInput:
    """Look at an mp4 or mov: its header says what plays, unless that is in parts or in fragments."""
    video = movie.video
    span = video.span(movie.timescale) if video else None
    late = span[0] - movie.begin if span else 0.0
    length = late + min(clip.video_length or clip.length, clip.length)
    rate, numbered = _constant_rate(clip.fps, ()), False
    if video is not None and video.parts <= 1 and not clip.fragmented:
        times = [float(one) for one in video.times(movie.timescale) - movie.begin]
    else:
        times, _ = _frame_times(path, "mov", progress, decode=not clip.fragmented)
        # ffmpeg shows what is behind a cut one frame early, at the same time as the last one before it.
        numbered = not clip.fragmented and not late and abs(len(times) - length * rate) < 1
    if numbered:
        times = [float(number / rate) for number in range(len(times))]
    fps = _constant_rate(clip.fps, times)
    if times and video is not None:  # the length is of decoding, and may end before the last frame is shown
        length = max(length, min(times[-1] + 0.51 / float(fps), late + video.listed(movie.timescale)))
    return ClipInput(
        path, "mov", even(clip.width), even(clip.height), fps, length,
        clip.length, clip.has_audio, times=times, numbered=numbered, transfer=clip.transfer,
        interlaced=clip.interlaced, matrix=forgotten_matrix(clip), movie=movie,
    )  # fmt: skip


def _other_format(path: Path, demuxer: str, progress: Progress) -> ClipInput:
    """Look at a clip without mp4 boxes: decode it, for the times of its frames."""
    with tempfile.TemporaryDirectory(prefix="motion-widgets-") as folder:
        # Its first frame as a mov, whose header states what any format does: sides, rate, colours, fields.
        first = Path(folder, "first.mov")
        output = ["-map", ffmpeg.PICTURE, "-frames:v", "1", "-c:v", "ffv1", "-pix_fmt", "yuv444p"]
        output += ["-movflags", "+write_colr", "-f", "mov", f"file:{first}"]
        times, end = _frame_times(path, demuxer, progress, decode=True, more=output)
        try:
            clip = measure_clip(first, confirm=False, cache=None)
            video = _movie(first).video
        except ClipError as error:  # of that file nobody knows
            raise ClipError.of(
                "not_decodable", name=path.name, reason=say("no_frame"), detail=str(error)
            ) from error
    origin = times[0] if times[0] < _LATE else 0.0
    times = [one - origin for one in times]
    fps = _constant_rate(clip.fps, times)
    length = max(end - origin, times[-1] + float(1 / fps))
    return ClipInput(
        path, demuxer, even(clip.width), even(clip.height), fps, length, length, None,
        times=times, transfer=clip.transfer, interlaced=clip.interlaced, origin=origin,
        matrix="" if video and video.colour_matrix != UNSPECIFIED else matrix_of(clip.transfer, clip.height),
    )  # fmt: skip


def even(value: float) -> int:
    """Return the nearest even number of px, at least 2."""
    return max(2, round(value / 2) * 2)


def _frame_times(
    path: Path, demuxer: str, progress: Progress, *, decode: bool, more: Sequence[str] = ()
) -> tuple[list[float], float]:
    """Return when each frame is shown and when the last one ends, in s; `more` is another output meanwhile.

    By decoding: packets state no times in an AVI, and no last length in most formats. Those of an mp4 do.
    """
    small = ["-vf", "scale=16:16:flags=neighbor", "-fps_mode", "passthrough"]
    output = ["-map", ffmpeg.PICTURE, *(small if decode else ["-c", "copy"])]
    ticks = ["-enc_time_base", f"1/{_TICKS}"] if decode else []
    times, end, base = list[float](), 0.0, Fraction(1, _TICKS)
    arguments = [*ffmpeg.input_options(path, demuxer), *output, *ticks, "-f", "framecrc", "-", *more]
    with ffmpeg.running(arguments, name=path.name, deadline=progress.left) as stdout:
        for line in stdout:  # `0, 0, 3000, 3000, 384, 0x12345678`: stream, two times, length, bytes, checksum
            progress.step(0.0)
            if line.startswith(b"#tb 0:"):
                base = Fraction(line.split(b":")[1].decode().strip())
            if line.startswith(b"#"):
                continue
            _, _, time, lasts, *_ = (int(part) for part in line.split(b",")[:4])
            if time >= 0:
                times.append(float(time * base))
                end = max(end, float((time + lasts) * base))
    if not times:
        raise ClipError.of("not_decodable", name=path.name, reason=say("no_frame"))
    return sorted(times), end


def _constant_rate(fps: float | None, times: Sequence[float]) -> Fraction:
    """Return the rate at which to read: the slowest at which no frame is lost, up to 60 per second.

    Formats that only count milliseconds claim 1000 frames per second.
    """
    exact = Fraction(30)
    if fps is not None and 0.1 <= fps <= 240:
        exact = Fraction(fps).limit_denominator(_LARGEST_DENOMINATOR)
    if exact < _SLOWEST:
        exact *= math.ceil(_SLOWEST / exact)
    for rate in (exact, *(rate for rate in _RATES if rate > exact)):
        if rate < _FASTEST and _keeps_all(rate, times):
            return rate
    return Fraction(_FASTEST)


def _keeps_all(rate: Fraction, times: Sequence[float]) -> bool:
    """Return whether each frame has a place of its own at a constant rate, as ffmpeg rounds."""
    # Counted from the first one: as a tie, all of them are rounded the same way.
    places = {math.floor((time - times[0]) * rate + _ROUNDED) for time in times}
    return len(places) == len(times)
