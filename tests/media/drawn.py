"""Clips whose frames show their number and four colours, and what any clip shows, as PyAV decodes it.

A frame is a grid of 24 x 17 cells (17 x 24 if it stands): four coloured quarters, and across the middle a row
of nine cells which are the bits of its number. Both can be read wherever the middle was kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import av
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LONG, SHORT = 24, 17
"""Cells of the grid."""
BITS = 9
COLOURS = np.array([(200, 50, 50), (50, 170, 70), (50, 70, 190), (190, 180, 70)])
"""Of the quarters: the upper ones, then the lower ones, each from left to right."""
WHITE, BLACK = 230, 20
BEEP = 1.0
"""Seconds at which the sound of a drawn clip begins to be heard."""
_QUARTERS = ((-5, -5), (5, -5), (-5, 5), (5, 5))
"""Cells from the middle at which the quarters' colours are read."""
_MATRICES = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593)}
"""Shares of red and blue in the luma, by ISO/IEC 23091-2; BT.601's for all others."""


def draw(path: Path, frames: int, *, standing: bool = False) -> Path:
    """Write raw frames, one px a cell; ffmpeg enlarges them."""
    wide, tall = (SHORT, LONG) if standing else (LONG, SHORT)
    picture = np.empty((frames, tall, wide, 3), np.uint8)
    x, y = wide // 2, tall // 2
    picture[:, :y, :x], picture[:, :y, x:], picture[:, y:, :x], picture[:, y:, x:] = COLOURS
    picture[:, y - 1 : y + 2] = BLACK
    for number in range(frames):
        for bit in range(BITS):
            if number >> bit & 1:
                picture[number, y - 1 : y + 2, x - BITS // 2 + bit] = WHITE
    path.write_bytes(picture.tobytes())
    return path


@dataclass(slots=True)
class Shown:
    """What plays of a clip."""

    width: int = 0
    """px as shown: pixels made square, rotation applied."""
    height: int = 0
    rotation: int = 0
    times: list[float] = field(default_factory=list)
    """When each frame is shown, in s from the beginning."""
    end: float = 0.0
    """When the last one ends, in s from the beginning."""
    first: NDArray[Any] | None = None
    """The first and the last frame as shown: RGB, small."""
    last: NDArray[Any] | None = None
    numbers: list[int] = field(default_factory=list)
    """Of the frames, if they were drawn here."""
    colours: NDArray[Any] | None = None
    """Of the quarters of the first frame: RGB."""
    sounds: int = 0
    """Sound tracks."""
    beep: float | None = None
    """When the sound is first heard, in s from the beginning. None: never."""

    @property
    def step(self) -> float:
        """The longest time for which one frame is shown, in s."""
        ends = [*self.times, self.end]
        return max(late - early for early, late in pairwise(ends)) if self.times else 0.0

    def number_at(self, time: float) -> int:
        """Return the number of the frame that is shown at a time."""
        return next(
            (n for t, n in zip(self.times[::-1], self.numbers[::-1], strict=True) if t <= time),
            self.numbers[0],
        )


def shown(
    path: Path | str,
    *,
    drawn: bool = True,
    zoom: tuple[float, float] = (1.0, 1.0),
    standing: bool | None = None,
) -> Shown:
    """Decode a clip as it plays.

    Parameters
    ----------
    path
        The clip.
    drawn
        Whether its frames have numbers.
    zoom
        The sides of the drawing over those of the frame; below 1 it has bars around it.
    standing
        Whether the drawing stands. None: if the frame is higher than wide.
    """
    found = Shown()
    with av.open(str(path)) as container:
        pictures = [
            one for one in container.streams.video if not one.disposition & av.stream.Disposition.attached_pic
        ]
        stream = pictures[0]
        found.sounds = len(container.streams.audio)
        origin = None
        for frame in container.decode(stream):
            upright = _Frame(frame, stream)
            if origin is None:
                # In a mov all tracks count from one zero; a late picture is preceded by its first frame.
                origin = 0.0 if "mov" in container.format.name else frame.time or 0.0
                found.width, found.height, found.rotation = upright.wide, upright.tall, -frame.rotation % 360
                found.first = upright.small()
            if drawn:
                stands = upright.tall > upright.wide if standing is None else standing
                cell = Cell(zoom, stands)
                found.numbers.append(upright.number(cell))
                if found.colours is None:
                    found.colours = np.array([upright.colour(cell, *at) for at in _QUARTERS])
            found.times.append(float(frame.time or 0.0) - origin)
            lasts = (
                frame.duration * frame.time_base
                if frame.duration
                else 1 / (stream.average_rate or Fraction(25))
            )
            found.end = max(found.end, found.times[-1] + float(lasts))
        found.last = upright.small()
    found.beep = _beep(path, origin or 0.0) if found.sounds else None
    return found


def places(*, standing: bool = False) -> list[tuple[float, float]]:
    """Return where the four colours and then the bits are, as shares of a frame's sides."""
    cell = Cell((1.0, 1.0), standing)
    return [cell.at(*at) for at in _QUARTERS] + [cell.at(bit - BITS // 2, 0) for bit in range(BITS)]


class Cell:
    """Where the cells of the grid are, as shares of a frame's sides."""

    def __init__(self, zoom: tuple[float, float], standing: bool) -> None:
        wide, tall = (SHORT, LONG) if standing else (LONG, SHORT)
        self.wide, self.tall = zoom[0] / wide, zoom[1] / tall
        # The middle cell of an even number of cells lies half a cell behind the middle.
        self.x, self.y = (0.5 if wide % 2 == 0 else 0.0), (0.5 if tall % 2 == 0 else 0.0)

    def at(self, right: float, down: float) -> tuple[float, float]:
        return 0.5 + (right + self.x) * self.wide, 0.5 + (down + self.y) * self.tall


class _Frame:
    """A decoded frame by places in it as shown."""

    def __init__(self, frame: av.VideoFrame, stream: Any) -> None:
        self.frame = frame
        coded = frame.format.is_rgb or "pal" in frame.format.name or "gray" in frame.format.name
        self.full = frame.format.name.startswith("yuvj") or frame.color_range == 2
        self.rgb = coded
        name = "rgb24" if coded else "yuvj444p" if self.full else "yuv444p"
        if coded:
            planes = frame.to_ndarray(format=name)
        else:
            planes = np.moveaxis(
                frame.reformat(
                    format=name, src_color_range=2 if self.full else 1, dst_color_range=2 if self.full else 1
                ).to_ndarray(),
                0,
                -1,
            )
        self.planes = np.rot90(planes, frame.rotation // 90)
        ratio = stream.sample_aspect_ratio or Fraction(1)
        wide, tall = round(frame.width * ratio), frame.height
        self.wide, self.tall = (tall, wide) if frame.rotation % 180 else (wide, tall)

    def _at(self, cell: Cell, right: float, down: float) -> NDArray[Any]:
        """Return the mean of the planes in the middle of a cell, counted from the middle of the picture."""
        tall, wide = self.planes.shape[:2]
        across, along = cell.at(right, down)
        x, y = across * wide, along * tall
        part = self.planes[round(y - 2) : round(y + 2), round(x - 1) : round(x + 2)]
        return np.asarray(part.reshape(-1, 3).astype(float).mean(axis=0))

    def _rgb(self, planes: NDArray[Any]) -> NDArray[Any]:
        if self.rgb:
            return planes
        red, blue = _MATRICES.get(int(self.frame.colorspace), (0.299, 0.114))
        if int(self.frame.colorspace) == 2 and self.frame.height >= 720:
            red, blue = _MATRICES[1]
        y, b, r = planes[..., 0], planes[..., 1] - 128, planes[..., 2] - 128
        if self.full:
            y, b, r = y / 255, b / 255, r / 255
        else:
            y, b, r = (y - 16) / 219, b / 224, r / 224
        made = np.stack([y + 2 * (1 - red) * r, y, y + 2 * (1 - blue) * b], axis=-1)
        made[..., 1] = (y - red * made[..., 0] - blue * made[..., 2]) / (1 - red - blue)
        return np.clip(made * 255, 0, 255)

    def colour(self, cell: Cell, right: float, down: float) -> NDArray[Any]:
        return self._rgb(self._at(cell, right, down))

    def number(self, cell: Cell) -> int:
        bits = [self._at(cell, bit - BITS // 2, 0) for bit in range(BITS)]
        return sum(int(self._rgb(one).mean() > 128) << bit for bit, one in enumerate(bits))

    def small(self) -> NDArray[Any]:
        """Return it at 32 x 32, as the mean of what lies there."""
        tall, wide = self.planes.shape[:2]
        rows, columns = np.linspace(0, tall, 33).astype(int), np.linspace(0, wide, 33).astype(int)
        sums = np.add.reduceat(
            np.add.reduceat(self.planes.astype(float), rows[:-1], axis=0), columns[:-1], axis=1
        )
        area = np.diff(rows)[:, None, None] * np.diff(columns)[None, :, None]
        return self._rgb(sums / area)


def _beep(path: Path | str, origin: float) -> float | None:
    with av.open(str(path)) as container:
        # As players and ffmpeg do: the default track, else the first.
        stream = next(
            (one for one in container.streams.audio if one.disposition & av.stream.Disposition.default),
            container.streams.audio[0],
        )
        if stream.codec_context is None:
            return None
        for frame in container.decode(stream):
            heard = frame.to_ndarray().astype(float)
            if frame.format.name.startswith("s16"):
                heard /= 32768
            elif frame.format.name.startswith("s32"):
                heard /= 2**31
            samples = np.abs(
                heard.reshape(-1, frame.samples if frame.format.is_planar else len(frame.layout.channels))
            )
            loud = (samples.max(axis=0) if frame.format.is_planar else samples.max(axis=1)) > 0.1
            if loud.any():
                return float(frame.time or 0.0) + float(loud.argmax()) / frame.sample_rate - origin
    return None
