"""The operations on clips: each is one moviepy expression over a `Reel`, written as H.264 in mp4."""

from __future__ import annotations

import math
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from motion_widgets.media.probe.sniff import fault
from motion_widgets.media.repair.reencode import Footage, Reel, footage_of
from motion_widgets.media.repair.stillest_part import stillest
from motion_widgets.request.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from motion_widgets.core.errors import ClipError
    from motion_widgets.media.repair.progress import Watch

__all__ = ["CLIP_OPERATIONS", "settle", "write_clip"]

_RATE, _PACKET = 48_000, 1024
"""Of the sound: samples per second, and per AAC packet."""
_BYTES_SAFE = 0.9
"""Share of the size limit that is aimed at, since a bit rate is only kept on the mean."""
_SOUND_BITS = 160_000
_BEST_BITS = 40_000_000
"""Bits per second that the picture may have at most, however short the clip."""


def _even(value: float) -> int:
    return max(2, round(value / 2) * 2)


@dataclass(slots=True)
class _Cut:
    """A clip as it is to be written."""

    picture: Any
    """The `moviepy.VideoClip`."""
    start: float
    """Where its sound begins in the source, in s."""
    length: float
    """Seconds at most; whole frames are written."""
    least: float = 0.0
    """Seconds at least, where that matters."""


def _trim(reel: Reel, values: Mapping[str, Any]) -> _Cut:
    start, length = values["start"], values["length"]
    return _Cut(reel.as_moviepy().subclipped(start, start + length), start, length)


def _hold(reel: Reel, values: Mapping[str, Any]) -> _Cut:
    length = max(values["length"], reel.footage.length)
    return _Cut(reel.as_moviepy(length), 0.0, length, least=values["length"])


def _convert(reel: Reel, values: Mapping[str, Any]) -> _Cut:  # noqa: ARG001 - one shape for all
    return _scaled(reel)


def _scale(reel: Reel, values: Mapping[str, Any]) -> _Cut:
    return _scaled(reel, values.get("width"))


def _scaled(reel: Reel, width: int | None = None) -> _Cut:
    """Bring the sides into their range; where scaling alone cannot, the short side gets bars."""
    from moviepy import vfx

    footage, (low, high) = reel.footage, LIMITS.clip_side
    short, long = sorted((footage.width, footage.height))
    factor = width / footage.width if width else 1.0
    factor = min(max(factor, low / short), high / long)
    sides = _even(footage.width * factor), _even(footage.height * factor)
    clip = reel.as_moviepy()
    if sides != (footage.width, footage.height):
        clip = clip.with_effects([vfx.Resize(sides)])
    return _whole(reel, _padded(clip, max(low, sides[0]), max(low, sides[1])))


