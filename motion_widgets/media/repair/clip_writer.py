"""Write a mended clip: H.264 and AAC in mp4, or streams copied bit for bit."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import ClipError
from motion_widgets.core.messages import say
from motion_widgets.media.subprocesses import kill_after
from motion_widgets.request.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from motion_widgets.media.repair.clip_reader import ClipInput
    from motion_widgets.media.repair.progress import Progress

__all__ = ["Edit", "copy_streams", "write_edit"]

_SAMPLE_RATE, _AAC_PACKET = 48_000, 1024
"""Sound: samples per second, and per AAC packet."""
_SAFE_SHARE = 0.9
"""Share of the size limit to aim at, because a bit rate is only kept on average."""
_SOUND_BITS = 160_000
_LEAST_BITS, _MOST_BITS = 50_000, 40_000_000
"""Bits per second of the picture, however long or short the clip is."""
_PLAIN = ("-movflags", "+faststart", "-map_metadata", "-1", "-map_chapters", "-1")
"""Playback starts at once, and nothing that a phone noted is carried over, such as the place."""


@dataclass(slots=True)
class Edit:
    """A clip as it is to be written."""

    picture: Any
    """The `moviepy.VideoClip`."""
    start: float
    """Where its sound begins in the source, in s."""
    length: float
    """Seconds at most; whole frames are written."""
    least: float = 0.0
    """Seconds at least, if that matters more."""


def copy_streams(clip: ClipInput, streams: Sequence[str], folder: Path, progress: Progress) -> Path:
    """Copy streams into ``out.mp4`` without any metadata, timed metadata included.

    Raises
    ------
    ClipError
        The clip is not an mp4 or mov, or copying failed.
    """
    out = folder / "out.mp4"
    if clip.demuxer != "mov":
        raise ClipError.of("mend_convert_first", name=clip.path.name)
    output = [*streams, "-c", "copy", "-sn", "-dn", *_PLAIN, "-f", "mp4", f"file:{out}"]
    progress.ffmpeg([*clip.options, *output], length=clip.length)
    return out


def write_edit(edit: Edit, clip: ClipInput, folder: Path, progress: Progress) -> Path:
    """Encode an edit of a clip into ``out.mp4``.

    Raises
    ------
    ClipError
        The clip cannot be decoded, the mend was cancelled or too slow, or the disk is full.
    """
    # Frames are counted, not timed: 9.9 * 30 must be 297, whatever floats make of it.
    frames = max(1, math.floor(edit.length * clip.fps + 1e-6))
    while frames / clip.fps < edit.least:
        frames += 1
    with progress.part(0.0, 0.1):
        sound = _sound(clip, edit.start, frames / clip.fps, folder, progress)
    with progress.part(0.1, 0.98):
        return _encode(edit.picture, frames, clip.fps, sound, folder / "out.mp4", progress=progress)


def _sound(clip: ClipInput, start: float, length: float, folder: Path, progress: Progress) -> Path | None:
    """Encode the sound of an edit, never longer than its picture. None: it has none.

    By ffmpeg alone: moviepy's sound writer rounds up to whole buffers, so that a clip of 10 s gets 10.03 s.
    """
    packets = math.floor(length * _SAMPLE_RATE / _AAC_PACKET) - 1
    if not clip.has_audio or packets < 1:
        return None
    out = folder / "sound.m4a"
    seek = ["-ss", f"{start:.6f}"] if start else []
    # Sound that begins later than the picture keeps its distance, as silence.
    filters = f"aresample={_SAMPLE_RATE}:async=1:first_pts=0,atrim=end_sample={packets * _AAC_PACKET}"
    encoding = ["-map", "0:a:0", "-vn", "-af", filters, "-ac", "2", "-c:a", "aac", "-b:a", str(_SOUND_BITS)]
    written = progress.ffmpeg([*seek, *clip.options, *encoding, *_PLAIN, f"file:{out}"], length=length)
    return out if written > 0 else None


def _encode(
    picture: Any, frames: int, fps: float, sound: Path | None, out: Path, *, progress: Progress
) -> Path:
    """Let moviepy's writer encode a clip, under a deadline and in steps that can be cancelled."""
    from moviepy.video.io.ffmpeg_writer import FFMPEG_VideoWriter

    # A clip may take what its bit rate allows, plus one full buffer, here of half a second.
    bits = LIMITS.clip_bytes * 8 * _SAFE_SHARE / (frames / fps + 0.5) - (_SOUND_BITS if sound else 0)
    bits = max(_LEAST_BITS, min(_MOST_BITS, bits))
    # Colours are tagged as HD's, which players assume; untagged, they would shift a little.
    options = [
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *("-crf", "18", "-maxrate", f"{bits:.0f}", "-bufsize", f"{bits / 2:.0f}", *_PLAIN),
    ]
    # The class instead of `write_videofile`: it has a process that can be killed, and prints no progress bar.
    writer = FFMPEG_VideoWriter(
        str(out), picture.size, fps, codec="libx264", preset="veryfast",
        audiofile=str(sound) if sound else None, ffmpeg_params=options,
    )  # fmt: skip
    process = writer.proc
    with kill_after(process, progress.left):
        try:
            for number in range(frames):
                progress.step(number / frames)
                writer.write_frame(picture.get_frame(number / fps))
            with suppress(OSError):  # it ended early, as its return code tells
                process.stdin.close()
            process.wait()
            progress.step(1.0)  # raises if ffmpeg was killed at the deadline
            if process.returncode:  # moviepy ignores it, so a full disk would pass for success
                raise _unwritable(progress, process.stderr.read().decode("utf-8", "replace"))
        except OSError as error:  # moviepy's way to say that ffmpeg has ended
            progress.step(0.0)
            raise _unwritable(progress, str(error)) from error
    return out


def _unwritable(progress: Progress, printed: str) -> ClipError:
    """Return the error for an encoder that ended early, with the last line that it printed."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    reason = lines[-1][:120] if lines else say("encoder_ended")
    return ClipError.of("mend_unwritable", name=progress.name, reason=reason, detail=printed)
