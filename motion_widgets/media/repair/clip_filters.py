"""Which frames of a clip a mend keeps, and what becomes of them: plain data, and ffmpeg's filters for it.

ffmpeg's own filters do it rather than moviepy, which would take each frame as RGB through Python, by one pipe
in and another one out, which takes about as long as decoding and encoding it. Nor does `VideoFileClip`
read what people bring: it hangs for ever on a zeroed body, crashes on time codes and on rotated HDR clips,
takes the length from printed text, and miscounts frames that are not evenly spaced.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from motion_widgets.media import ffmpeg
from motion_widgets.media.colours import encoded, guessed_matrix, matrix_of, to_bt709, with_matrix

if TYPE_CHECKING:
    from motion_widgets.media.repair.clip_input import ClipInput

__all__ = ["Edit", "PictureChain", "picture_chain"]

_MISSING = 0.5
"""Seconds of picture that may be missing at the end; the last frame is held then, as players do."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What is written of a clip. Sides are width and height in even px."""

    frames: int
    """How many frames, at the clip's rate; beyond its end the last one is held."""
    sides: tuple[int, int]
    """To which the picture is scaled."""
    first: int = 0
    """Number of the first frame."""
    crop: tuple[int, int] | None = None
    """Sides of the middle that is kept of the clip before it is scaled. None: all of it."""
    canvas: tuple[int, int] | None = None
    """Sides with black bars around the scaled picture. None: no bars."""


@dataclass(frozen=True, slots=True)
class PictureChain:
    """How ffmpeg reads and makes the picture of an edit."""

    options: list[str]
    """The options that open the clip."""
    filters: str
    """A graph of filters from the clip's picture to ``[picture]``."""
    held: int
    """For how many frames the last one would be held, if no more of them can be decoded than must be.

    With fewer than that, fewer frames come out than the edit has.
    """


def picture_chain(clip: ClipInput, edit: Edit) -> PictureChain:
    """Return how ffmpeg reads and makes the picture of an edit."""
    begin = _beginning(clip, edit.first)
    end = edit.first + edit.frames
    held = max(0, end - max(0, math.ceil((clip.last - _MISSING) * clip.fps)))
    chain = [
        *with_matrix(clip.matrix),
        *_timed(clip, begin),
        *([f"tpad=stop_mode=clone:stop={held}"] if held else []),
        f"trim=start_frame={edit.first - begin}:end_frame={end - begin}",
        f"settb={1 / clip.fps},setpts=N",
        *_shaped(clip, edit),
    ]
    seek = ["-ss", f"{clip.origin + begin / clip.fps:.6f}"] if begin else []
    filters = f"[{ffmpeg.PICTURE}]{','.join(chain)}[picture]"
    guess = guessed_matrix(clip.transfer, clip.height)
    return PictureChain([*seek, *guess, *clip.options], filters, held)


def _beginning(clip: ClipInput, first: int) -> int:
    """Return the number of the frame at which ffmpeg begins to read, so that it comes to the first one."""
    # What lies on either side of where ffmpeg begins depends on how times are rounded, so it begins
    # earlier: before a frame that is there, as what is shown then may have begun long before.
    number = min(first, math.floor((clip.last - _MISSING) * clip.fps)) - round(clip.fps)
    times = clip.times
    if len(times):
        before = max(0, bisect_right(times, float(number / clip.fps)) - 1)
        number = min(number, math.floor(times[before] * clip.fps) - 1)
    return max(0, number if clip.seekable else 0)


def _timed(clip: ClipInput, begin: int) -> list[str]:
    """Return the filters that give the frames of a clip its constant rate, from a frame on."""
    shift = []
    if clip.numbered:
        shift = [f"setpts=N/({clip.fps}*TB)"]
    elif clip.origin and not begin:
        shift = [f"setpts=round(PTS-{clip.origin:.6f}/TB)"]
    fields = ["bwdif=mode=send_frame:deint=interlaced"] if clip.interlaced else []
    return [*shift, *fields, f"fps={clip.fps}:start_time=0"]


def _shaped(clip: ClipInput, edit: Edit) -> list[str]:
    """Return the filters that crop, scale and pad frames, and make their colours those that are encoded."""
    # What phones and cameras put beside a frame (captions, light levels of HDR) is not true of what is made.
    chain = ["sidedata=mode=delete", "setfield=prog"]
    if edit.crop:
        (wide, tall), (x, y) = edit.crop, _middle((clip.width, clip.height), edit.crop)
        square = f"scale={clip.width}:{clip.height},setsar=1"
        chain.append(f"{square},crop={wide}:{tall}:{x}:{y}:exact=1")
    hdr = to_bt709(clip.transfer)
    if hdr:
        chain += [_scaled(edit.sides), "setsar=1", *hdr]
    # Colours, sides and the format in one step, without another format between them.
    chain += [encoded(matrix_of(clip.transfer, clip.height), edit.sides), "setsar=1"]
    if edit.canvas and edit.canvas != edit.sides:
        (wide, tall), (x, y) = edit.canvas, _middle(edit.canvas, edit.sides)
        chain.append(f"pad={wide}:{tall}:{x}:{y}")
    return chain


def _scaled(sides: tuple[int, int]) -> str:
    return "scale={}:{}".format(*sides)


def _middle(outer: tuple[int, int], inner: tuple[int, int]) -> tuple[int, int]:
    """Return where inner sides lie in the middle of outer ones; in even px, where 4:2:0 has colours."""
    return (outer[0] - inner[0]) // 4 * 2, (outer[1] - inner[1]) // 4 * 2