def _fit(reel: Reel, values: Mapping[str, Any]) -> _Cut:
    """Return the picture another aspect: cut off what is too much, or add bars; then mind the sides."""
    from moviepy import vfx

    footage, aspect = reel.footage, values["aspect"]
    width, height = footage.width, footage.height
    clip = reel.as_moviepy()
    wider = width / height > aspect
    if values["how"] == "crop":
        sides = (height * aspect, height) if wider else (width, width / aspect)
        sides = min(_even(sides[0]), width // 2 * 2), min(_even(sides[1]), height // 2 * 2)
        left, top = (width - sides[0]) // 2, (height - sides[1]) // 2
        if sides != (width, height):
            clip = clip.with_effects([vfx.Crop(x1=left, y1=top, width=sides[0], height=sides[1])])
    else:
        # No longer than the source's own long side: bars need no pixels.
        long = max(width, height)
        sides = (_even(long * min(1.0, aspect)), _even(long / max(1.0, aspect)))
        shrunk = min(sides[0] / width, sides[1] / height)
        inner = min(sides[0], _even(width * shrunk)), min(sides[1], _even(height * shrunk))
        clip = _padded(clip.with_effects([vfx.Resize(inner)]), *sides)
    low, high = LIMITS.clip_side
    factor = min(max(1.0, low / min(sides)), high / max(sides))
    if factor != 1:
        sides = _even(sides[0] * factor), _even(sides[1] * factor)
        clip = _padded(clip.with_effects([vfx.Resize(sides)]), max(low, sides[0]), max(low, sides[1]))
    return _whole(reel, clip)


def _whole(reel: Reel, clip: Any) -> _Cut:
    return _Cut(clip, 0.0, reel.footage.length)


def _padded(clip: Any, width: int, height: int) -> Any:
    """Put black bars around a picture.

    Not moviepy's `Margin`, which builds each frame out of 64-bit integers: 8 times the memory and time.
    """
    import numpy as np

    wide, tall = clip.size
    if (wide, tall) == (width, height):
        return clip
    left, top = (width - wide) // 2, (height - tall) // 2

    def framed(frame: Any) -> Any:
        canvas = np.zeros((height, width, 3), np.uint8)
        canvas[top : top + tall, left : left + wide] = frame
        return canvas

    return clip.image_transform(framed)


_CUTS: dict[str, Callable[[Reel, Mapping[str, Any]], _Cut]] = {
    "trim_clip": _trim,
    "hold_clip": _hold,
    "convert_clip": _convert,
    "scale_clip": _scale,
    "fit_clip": _fit,
}
_COPIED = {
    "mute_clip": ("-map", "0:v:0", "-an"),
    "strip_clip": ("-map", "0:v:0", "-map", "0:a:0?"),
}
"""Which streams an operation copies, not a bit of them changed; moviepy could only encode them anew."""
CLIP_OPERATIONS = (*_CUTS, *_COPIED)


def settle(name: str, values: Mapping[str, Any], path: Path, watch: Watch) -> dict[str, Any]:
    """Return an operation's parameters as they will be carried out on a clip.

    Raises
    ------
    ClipError
        They make no sense for it.
    """
    if name == "trim_clip":
        footage = footage_of(path, watch)
        length = min(float(values["length"] or math.inf), footage.length)
        start = stillest(path, length) if values["start"] == "stillest" else float(values["start"])
        if not (length > 0 and 0 <= start < footage.length - 1 / footage.fps):
            raise fault("mend_range", name=path.name, length=f"{footage.length:.2f}")
        length = min(length, footage.length - start)
        return {"start": round(start, 3), "length": round(length, 3)}
    if name == "fit_clip" and not (0.05 <= values["aspect"] <= 20 and values["how"] in {"crop", "pad"}):
        raise fault("mend_aspect", name=path.name, found=f"{values['how']} to {values['aspect']:g}")
    return dict(values)


def write_clip(name: str, values: Mapping[str, Any], source: Path, folder: Path, watch: Watch) -> Path:
    """Carry an operation out on a clip, into a file of our own naming in `folder`.

    Raises
    ------
    ClipError
        The source cannot be read, the mend was cancelled or too slow, or the disk takes no file.
    """
    footage = footage_of(source, watch)
    if name in _COPIED:
        return _copy(footage, _COPIED[name], folder, watch)
    with Reel(footage, watch) as reel:
        cut = _CUTS[name](reel, values)
        # Counted, not timed: 9.9 * 30 must be 297 frames, whatever floats make of it.
        frames = max(1, math.floor(cut.length * footage.fps + 1e-6))
        while frames / footage.fps < cut.least:
            frames += 1
        with watch.part(0.0, 0.1):
            sound = _sound(footage, cut.start, frames / footage.fps, folder, watch)
        with watch.part(0.1, 0.98):
            return _encode(cut.picture, frames, footage.fps, sound, folder / "out.mp4", watch=watch)


def _copy(footage: Footage, streams: tuple[str, ...], folder: Path, watch: Watch) -> Path:
    """Copy streams into a file without any notes, timed ones included."""
    out = folder / "out.mp4"
    if footage.demuxer != "mov":
        raise fault("mend_convert_first", name=footage.path.name)
    copied = [*streams, *("-c", "copy", "-sn", "-dn"), *_PLAIN, "-f", "mp4", f"file:{out}"]
    watch.ffmpeg([*footage.input, *copied], length=footage.length)
    return out


_PLAIN = ("-movflags", "+faststart", "-map_metadata", "-1", "-map_chapters", "-1")
"""Starts at once, and carries nothing over that a phone wrote down, such as where it was."""


def _sound(footage: Footage, start: float, length: float, folder: Path, watch: Watch) -> Path | None:
    """Encode the sound of a cut, never longer than its picture.

    By ffmpeg alone: moviepy's sound writer rounds up to whole buffers, so that a clip of 10 s gets 10.03.
    """
    if not footage.has_audio:
        return None
    packets = math.floor(length * _RATE / _PACKET) - 1
    if packets < 1:
        return None
    out = folder / "sound.m4a"
    seek = ["-ss", f"{start:.6f}"] if start else []
    # Sound that begins later than the picture keeps its distance, by silence.
    chain = f"aresample={_RATE}:async=1:first_pts=0,atrim=end_sample={packets * _PACKET}"
    encoded = ["-map", "0:a:0", "-vn", "-af", chain, "-ac", "2", "-c:a", "aac", "-b:a", str(_SOUND_BITS)]
    written = watch.ffmpeg([*seek, *footage.input, *encoded, *_PLAIN, f"file:{out}"], length=length)
    return out if written > 0 else None


def _encode(clip: Any, frames: int, fps: float, sound: Path | None, out: Path, *, watch: Watch) -> Path:
    """Let moviepy's writer encode a clip, under a deadline and so that it can be stopped."""
    from moviepy.video.io.ffmpeg_writer import FFMPEG_VideoWriter

    # A clip may take what its bit rate allows and one full buffer, here of half a second, on top.
    bits = LIMITS.clip_bytes * 8 * _BYTES_SAFE / (frames / fps + 0.5) - (_SOUND_BITS if sound else 0)
    bits = max(50_000, min(_BEST_BITS, bits))
    # Colours are written as what players take HD for; unsaid, they would shift a little.
    options = [
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *("-crf", "18", "-maxrate", f"{bits:.0f}", "-bufsize", f"{bits / 2:.0f}", *_PLAIN),
    ]
    # The class instead of `write_videofile`: it has a process that can be killed, and no bar on stdout.
    writer = FFMPEG_VideoWriter(
        str(out), clip.size, fps, codec="libx264", preset="veryfast",
        audiofile=str(sound) if sound else None, ffmpeg_params=options,
    )  # fmt: skip
    process = writer.proc
    timer = threading.Timer(watch.left, process.kill)
    timer.daemon = True
    timer.start()
    try:
        for number in range(frames):
            watch.step(number / frames)
            writer.write_frame(clip.get_frame(number / fps))
        with suppress(OSError):  # it ended early; its return code is looked at
            process.stdin.close()
        process.wait()
        watch.step(1.0)  # raises where ffmpeg was killed at the deadline
        if process.returncode:  # which moviepy does not look at, so a full disk would pass for success
            raise _unwritable(watch, process.stderr.read().decode("utf-8", "replace"))
    except OSError as error:  # as moviepy says that ffmpeg went away
        watch.step(0.0)
        raise _unwritable(watch, str(error)) from error
    finally:
        timer.cancel()
        process.kill()
        with suppress(OSError):
            writer.close()
    return out


def _unwritable(watch: Watch, text: str) -> ClipError:
    """Make the error for an encoder that ended early, out of the last line of what it said."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reason = lines[-1][:120] if lines else "ffmpeg ended early"
    return fault("mend_unwritable", name=watch.name, reason=reason, detail=text)
