"""The operations on clips: each is a moviepy expression, or a choice of streams to copy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import ClipError
from motion_widgets.media.decode import stillest
from motion_widgets.media.repair.clip_reader import ClipReader, clip_input
from motion_widgets.media.repair.clip_writer import Edit, copy_streams, write_edit
from motion_widgets.request.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from motion_widgets.media.repair.operation import Operation
    from motion_widgets.media.repair.progress import Progress

__all__ = ["CLIP_OPERATIONS", "clip_parameters", "write_clip"]


def _trim(reader: ClipReader, values: Mapping[str, Any]) -> Edit:
    start, length = values["start"], values["length"]
    return Edit(reader.as_moviepy().subclipped(start, start + length), start, length)


def _hold(reader: ClipReader, values: Mapping[str, Any]) -> Edit:
    length = max(values["length"], reader.clip.length)
    return Edit(reader.as_moviepy(length), 0.0, length, least=values["length"])


def _scale(reader: ClipReader, values: Mapping[str, Any]) -> Edit:
    """Bring the sides into their range; if scaling alone cannot do that, the short side gets bars."""
    clip, (low, high) = reader.clip, LIMITS.clip_side
    short, long = sorted((clip.width, clip.height))
    width = values.get("width")
    factor = width / clip.width if width else 1.0
    factor = min(max(factor, low / short), high / long)
    sides = _even(clip.width * factor), _even(clip.height * factor)
    picture = _resized(reader.as_moviepy(), sides)
    return Edit(_padded(picture, max(low, sides[0]), max(low, sides[1])), 0.0, clip.length)


def _fit(reader: ClipReader, values: Mapping[str, Any]) -> Edit:
    """Change the aspect by cropping or by adding bars, then bring the sides into their range."""
    picture, aspect = reader.as_moviepy(), values["aspect"]
    picture = _cropped(picture, aspect) if values["how"] == "crop" else _letterboxed(picture, aspect)
    low, high = LIMITS.clip_side
    factor = min(max(1.0, low / min(picture.size)), high / max(picture.size))
    if factor != 1:
        sides = _even(picture.size[0] * factor), _even(picture.size[1] * factor)
        picture = _padded(_resized(picture, sides), max(low, sides[0]), max(low, sides[1]))
    return Edit(picture, 0.0, reader.clip.length)


def _cropped(picture: Any, aspect: float) -> Any:
    """Keep the middle of a picture, at another aspect."""
    from moviepy import vfx

    width, height = picture.size
    sides = (height * aspect, height) if width / height > aspect else (width, width / aspect)
    wide, tall = min(_even(sides[0]), width // 2 * 2), min(_even(sides[1]), height // 2 * 2)
    if (wide, tall) == (width, height):
        return picture
    left, top = (width - wide) // 2, (height - tall) // 2
    return picture.with_effects([vfx.Crop(x1=left, y1=top, width=wide, height=tall)])


def _letterboxed(picture: Any, aspect: float) -> Any:
    """Put bars around a picture until it has another aspect; its longer side does not grow."""
    width, height = picture.size
    long = max(width, height)
    wide, tall = _even(long * min(1.0, aspect)), _even(long / max(1.0, aspect))
    factor = min(wide / width, tall / height)
    inner = min(wide, _even(width * factor)), min(tall, _even(height * factor))
    return _padded(_resized(picture, inner), wide, tall)


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


def _even(value: float) -> int:
    return max(2, round(value / 2) * 2)


_EDITS: dict[str, Callable[[ClipReader, Mapping[str, Any]], Edit]] = {
    "trim_clip": _trim,
    "hold_clip": _hold,
    "convert_clip": _scale,
    "scale_clip": _scale,
    "fit_clip": _fit,
}
_COPIES = {
    "mute_clip": ("-map", "0:v:0", "-an"),
    "strip_clip": ("-map", "0:v:0", "-map", "0:a:0?"),
}
"""Which streams an operation copies bit for bit; moviepy could only encode them again."""
CLIP_OPERATIONS = (*_EDITS, *_COPIES)


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
        length = min(float(values["length"] or math.inf), clip.length)
        start = stillest(path, length) if values["start"] == "stillest" else float(values["start"])
        if not (length > 0 and 0 <= start < clip.length - 1 / clip.fps):
            raise ClipError.of("mend_range", name=path.name, length=f"{clip.length:.2f}")
        return {"start": round(start, 3), "length": round(min(length, clip.length - start), 3)}
    if operation.name == "fit_clip":
        how, aspect = values["how"], values["aspect"]
        if how not in {"crop", "pad"} or not 0.05 <= aspect <= 20:
            raise ClipError.of("mend_aspect", name=path.name, found=f"{how} {aspect:g}")
    return values


def write_clip(operation: Operation, source: Path, folder: Path, progress: Progress) -> Path:
    """Carry out an operation on a clip and return the new file in `folder`.

    Raises
    ------
    ClipError
        The source cannot be read, the mend was cancelled or too slow, or the disk is full.
    """
    clip = clip_input(source, progress)
    if operation.name in _COPIES:
        return copy_streams(clip, _COPIES[operation.name], folder, progress)
    with ClipReader(clip, progress) as reader:
        edit = _EDITS[operation.name](reader, operation.parameters)
        return write_edit(edit, clip, folder, progress)
