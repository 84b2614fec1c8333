"""The operations on clips: each is an edit for ffmpeg's filters, or a choice of streams to copy."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import ClipError
from motion_widgets.media.decode import stillest
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.repair.clip_filters import Edit
from motion_widgets.media.repair.clip_input import clip_input, even
from motion_widgets.media.repair.clip_writer import copy_streams, write_edit
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


def _trim(clip: ClipInput, values: Mapping[str, Any]) -> Edit:
    """Keep whole frames of a part; one that ends where the clip does ends with its last frame."""
    start, length = values["start"], values["length"]
    first = max(0, math.ceil((start - _ROUNDED) * clip.fps))
    frames = math.floor(length * clip.fps + _NOISE)
    if start + length > clip.length - _ROUNDED:
        frames = max(1, clip.frames - first)
    first = max(0, min(first, clip.frames - frames))
    if frames == clip.frames or length >= LIMITS.clip_seconds["video"][0]:
        frames = _allowed(clip, frames)
    return Edit(frames, clip.sides, first)


def _hold(clip: ClipInput, values: Mapping[str, Any]) -> Edit:
    return Edit(max(clip.frames, math.ceil(values["length"] * clip.fps - _NOISE)), clip.sides)


def _allowed(clip: ClipInput, frames: int) -> int:
    """Return enough frames for the endpoint if the source is long enough, perhaps by its sound alone.

    The last frame is held then.
    """
    low = LIMITS.clip_seconds["video"][0]
    return max(frames, math.ceil(Fraction(low) * clip.fps)) if round(clip.total, 6) >= low else frames


def _keep(clip: ClipInput, _values: Mapping[str, Any]) -> Edit:
    return Edit(_allowed(clip, clip.frames), clip.sides)


def _scale(clip: ClipInput, values: Mapping[str, Any]) -> Edit:
    """Bring the sides into their range; if scaling alone cannot do that, the short side gets bars."""
    low, high = LIMITS.clip_side
    short, long = sorted(clip.sides)
    width = values.get("width")
    factor = width / clip.width if width else 1.0
    factor = min(max(factor, low / short), high / long)
    sides = _times(clip.sides, factor)
    return replace(_keep(clip, values), sides=sides, canvas=_least(sides))


def _fit(clip: ClipInput, values: Mapping[str, Any]) -> Edit:
    """Change the aspect by cropping or by adding bars, then bring the sides into their range."""
    edit, aspect = _keep(clip, values), values["aspect"]
    if values["how"] == "crop":
        canvas = sides = _cropped(clip, aspect)
        edit = replace(edit, crop=None if sides == clip.sides else sides)
    else:
        sides, canvas = _letterboxed(clip, aspect)
    low, high = LIMITS.clip_side
    factor = min(max(1.0, low / min(canvas)), high / max(canvas))
    if factor != 1:
        canvas, inner = _times(canvas, factor), _times(sides, factor)
        sides = min(canvas[0], inner[0]), min(canvas[1], inner[1])
    return replace(edit, sides=sides, canvas=_least(canvas))


def _times(sides: tuple[int, int], factor: float) -> tuple[int, int]:
    return even(sides[0] * factor), even(sides[1] * factor)


def _least(sides: tuple[int, int]) -> tuple[int, int]:
    """Return sides of which neither is too short."""
    low, _ = LIMITS.clip_side
    return max(low, sides[0]), max(low, sides[1])


def _cropped(clip: ClipInput, aspect: float) -> tuple[int, int]:
    """Return the sides of the middle of a picture that has another aspect."""
    width, height = clip.sides
    sides = (height * aspect, height) if width / height > aspect else (width, width / aspect)
    return min(even(sides[0]), width), min(even(sides[1]), height)


def _letterboxed(clip: ClipInput, aspect: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the sides of a picture, and those with bars around it until it has another aspect.

    The longer side does not grow.
    """
    width, height = clip.sides
    long = max(width, height)
    wide, tall = even(long * min(1.0, aspect)), even(long / max(1.0, aspect))
    factor = min(wide / width, tall / height)
    return (min(wide, even(width * factor)), min(tall, even(height * factor))), (wide, tall)


_EDITS: dict[str, Callable[[ClipInput, Mapping[str, Any]], Edit]] = {
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
    edit = _EDITS.get(operation.name, _keep)(clip, operation.parameters)
    return write_edit(edit, clip, folder, progress, with_sound=with_sound)
