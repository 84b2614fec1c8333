"""Write a mended clip: H.264 and AAC in mp4, or streams copied bit for bit."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

from motion_widgets.core.errors import ClipError
from motion_widgets.core.messages import say
from motion_widgets.media import ffmpeg
from motion_widgets.media.repair.clip_filters import picture_chain
from motion_widgets.request.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from motion_widgets.media.repair.clip_filters import Edit
    from motion_widgets.media.repair.clip_input import ClipInput
    from motion_widgets.media.repair.progress import Progress

__all__ = ["copy_streams", "write_edit"]

_SAMPLE_RATE, _AAC_PACKET = 48_000, 1024
"""Sound: samples per second, and per AAC packet."""
_SAFE_SHARE = 0.9
"""Share of the size limit to aim at, because a bit rate is only kept on average."""
_SOUND_BITS = 160_000
_LEAST_BITS, _MOST_BITS = 50_000, 40_000_000
"""Bits per second of the picture, however long or short the clip is."""
_PLAIN = ("-movflags", "+faststart", "-map_metadata", "-1", "-map_chapters", "-1")
"""Playback starts at once, and nothing that a phone noted is carried over, such as the place."""
_BEGINNING = ("-frames:a", "1", "-f", "null", "-")
"""Decodes the beginning of a sound, and writes nothing."""
_STORED = ("-map", "0:a:0", "-c", "copy", *_BEGINNING)
"""Fails where there is no sound track, of whatever codec."""


def copy_streams(clip: ClipInput, folder: Path, progress: Progress, *, with_sound: bool) -> Path:
    """Copy picture and sound into ``out.mp4`` without any metadata, timed metadata included.

    Raises
    ------
    ClipError
        The clip is not an mp4 or mov, or copying failed.
    """
    out = folder / "out.mp4"
    if clip.demuxer != "mov":
        raise ClipError.of("mend_convert_first", name=clip.path.name)
    picture = [*clip.options, "-map", ffmpeg.PICTURE]
    copied = ["-c", "copy", "-sn", "-dn", *_PLAIN, "-f", "mp4", f"file:{out}"]

    def copy(sound: list[str]) -> float:
        # The same ffmpeg decodes the beginning of the sound: another one would take as long as copying.
        return progress.ffmpeg([*picture, *sound, *copied, *sound, *_BEGINNING], length=clip.length)

    if not with_sound or _with_sound(clip, progress, copy) is None:
        _write([*picture, *copied], clip.length, progress)
    return out


def _write(arguments: list[str], length: float, progress: Progress) -> None:
    """Let ffmpeg write a file of `length` s."""
    try:
        progress.ffmpeg(arguments, length=length)
    except ClipError as error:
        if error.code != "not_decodable":
            raise
        raise ffmpeg.failure(progress.name, error.detail) from error


def _with_sound(clip: ClipInput, progress: Progress, write: Callable[[list[str]], float]) -> float | None:
    """Write a clip's default sound track, or the first that is known, and return how many seconds were.

    `write` is given the options that choose it, and decodes at least its beginning. None: it has no sound.

    Warns
    -----
    UserWarning
        It has sound, but none that can be decoded.
    """
    if clip.has_audio is False:
        return None
    choices = [["-vn", "-sn", "-dn"]]  # ffmpeg then chooses the default track itself
    if clip.movie is not None:
        choices = [["-map", f"0:i:{track.id}"] for track in clip.movie.sounds]
    for chosen in choices:
        try:
            return write(chosen)
        except ClipError as error:
            if error.code != "not_decodable":
                raise
            if _succeeds([*chosen, *_BEGINNING], clip, progress):
                raise ffmpeg.failure(progress.name, error.detail) from error
    if clip.has_audio is None and not _succeeds(_STORED, clip, progress):
        return None
    warnings.warn(say("mend_sound_dropped", name=progress.name), UserWarning, stacklevel=2)
    return None


def _succeeds(output: Sequence[str], clip: ClipInput, progress: Progress) -> bool:
    """Return whether ffmpeg can do this with a clip."""
    try:
        progress.ffmpeg([*clip.options, *output])
    except ClipError as error:
        if error.code != "not_decodable":
            raise
        return False
    return True


def write_edit(edit: Edit, clip: ClipInput, folder: Path, progress: Progress, *, with_sound: bool) -> Path:
    """Encode an edit of a clip into ``out.mp4``.

    Raises
    ------
    ClipError
        The clip cannot be decoded, the mend was cancelled or too slow, or the disk is full.
    """
    start, length = float(edit.first / clip.fps), float(edit.frames / clip.fps)
    with progress.part(0.0, 0.1):
        sound = _sound(clip, start, length, folder, progress) if with_sound else None
    with progress.part(0.1, 0.98):
        return _encode(edit, clip, sound, folder / "out.mp4", progress=progress)


def _sound(clip: ClipInput, start: float, length: float, folder: Path, progress: Progress) -> Path | None:
    """Encode the sound of an edit, never longer than its picture. None: it has none.

    In whole packets that fit: a buffer more, and a clip of 10 s would get 10.03 s.
    """
    packets = math.floor(length * _SAMPLE_RATE / _AAC_PACKET) - 1
    if packets < 1:
        return None
    out = folder / "sound.m4a"
    start += clip.origin
    seek = ["-ss", f"{start:.6f}"] if start and clip.seekable else []
    first = 0 if seek else round(start * _SAMPLE_RATE)
    # Sound that begins later than the picture keeps its distance, as silence.
    samples = f"atrim=start_sample={first}:end_sample={first + packets * _AAC_PACKET},asetpts=N/SR/TB"
    filters = f"aresample={_SAMPLE_RATE}:async=1:first_pts=0,{samples}"
    encoding = ["-af", filters, "-ac", "2", "-c:a", "aac", "-b:a", str(_SOUND_BITS), *_PLAIN, f"file:{out}"]

    def encode(chosen: list[str]) -> float:
        return progress.ffmpeg([*seek, *clip.options, *chosen, *encoding], length=length)

    return out if _with_sound(clip, progress, encode) else None


def _encode(edit: Edit, clip: ClipInput, sound: Path | None, out: Path, *, progress: Progress) -> Path:
    """Read, edit and encode the picture of a clip in one ffmpeg, and put sound beside it."""
    chain = picture_chain(clip, edit)
    # A clip may take what its bit rate allows, plus one full buffer, here of half a second.
    bits = LIMITS.clip_bytes * 8 * _SAFE_SHARE / float(edit.frames / clip.fps + 0.5)
    bits = max(_LEAST_BITS, min(_MOST_BITS, bits - (_SOUND_BITS if sound else 0)))
    # From a graph, nothing that is said of the source's stream is carried over, such as its HDR or language.
    streams = ["-filter_complex", chain.filters, "-map", "[picture]"]
    opened = chain.options
    if sound:
        opened = [*opened, *ffmpeg.input_options(sound)]
        streams += ["-map", "1:a", "-c:a", "copy"]
    coded = [
        *("-r", str(clip.fps), "-c:v", "libx264", "-preset", "veryfast"),
        *("-crf", "18", "-maxrate", f"{bits:.0f}", "-bufsize", f"{bits / 2:.0f}", *_PLAIN),
    ]
    try:
        frames = progress.encode([*opened, *streams, *coded], edit.frames, out)
    except ClipError as error:
        if error.code != "not_decodable":
            raise
        failed = ffmpeg.failure(progress.name, error.detail)
        # The encoder is always given the same, so what ffmpeg prints is of the source or of the disk.
        if failed.code == "mend_unwritable" or not error.detail:
            raise failed from error
        raise
    if frames < edit.frames:
        raise _ends_early(edit, clip, frames, chain.held)
    return out


def _ends_early(edit: Edit, clip: ClipInput, frames: int, held: int) -> ClipError:
    """Return the error for a picture of which only these frames came out, the held ones among them."""
    reason = say("no_frame")
    if frames:
        seconds = max(0.0, float((edit.first + frames - held) / clip.fps))
        reason = say("picture_ends", seconds=f"{seconds:.1f}", length=f"{clip.length:.1f}")
    return ClipError.of("not_decodable", name=clip.path.name, reason=reason)
