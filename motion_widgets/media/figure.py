"""A drawn character in any pose, for the sample image and the sample clips."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw

__all__ = ["Pose", "draw_backdrop", "draw_figure"]

_SKY, _GROUND, _SHADOW = ((222, 232, 244), (246, 238, 228)), (214, 204, 190), (190, 179, 165)
_SKIN, _HAIR, _SHIRT, _TROUSERS, _DARK = "#e8b796", "#4a3328", "#2f7f86", "#394867", "#2b2b33"
_SHIRT_DARK, _TROUSERS_DARK, _CHEEK, _MOUTH = "#266a70", "#303d58", "#e0a085", "#a5523f"
_Point = tuple[float, float]


class Pose(NamedTuple):
    """How the figure stands.

    A limb is given by the angles of its two parts, in radians: 0 hangs straight down, positive points right.
    """

    left_arm: tuple[float, float] = (-0.35, -0.2)
    right_arm: tuple[float, float] = (0.35, 0.2)
    left_leg: tuple[float, float] = (-0.1, -0.05)
    right_leg: tuple[float, float] = (0.1, 0.05)
    lean: float = 0.0
    """Angle of the torso, in radians."""
    sway: float = 0.0
    """Offset to the right, as a share of the width."""
    bob: float = 0.0
    """Offset downwards, as a share of the height."""
    nod: float = 0.0
    """Angle of the head, in radians."""


def draw_backdrop(width: int, height: int) -> Picture:
    """Return a soft background: a graded wall, the floor, a shadow."""
    from PIL import Image, ImageDraw, ImageFilter

    column = Image.new("RGB", (1, height))
    for y in range(height):
        part = y / height
        column.putpixel((0, y), tuple(round(a + (b - a) * part) for a, b in zip(*_SKY, strict=True)))
    picture = column.resize((width, height))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0.86 * height, width, height), fill=_GROUND)
    draw.ellipse((0.22 * width, 0.885 * height, 0.78 * width, 0.935 * height), fill=_SHADOW)
    return picture.filter(ImageFilter.GaussianBlur(width / 120))


def draw_figure(picture: Picture, pose: Pose) -> None:
    """Draw the figure into a picture, in place and at its full height."""
    from PIL import ImageDraw

    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    unit = height / 100
    hip = (width * (0.5 + pose.sway), height * (0.56 + pose.bob))
    neck = _end(hip, math.pi + pose.lean, 26 * unit)
    for leg, side in ((pose.left_leg, -1), (pose.right_leg, 1)):
        joint, thigh, shin = _moved(hip, side * 4 * unit, 0), (17, 6.4, _TROUSERS), (17, 5, _TROUSERS_DARK)
        x, y = _moved(_limb(draw, joint, leg, (thigh, shin), unit), side * unit, 0)
        draw.ellipse((x - 3.2 * unit, y - 0.6 * unit, x + 3.2 * unit, y + 3 * unit), fill=_DARK)
    # The shirt is narrower than the line of the shoulders and ends above the hips, at the belt.
    _bar(draw, _end(hip, math.pi + pose.lean, 6 * unit), _end(neck, pose.lean, 5 * unit), 12 * unit, _SHIRT)
    left, right = (_moved(neck, side * 4.6 * unit, 1.4 * unit) for side in (-1, 1))
    _bar(draw, left, right, 5 * unit, _SHIRT)
    _bar(draw, _moved(hip, -3.4 * unit, 0), _moved(hip, 3.4 * unit, 0), 7.2 * unit, _TROUSERS)
    _bar(draw, _end(neck, 0.0, 0.5 * unit), _end(neck, math.pi + pose.nod / 2, 6 * unit), 4 * unit, _SKIN)
    _head(draw, _end(neck, math.pi + pose.nod, 12 * unit), unit)
    for arm, side in ((pose.left_arm, -1), (pose.right_arm, 1)):
        shoulder, sleeve = _moved(neck, side * 5.6 * unit, 1.2 * unit), (10, 4.6, _SHIRT_DARK)
        hand = _limb(draw, shoulder, arm, (sleeve, (8.5, 3.8, _SKIN)), unit)
        draw.ellipse(_disc(hand, 2.6 * unit), fill=_SKIN)


def _moved(point: _Point, right: float, down: float) -> _Point:
    return point[0] + right, point[1] + down


def _end(start: _Point, angle: float, length: float) -> _Point:
    return _moved(start, math.sin(angle) * length, math.cos(angle) * length)


def _disc(centre: _Point, radius: float) -> tuple[float, float, float, float]:
    return (*_moved(centre, -radius, -radius), *_moved(centre, radius, radius))


def _bar(draw: ImageDraw, start: _Point, end: _Point, thickness: float, fill: str) -> None:
    """Draw a bar with round ends."""
    draw.line((*start, *end), fill=fill, width=round(thickness))
    for point in (start, end):
        draw.ellipse(_disc(point, thickness / 2), fill=fill)


def _limb(
    draw: ImageDraw,
    start: _Point,
    angles: tuple[float, float],
    parts: tuple[tuple[float, float, str], tuple[float, float, str]],
    unit: float,
) -> _Point:
    """Draw two bars, each (length, thickness, fill), with a joint between them, and return the limb's end."""
    (upper_length, upper_thickness, upper_fill), (lower_length, lower_thickness, lower_fill) = parts
    joint = _end(start, angles[0], upper_length * unit)
    end = _end(joint, angles[1], lower_length * unit)
    _bar(draw, joint, end, lower_thickness * unit, lower_fill)
    _bar(draw, start, joint, upper_thickness * unit, upper_fill)
    return end


def _head(draw: ImageDraw, centre: _Point, unit: float) -> None:
    x, y = centre
    draw.ellipse((x - 6.4 * unit, y - 8 * unit, x + 6.4 * unit, y + 5 * unit), fill=_HAIR)
    draw.ellipse((x - 5.4 * unit, y - 6 * unit, x + 5.4 * unit, y + 6.6 * unit), fill=_SKIN)
    draw.pieslice((x - 6 * unit, y - 8.2 * unit, x + 6 * unit, y + 2 * unit), 180, 360, fill=_HAIR)
    for side in (-1, 1):
        draw.ellipse(_disc((x + side * 2.2 * unit, y), 0.75 * unit), fill=_DARK)
        draw.ellipse(_disc((x + side * 3.4 * unit, y + 2.3 * unit), 0.9 * unit), fill=_CHEEK)
    mouth = (x - 2 * unit, y + unit, x + 2 * unit, y + 4.2 * unit)
    draw.arc(mouth, 20, 160, fill=_MOUTH, width=round(0.5 * unit) or 1)
