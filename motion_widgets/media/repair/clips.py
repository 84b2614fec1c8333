"""The operations on clips: each is a moviepy expression, or a choice of streams to copy."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import ClipError
from motion_widgets.media.decode import stillest
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.repair.clip_input import clip_input, even
from motion_widgets.media.repair.clip_reader import ClipReader
from motion_widgets.media.repair.clip_writer import Edit, copy_streams, write_edit
from motion_widgets.request.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from motion_widgets.media.repair.clip_input import ClipInput
    from motion_widgets.media.repair.operation import Operation
    from motion_widgets.media.repair.progress import Progress

__all__ = ["CLIP_OPERATIONS", "COPIES", "clip_parameters", "write_clip"]


_ROUNDED = 0.001
"""Seconds by which a time with three digits may miss the frame that it means."""
_CLAIM = 0.1
"""Seconds by which a header may claim another length than its tracks have."""
_NOISE = 0.001
"""Frames by which a number of frames may be off, as 9.9 * 30 in floats is."""


def _trim(reader: ClipReader, values: Mapping[str, Any]) -> Edit:
    """Keep whole frames of a part; one that ends where the clip does ends with its last frame."""
    clip, start, length = reader.clip, values["start"], values["length"]
    first = max(0, math.ceil((start - _ROUNDED) * clip.fps))
    frames = math.floor(length * clip.fps + _NOISE)
    if start + length > clip.length - _ROUNDED:
        frames = max(1, clip.frames - first)
    first = max(0, min(first, clip.frames - frames))
    if frames == clip.frames or length >= LIMITS.clip_seconds["video"][0]:
        frames = _allowed(clip, frames)
    begin, end = float(first / clip.fps), float((first + frames) / clip.fps)
    return Edit(reader.as_moviepy(end).subclipped(begin), frames, begin)


def _hold(reader: ClipReader, values: Mapping[str, Any]) -> Edit:
    clip = reader.clip
    frames = max(clip.frames, math.ceil(values["length"] * clip.fps - _NOISE))
    return Edit(reader.as_moviepy(float(frames / clip.fps)), frames)


def _whole(clip: ClipInput, picture: Any) -> Edit:
    """Keep all frames of a picture that was changed."""
    return Edit(picture, _allowed(clip, clip.frames))


def _allowed(clip: ClipInput, frames: int) -> int:
    """Return enough frames for the endpoint if the source is long enough, perhaps by its sound alone.

    The last frame is held then.
    """
    low = LIMITS.clip_seconds["video"][0]
    return max(frames, math.ceil(Fraction(low) * clip.fps)) if round(clip.total, 6) >= low else frames


def _keep(reader: ClipReader, _values: Mapping[str, Any]) -> Edit:
    return _whole(reader.clip, reader.as_moviepy())


def _scale(reader: ClipReader, values: Mapping[str, Any]) -> Edit:
    """Bring the sides into their range; if scaling alone cannot do that, the short side gets bars."""
    clip, (low, high) = reader.clip, LIMITS.clip_side
    short, long = sorted((clip.width, clip.height))
    width = values.get("width")
    factor = width / clip.width if width else 1.0
    factor = min(max(factor, low / short), high / long)
    sides = even(clip.width * factor), even(clip.height * factor)
    picture = reader.as_moviepy(sides=sides)
    return _whole(clip, _padded(picture, max(low, sides[0]), max(low, sides[1])))


def _fit(reader: ClipReader, values: Mapping[str, Any]) -> Edit:
    """Change the aspect by cropping or by adding bars, then bring the sides into their range."""
    crop, aspect = values["how"] == "crop", values["aspect"]
    picture = _cropped(reader.as_moviepy(), aspect) if crop else _letterboxed(reader, aspect)
    low, high = LIMITS.clip_side
    factor = min(max(1.0, low / min(picture.size)), high / max(picture.size))
    if factor != 1:
        sides = even(picture.size[0] * factor), even(picture.size[1] * factor)
        picture = _padded(_resized(picture, sides), max(low, sides[0]), max(low, sides[1]))
    return _whole(reader.clip, picture)


def _cropped(picture: Any, aspect: float) -> Any:
    """Keep the middle of a picture, at another aspect."""
    from moviepy import vfx

    width, height = picture.size
    sides = (height * aspect, height) if width / height > aspect else (width, width / aspect)
    wide, tall = min(even(sides[0]), width), min(even(sides[1]), height)
    if (wide, tall) == (width, height):
        return picture
    left, top = (width - wide) // 2, (height - tall) // 2
    return picture.with_effects([vfx.Crop(x1=left, y1=top, width=wide, height=tall)])


def _letterboxed(reader: ClipReader, aspect: float) -> Any:
    """Put bars around a picture until it has another aspect; its longer side does not grow."""
    width, height = reader.clip.width, reader.clip.height
    long = max(width, height)
    wide, tall = even(long * min(1.0, aspect)), even(long / max(1.0, aspect))
    factor = min(wide / width, tall / height)
    inner = min(wide, even(width * factor)), min(tall, even(height * factor))
    return _padded(reader.as_moviepy(sides=inner), wide, tall)


def _resized(picture: Any, sides: tuple[int, int]) -> Any:
    from moviepy import vfx

    return picture if tuple(picture.size) == sides else picture.with_effects([vfx.Resize(sides)])


def _padded(picture: Any, width: int, height: int) -> Any:
    """Put black bars around a picture.

    Not by moviepy's `Margin`, which builds each frame of 64-bit integers: 8 times the memory and time.
    """
    import numpy as np

    wide, tall = picture.size
    if (wide, tall) == (width, height):
        return picture
    left, top = (width - wide) // 2, (height - tall) // 2

    def framed(frame: Any) -> Any:
        canvas = np.zeros((height, width, 3), np.uint8)
        canvas[top : top + tall, left : left + wide] = frame
        return canvas

    return picture.image_transform(framed)


_EDITS: dict[str, Callable[[ClipReader, Mapping[str, Any]], Edit]] = {
    "trim_clip": _trim,
    "hold_clip": _hold,
    "convert_clip": _scale,
    "scale_clip": _scale,
    "fit_clip": _fit,
}
COPIES = {"mute_clip": False, "strip_clip": True}
"""What copies bit for bit, and whether the sound as well, if all that is stored plays, once and in time."""
CLIP_OPERATIONS = (*_EDITS, *COPIES)


def clip_parameters(operation: Operation, path: Path, progress: Progress) -> dict[str, Any]:
    """Return an operation's parameters as they will be carried out on a clip.

    Raises
    ------
    ClipError
        They make no sense for it.
    """
    values = dict(operation.parameters)
    if operation.name == "trim_clip":
        clip = clip_input(path, progress)
        length = min(float(values.get("length") or math.inf), clip.length)
        start = values.get("start", 0.0)
        start = stillest(path, length) if start == "stillest" else float(start)
        if not (length > 0 and 0 <= start < clip.length - 1 / clip.fps):
            raise ClipError.of("mend_range", name=path.name, length=f"{clip.length:.2f}")
        # With three digits a part would run past the end, or end before its last frame.
        return {"start": round(start, 6), "length": round(min(length, clip.length - start), 6)}
    if operation.name == "fit_clip":
        how, aspect = values["how"], values["aspect"]
        if how not in {"crop", "pad"} or not 0.05 <= aspect <= 20:
            raise ClipError.of("mend_aspect", name=path.name, found=f"{how} {aspect:g}")
    return values


def _claims_its_length(path: Path) -> bool:
    """Return whether a copy's header claims what its tracks last; ffmpeg adds to it where the rate varies."""
    try:
        made = measure_clip(path, confirm=False, cache=None)
    except ClipError:  # whoever measures the result says so
        return True
    return abs((made.mvhd_length or made.length) - made.length) < _CLAIM


def write_clip(operation: Operation, source: Path, folder: Path, progress: Progress) -> Path:
    """Carry out an operation on a clip and return the new file in `folder`.

    Raises
    ------
    ClipError
        The source cannot be read, the mend was cancelled or too slow, or the disk is full.
    """
    clip = clip_input(source, progress)
    with_sound = COPIES.get(operation.name, True)
    if operation.name in COPIES and clip.copyable(with_sound=with_sound):
        copy = copy_streams(clip, folder, progress, with_sound=with_sound)
        if _claims_its_length(copy):
            return copy
    with ClipReader(clip, progress) as reader:
        edit = _EDITS.get(operation.name, _keep)(reader, operation.parameters)
        edit.with_sound = with_sound
        return write_edit(edit, clip, folder, progress)
